"""A line to PostgreSQL on which an answer is lost: the statement was done, the connection is dead, and whoever asked does not know."""

import asyncio
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

from far import Relay

# In the protocol a server sends this when it has done all that it was asked for and waits for more.
READY = b"Z\x00\x00\x00\x05"


class Line(Relay):
    """From a TCP port to the server's socket. `lose(words)`: the next request that contains them is done and not answered."""

    def __init__(self, uri):
        super().__init__()
        parts = urlsplit(uri)
        self._socket = parse_qs(parts.query)["host"][0] + "/.s.PGSQL.5432"
        self._name = parts.path
        self._user = parts.username
        self._words = None
        self.lost = asyncio.Event()

    @property
    def uri(self):
        return f"postgresql://{self._user}@127.0.0.1:{self.port}{self._name}"

    def lose(self, *words):
        """The answer to the next request with all of these in it. What was prepared before is sent without its text, but with its values."""
        self._words = [word.encode() for word in words]
        self.lost.clear()

    async def _connect(self, reader, writer):
        there, back = await asyncio.open_unix_connection(self._socket)
        deaf = asyncio.Event()
        pumps = [asyncio.create_task(self._ask(reader, back, deaf)), asyncio.create_task(self._answer(there, writer, deaf))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            for end in (writer, back):
                end.close()

    async def _ask(self, reader, back, deaf):
        with suppress(ConnectionError):
            while data := await reader.read(1 << 20):
                if self._words and all(word in data for word in self._words):
                    self._words = None
                    deaf.set()
                back.write(data)
                await back.drain()

    async def _answer(self, there, writer, deaf):
        with suppress(ConnectionError):
            while data := await there.read(1 << 20):
                if deaf.is_set():
                    if READY in data:
                        self.lost.set()
                        return
                    continue
                writer.write(data)
                await writer.drain()
