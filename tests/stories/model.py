"""A model provider for the stories: an OpenAI-compatible server over HTTP, which answers what a test scripts and remembers what it was asked."""

import asyncio
import base64
import hashlib
import io
import json
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from cast import until
from PIL import Image
from stage import serving

DIMENSIONS = 64
OPUS = b"OggS\x00\x02" + bytes(20) + b"\x01\x13OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00"


@dataclass
class Model:
    """`script` holds answers for the next chats, first come first served; `answer` is for all others. An answer is

    a str                                 text
    {"tool": name, "args": {...}}         a call; a list of these, several at once; "raw_args" for broken JSON
    {"text": ..., "tools": [...]}         both
    {"refusal": text}                     the provider's content filter
    an int                                that status
    {"delay": seconds, "then": answer}    later
    a function of the request             whatever it returns (may be async)
    """

    answer: Any = None
    script: list[Any] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    others: list[tuple[str, Any]] = field(default_factory=list)
    key: str = "sk-lumen-0123456789"
    transcript: str = "I would like two loaves of rye bread, please."
    in_flight: int = 0
    most_in_flight: int = 0
    url: str = ""
    calls: int = 0

    async def handle(self, request):
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return _error(401, "Incorrect API key provided", "invalid_api_key")
        what = request.path.removeprefix("/v1/")
        if what == "chat/completions":
            return await self._chat(request)
        reader = {"embeddings": self._embeddings, "images/generations": self._image, "audio/speech": self._speech}
        if what == "audio/transcriptions":
            form = await request.post()
            self.others.append((what, {"model": form["model"], "bytes": len(form["file"].file.read()), "name": form["file"].filename}))
            return web.json_response({"text": self.transcript})
        if what not in reader:
            return _error(404, f"no such endpoint {what}", "not_found")
        body = await request.json()
        self.others.append((what, body))
        return reader[what](body)

    async def _chat(self, request):
        body = await request.json()
        self.requests.append(body)
        self.headers.append(request.headers)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            answer = self.script.pop(0) if self.script else self.answer
            while callable(answer) or (isinstance(answer, dict) and "delay" in answer):
                if callable(answer):
                    answer = answer(body)
                    answer = await answer if asyncio.iscoroutine(answer) else answer
                else:
                    await asyncio.sleep(answer["delay"])
                    answer = answer["then"]
            return self._completion(body, answer if answer is not None else f"You said: {last_words(body)}")
        finally:
            self.in_flight -= 1

    def _completion(self, body, answer):
        if isinstance(answer, int):
            headers = {"Retry-After": "1"} if answer == 429 else {}
            return _error(answer, "scripted", "scripted", headers)
        message = {"role": "assistant", "content": None}
        reason = "stop"
        if isinstance(answer, str):
            message["content"] = answer
        elif "refusal" in answer:
            message["refusal"], reason = answer["refusal"], "content_filter"
        else:
            calls = answer if isinstance(answer, list) else answer.get("tools", [answer])
            message["content"] = answer.get("text") if isinstance(answer, dict) else None
            message["tool_calls"] = [self._call(call) for call in calls]
            reason = "tool_calls"
        usage = {"prompt_tokens": len(json.dumps(body)) // 4, "completion_tokens": len(json.dumps(message)) // 4}
        usage["total_tokens"] = sum(usage.values())
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return web.json_response(
            {
                "id": "chat-1",
                "object": "chat.completion",
                "created": 1771000000,
                "model": body["model"],
                "choices": [choice],
                "usage": usage,
            }
        )

    def _call(self, call):
        self.calls += 1
        arguments = call["raw_args"] if "raw_args" in call else json.dumps(call.get("args", {}))
        return {"id": f"call_{self.calls}", "type": "function", "function": {"name": call["tool"], "arguments": arguments}}

    def _embeddings(self, body):
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        data = [{"object": "embedding", "index": n, "embedding": vector(text)} for n, text in enumerate(texts)]
        return web.json_response({"object": "list", "data": data, "model": body["model"], "usage": {"prompt_tokens": 1, "total_tokens": 1}})

    def _image(self, body):
        made = io.BytesIO()
        Image.new("RGB", (8, 8), (200, 120, 40)).save(made, "PNG")
        return web.json_response({"created": 1771000000, "data": [{"b64_json": base64.b64encode(made.getvalue()).decode()}]})

    def _speech(self, body):
        return web.Response(body=OPUS, content_type="audio/ogg")

    async def asked(self, count=1):
        """Wait until the model was asked `count` times; all the requests."""
        return await until(lambda: self.requests if len(self.requests) >= count else None, f"the model is asked {count} times")

    def prompt(self, index=-1):
        """All text of one request."""
        return "\n".join(_text(message) for message in self.requests[index]["messages"])

    def tools(self, index=-1):
        return [tool["function"]["name"] for tool in self.requests[index].get("tools", [])]


def last_words(body):
    return next((_text(message) for message in reversed(body["messages"]) if message["role"] == "user"), "")


def vector(text):
    """A bag of words in a few dimensions: texts that share words are near each other."""
    found = [0.0] * DIMENSIONS
    for word in re.findall(r"\w+", text.lower()):
        found[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % DIMENSIONS] += 1.0
    length = sum(value * value for value in found) ** 0.5 or 1.0
    return [value / length for value in found]


def _text(message):
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(part.get("text", f"[{part['type']}]") for part in content)
    return content or ""


def _error(status, message, code, headers=None):
    return web.json_response({"error": {"message": message, "type": "error", "code": code}}, status=status, headers=headers)


@asynccontextmanager
async def model_server(**options):
    model = Model(**options)
    async with serving(model.handle) as url:
        model.url = f"{url}/v1"
        yield model
