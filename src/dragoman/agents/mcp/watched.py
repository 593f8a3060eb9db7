"""The guarded door as the mcp library's HTTP client uses it, remembering what the library does not tell."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec

from dragoman.http.answers import NoAnswer, Refused, Streamed
from dragoman.http.guarded import LARGEST, Guarded


class Watched:
    """`status` is that of the last answer to a POST; `reason` is the first one why an answer did not come, or not to its end.

    `deaf`: the library would listen for whatever a server likes to tell for as long as a line is open (a GET); it may not. Going on
    with an answer that broke off is a GET too, and is let through.
    """

    def __init__(self, door: Guarded, *, deaf: bool = False) -> None:
        self._door, self._deaf = door, deaf
        self.status = 0
        self.reason = ""

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float,
        idle: float | None = None,
        largest: int = LARGEST,
    ) -> AsyncIterator[Streamed]:
        if self._deaf and method == "GET" and "last-event-id" not in {name.lower() for name in headers or {}}:
            raise Refused("Dragoman does not listen for messages that answer nothing.")
        try:
            request = self._door.stream(method, url, headers=headers, body=body, timeout=timeout, idle=idle, largest=largest)
            async with request as answer:
                if method == "POST":
                    self.status = answer.status
                yield msgspec.structs.replace(answer, parts=self._parts(answer))
        except (Refused, NoAnswer) as nothing:
            self.reason = self.reason or nothing.reason
            raise

    async def _parts(self, answer: Streamed) -> AsyncIterator[bytes]:
        try:
            async for part in answer.parts:
                yield part
        except NoAnswer as nothing:
            self.reason = self.reason or nothing.reason
            raise
