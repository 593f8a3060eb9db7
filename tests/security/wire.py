"""Bare connections to a server, and somebody honest who goes on asking meanwhile."""

import asyncio
import http.client
import re
import threading
import time
from contextlib import suppress
from pathlib import Path

FIRST = re.compile(rb"HTTP/1\.[01] (\d{3})")
MOMENT = 0.4  # of silence, within the patience of the server
# Far longer than the server may take, so that one that hangs is seen as one.
PATIENCE = 20.0


class Heard:
    """What came back: the statuses of all answers, whether the server ended the connection, and after how many seconds."""

    def __init__(self, data, ended, seconds):
        self.statuses = [int(status) for status in FIRST.findall(data)]
        self.data, self.ended, self.seconds = data, ended, seconds

    @property
    def first(self):
        return self.statuses[0] if self.statuses else None


async def said(port, pieces, *, ends, patience=PATIENCE):
    """Say all pieces on a connection of its own and listen. Where the server need not end it (`ends`), a moment's silence is the end."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = bytearray()
    listening = asyncio.create_task(_listen(reader, data))
    try:
        await _say(writer, pieces, listening)
        if not ends:
            await _quiet(data, listening)
        else:
            await asyncio.wait([listening], timeout=patience)
        return Heard(bytes(data), listening.done(), time.monotonic() - began)
    finally:
        listening.cancel()
        writer.transport.abort()


async def unread(port, request):
    """Ask for far more than fits on the way and read nothing; does the server end the connection?"""
    _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    until = time.monotonic() + PATIENCE
    try:
        writer.write(request)
        while time.monotonic() < until:
            await asyncio.sleep(MOMENT)
            writer.write(b"\r\n")  # the only way to hear of the end without reading
            if writer.transport.is_closing():
                return True
        return False
    finally:
        writer.transport.abort()


async def _listen(reader, data):
    with suppress(ConnectionError):
        while piece := await reader.read(65536):
            data += piece


async def _say(writer, pieces, listening):
    with suppress(ConnectionError):
        for piece in pieces:
            if listening.done():
                return
            if piece is None:
                await asyncio.wait([listening], timeout=MOMENT)
            else:
                writer.write(piece)
                await asyncio.wait_for(writer.drain(), PATIENCE)


async def _quiet(data, listening):
    """Until an answer is there and nothing follows it, or the patience is over."""
    until = time.monotonic() + PATIENCE
    while not listening.done() and time.monotonic() < until:
        before = len(data)
        await asyncio.wait([listening], timeout=0.02 if data else 0.01)
        if data and len(data) == before:
            return


class Honest:
    """A customer of the API who asks all the time: how long did the slowest answer take, and what went wrong?

    In a thread, so that what keeps the test itself busy is not taken for slowness of the server.
    """

    def __init__(self, port, key):
        self.slowest, self.asked, self.wrong = 0.0, 0, []
        self._port, self._key, self._over = port, key, threading.Event()
        self._thread = threading.Thread(target=self._asks, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(PATIENCE)

    def _asks(self):
        while not self._over.wait(0.05):
            began = time.monotonic()
            try:
                self._ask()
            except OSError as error:
                self.wrong.append(repr(error))
            self.slowest, self.asked = max(self.slowest, time.monotonic() - began), self.asked + 1

    def _ask(self):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request("GET", "/api/v1/agents/", headers={"X-API-Key": self._key})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                self.wrong.append(answer.status)
        finally:
            connection.close()


def memory(pid, what="VmRSS"):
    """Of a process, in MB; `VmHWM` is the most that it ever had."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith(what)) / 1024
