"""A customer's phone in a running sandbox, for commands: say something, hear the answers."""

import asyncio
import time
import unicodedata
from dataclasses import dataclass
from typing import Any

import msgspec

from dragoman.errors import Problem
from dragoman.http.answers import NoAnswer
from dragoman.http.trusted import Trusted


class NotThere(Problem):
    """The server does not answer, has no sandbox, or says no: then `answered` is the status."""

    def __init__(self, message: str, answered: int | None = None) -> None:
        super().__init__(message)
        self.answered = answered


@dataclass
class Server:
    """A running Dragoman by its URL, with an API key where one is needed."""

    door: Trusted
    url: str
    key: str = ""

    async def call(self, method: str, path: str, value: Any = None) -> Any:
        headers = {"X-API-Key": self.key} if self.key else None
        body = msgspec.json.encode(value) if value is not None else None
        try:
            answer = await self.door.request(method, self.url + path, headers=headers, json_body=body, timeout=20)
        except NoAnswer as nothing:
            raise NotThere(f"no server answers at {self.url}: {nothing.reason} Start one with `dragoman serve`.") from None
        if answer.status == 404 and path.startswith("/sandbox/"):
            raise NotThere(f"the server at {self.url} has no sandbox; start it with DRAGOMAN_GRAPH_URL=sandbox")
        if answer.status >= 300:
            why = answer.body[:300].decode(errors="replace")
            raise NotThere(f"{method} {path} was answered with {answer.status}: {why}", answer.status)
        return msgspec.json.decode(answer.body) if answer.body else None


@dataclass
class Phone:
    server: Server
    person: str
    seen: int = 0

    @classmethod
    async def of(cls, server: Server, name: str, phone: str | None = None) -> "Phone":
        """The phone of the person with this name, who is made when there is none."""
        people = await server.call("GET", "/sandbox/control/people")
        known = next((p for p in people if p["name"] == name), None)
        person = known or await server.call("POST", "/sandbox/control/people", {"name": name, **({"phone": phone} if phone else {})})
        mine = cls(server, person["id"])
        mine.seen = len(await mine.said_to_me())
        return mine

    async def say(self, text: str) -> str:
        """Send a text; WhatsApp's id of it."""
        said = await self.server.call("POST", f"/sandbox/control/people/{self.person}/messages", {"type": "text", "text": text})
        return str(said["id"])

    async def tap(self, message: str, choice: dict[str, str]) -> str:
        said = await self.server.call("POST", f"/sandbox/control/people/{self.person}/taps", {"message": message, **choice})
        return str(said["id"])

    async def hear(self, seconds: float) -> list[dict[str, Any]]:
        """What the business has said since the last time; waits up to `seconds` for the first word."""
        deadline = time.monotonic() + seconds
        while True:
            said = await self.said_to_me()
            if len(said) > self.seen:
                news, self.seen = said[self.seen :], len(said)
                return news
            if time.monotonic() > deadline:
                return []
            await asyncio.sleep(0.05)

    async def typing(self) -> bool:
        return bool((await self._chat())["typing"])

    async def said_to_me(self) -> list[dict[str, Any]]:
        return [m for m in (await self._chat())["messages"] if m["from"] == "business"]

    async def _chat(self) -> dict[str, Any]:
        chat: dict[str, Any] = await self.server.call("GET", f"/sandbox/control/people/{self.person}/chat")
        return chat


def shown(message: dict[str, Any], first: int | None = None) -> str:
    """A message as a few lines of text; its choices are numbered from `first` on."""
    lines = [message["text"] or message["caption"] or ""]
    if media := message["media"]:
        lines.insert(0, f"[{message['type']}: {media.get('filename') or media.get('url') or ''}]")
    if place := message["location"]:
        lines.append(f"[place: {place.get('name') or ''} {place['latitude']}, {place['longitude']}]")
    if contact := message["contact"]:
        lines.append(f"[contact: {contact}]")
    titles = [button["title"] for button in message["buttons"] if not button["url"]]
    titles += [row["title"] for row in (message["list"] or {"rows": []})["rows"]]
    lines += [f"{f'{first + n} ' if first else ''}[ {title} ]" for n, title in enumerate(titles)]
    lines += [f"[ {button['title']} ] {button['url']}" for button in message["buttons"] if button["url"]]
    if message["footer"]:
        lines.append(f"({message['footer']})")
    if message["failed"]:
        lines.append(f"(not delivered: {message['failed']})")
    return "\n".join(plain(line) for line in lines if line)


def choices(message: dict[str, Any]) -> list[dict[str, str]]:
    """What can be tapped, in the order in which it is shown, as `Phone.tap` takes it."""
    buttons = [{"button_id": button["id"]} for button in message["buttons"] if not button["url"]]
    return buttons + [{"row_id": row["id"]} for row in (message["list"] or {"rows": []})["rows"]]


def plain(text: str) -> str:
    """Text of others for a terminal, which must not be able to steer it."""
    return "".join(" " if unicodedata.category(letter) == "Cc" and letter != "\n" else letter for letter in text)
