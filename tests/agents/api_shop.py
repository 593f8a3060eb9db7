"""Bakery Lumen's shop API, as far as tests of API tools need one: it remembers what it was asked and answers what a test scripts."""

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Asked:
    method: str
    raw_path: str
    query: list[tuple[str, str]]
    headers: Any
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Shop:
    """`answer` is a dict (JSON), a str, an int (status), a web.Response, or a coroutine function of the request."""

    answer: Any = field(default_factory=lambda: {"ok": True})
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    async def handle(self, request):
        query = [(name, value) for name, value in request.query.items()]
        self.asked.append(Asked(request.method, request.raw_path, query, request.headers, await request.read()))
        answer = self.answer
        if callable(answer):
            answer = await answer(request)
        if isinstance(answer, web.StreamResponse):
            return answer
        if isinstance(answer, int):
            return web.Response(status=answer)
        return web.Response(text=answer) if isinstance(answer, str) else web.json_response(answer)

    @property
    def last(self):
        return self.asked[-1]


def described(words="What it is", kind="string", **more):
    return {"type": kind, "input": {"type": "description", "description": words}, **more}


def fixed(value, kind="string", **more):
    return {"type": kind, "input": {"type": "value", "value": value}, **more}
