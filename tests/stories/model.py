"""A model provider for the stories: an OpenAI-compatible server over HTTP, which answers what a test scripts and remembers what it was asked."""

import asyncio
import base64
import hashlib
import json
import re
import struct
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from cast import until
from made_files import opus, png
from model_wire import chunks, complaint, completion, error
from stage import serving

DIMENSIONS = 64


@dataclass
class Model:
    """`script` holds answers for the next chats, first come first served; `answer` is for all others. An answer is

    a str                                 text
    {"tool": name, "args": {...}}         a call; a list of these, several at once; "raw_args" for broken JSON
    {"text": ..., "tools": [...]}         both; "usage": {...} and "finish_reason" go with any dict
    {"refusal": text}                     the provider's content filter
    an int                                that status, shaped as OpenAI shapes its errors; 429 says when to come again
    {"delay": seconds, "then": answer}    later
    "hang"                                nothing, until the client goes away
    "drop"                                nothing: the connection is closed; in a stream, in the middle of it
    a function of the request             whatever it returns (may be async)

    `key` is the bearer token that is asked for, None for none. `faults` holds statuses for the next requests of an endpoint
    that is no chat: {"embeddings": [500]}. A chat that OpenAI would refuse (a tool's result without its call, a tool's name
    with a space) is refused here too; `strict=False` lets it pass.
    """

    answer: Any = None
    script: list[Any] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    others: list[tuple[str, Any]] = field(default_factory=list)
    faults: dict[str, list[int]] = field(default_factory=dict)
    key: str | None = "sk-lumen-0123456789"
    transcript: str = "I would like two loaves of rye bread, please."
    dimensions: int = DIMENSIONS
    strict: bool = True
    in_flight: int = 0
    most_in_flight: int = 0
    abandoned: int = 0
    refused: list[str] = field(default_factory=list)
    url: str = ""
    calls: int = 0
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request):
        if self.key is not None and request.headers.get("Authorization") != f"Bearer {self.key}":
            return error(401, "Incorrect API key provided", "invalid_api_key")
        what = request.path.removeprefix("/v1/")
        if what == "chat/completions":
            return await self._chat(request)
        if self.faults.get(what):
            return error(self.faults[what].pop(0), "scripted", "scripted")
        if what == "models":
            models = [{"id": name, "object": "model", "created": 1771000000, "owned_by": "lab"} for name in ("small", "large", "eyes")]
            return web.json_response({"object": "list", "data": models})
        if what == "audio/transcriptions":
            return await self._transcription(request)
        reader = {"embeddings": self._embeddings, "images/generations": self._image, "audio/speech": self._speech}
        if what not in reader:
            return error(404, f"no such endpoint {what}", "not_found")
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
                    await self._pause(request, answer["delay"])
                    answer = answer["then"]
            return await self._answered(request, body, answer if answer is not None else _default(body))
        finally:
            self.in_flight -= 1

    async def _pause(self, request, seconds):
        """Wait, but not for longer than somebody waits for the answer."""
        end = asyncio.get_running_loop().time() + seconds
        while not self.closing.is_set() and asyncio.get_running_loop().time() < end:
            if request.transport is None or request.transport.is_closing():
                self.abandoned += 1
                return
            await asyncio.sleep(min(0.01, seconds))

    async def _answered(self, request, body, answer):
        if self.strict and (wrong := complaint(body)):
            self.refused.append(wrong)
            return error(400, wrong, None)
        if answer == "hang":
            await self._pause(request, float("inf"))
            answer = 503
        if isinstance(answer, int):
            return error(answer, "scripted", "scripted", {"Retry-After": "1"} if answer == 429 else {})
        if answer == "drop" and not body.get("stream"):
            request.transport.abort()
            return web.Response()
        made = completion(body, "This answer is cut" if answer == "drop" else answer, self._call)
        return await self._streamed(request, body, made, answer == "drop") if body.get("stream") else web.json_response(made)

    async def _streamed(self, request, body, made, dropped):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number, chunk in enumerate(chunks(made, (body.get("stream_options") or {}).get("include_usage"))):
            if dropped and number == 2:
                request.transport.abort()
                return response
            await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response

    def _call(self, call):
        self.calls += 1
        arguments = call["raw_args"] if "raw_args" in call else json.dumps(call.get("args", {}))
        return {"id": f"call_{self.calls}", "type": "function", "function": {"name": call["tool"], "arguments": arguments}}

    async def _transcription(self, request):
        form = await request.post()
        if "file" not in form or "model" not in form:
            return error(400, "file and model are required", None)
        extras = {name: form[name] for name in ("language", "prompt", "response_format") if name in form}
        heard = {"model": form["model"], "bytes": len(form["file"].file.read()), "name": form["file"].filename, **extras}
        self.others.append(("audio/transcriptions", heard))
        if heard.get("response_format") == "text":
            return web.Response(text=self.transcript)
        return web.json_response({"text": self.transcript})

    def _embeddings(self, body):
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        vectors = [vector(text, body.get("dimensions") or self.dimensions) for text in texts]
        if body.get("encoding_format") == "base64":
            vectors = [base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode() for values in vectors]
        data = [{"object": "embedding", "index": n, "embedding": values} for n, values in enumerate(vectors)]
        tokens = sum(len(text) // 4 + 1 for text in texts)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return web.json_response({"object": "list", "data": data, "model": body["model"], "usage": usage})

    def _image(self, body):
        data = [{"b64_json": base64.b64encode(png()).decode()} for _ in range(body.get("n") or 1)]
        return web.json_response({"created": 1771000000, "data": data})

    def _speech(self, body):
        """A second of silence for each 15 characters."""
        return web.Response(body=opus(len(body["input"]) // 15 + 1), content_type="audio/ogg")

    async def asked(self, count=1):
        """Wait until the model was asked `count` times; all the requests."""
        return await until(lambda: self.requests if len(self.requests) >= count else None, f"the model is asked {count} times")

    def prompt(self, index=-1):
        """All text of one request."""
        return "\n".join(_text(message) for message in self.requests[index]["messages"])

    def system(self, index=-1):
        """The instructions of one request alone."""
        return "\n".join(_text(message) for message in self.requests[index]["messages"] if message["role"] in ("system", "developer"))

    def tools(self, index=-1):
        return [tool["function"]["name"] for tool in self.requests[index].get("tools", [])]

    def results(self, index=-1):
        """What tools gave back, as far as one request tells: (tool, text), oldest first."""
        messages = self.requests[index]["messages"]
        names = {call["id"]: call["function"]["name"] for message in messages for call in message.get("tool_calls") or []}
        return [(names.get(message["tool_call_id"]), _text(message)) for message in messages if message["role"] == "tool"]

    def pictures(self, index=-1):
        """The addresses (`data:` or https) of the pictures in one request."""
        contents = [message["content"] for message in self.requests[index]["messages"] if isinstance(message.get("content"), list)]
        return [part["image_url"]["url"] for content in contents for part in content if part["type"] == "image_url"]


def last_words(body):
    return next((_text(message) for message in reversed(body["messages"]) if message["role"] == "user"), "")


def vector(text, dimensions=DIMENSIONS):
    """A bag of words in a few dimensions: texts that share words are near each other."""
    found = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()):
        found[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % dimensions] += 1.0
    length = sum(value * value for value in found) ** 0.5 or 1.0
    return [value / length for value in found]


def _default(body):
    """What was said, back; or the tool that the request insists on."""
    forced = body.get("tool_choice")
    if isinstance(forced, dict) and "function" in forced:
        return {"tool": forced["function"]["name"]}
    return f"You said: {last_words(body)}"


def _text(message):
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(part.get("text", f"[{part['type']}]") for part in content)
    return content or ""


@asynccontextmanager
async def model_server(**options):
    model = Model(**options)
    async with serving(model.handle) as url:
        model.url = f"{url}/v1"
        try:
            yield model
        finally:
            model.closing.set()
