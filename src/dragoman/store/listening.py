"""A connection that hears what is notified and sleeps until then."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import psycopg

MORE_SECONDS = 0.1  # what follows at once is heard without waiting anew


class Listening(psycopg.AsyncConnection[Any]):
    """psycopg looks ten times a second whether something was said, on each connection that listens; this one is woken."""

    async def notifies(self, *, timeout: float | None = None, stop_after: int | None = None) -> AsyncGenerator[psycopg.Notify, None]:
        if timeout is not None or stop_after is not None:
            raise NotImplementedError("it listens for as long as it is there")
        while True:
            async for note in super().notifies(timeout=MORE_SECONDS):
                yield note
            await _readable(self.fileno())


async def _readable(file: int) -> None:
    """Until the server has said something, or is gone."""
    loop, said = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(file, said.set)
    try:
        await said.wait()
    finally:
        loop.remove_reader(file)
