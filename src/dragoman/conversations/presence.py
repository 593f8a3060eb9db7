"""Blue ticks and "typing…": shown while the agent thinks, never in the way of an answer.

One pump with few lanes works on the newest wish per conversation. When there are more wishes than lanes, a newer wish
replaces the older one of its conversation, so that the queue is never longer than the conversations at work.
"""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog

from dragoman.accounts import numbers
from dragoman.conversations import presence_queries as queries
from dragoman.conversations.held import Held
from dragoman.conversations.services import Services
from dragoman.errors import NotFound

log = structlog.get_logger()

LANES = 8
TYPING = timedelta(seconds=20)  # Meta shows it for 25
GLANCE_SECONDS = 2.0


class Wish(NamedTuple):
    held: Held
    wamid: str


class Presence:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._wishes: dict[UUID, Wish] = {}
        self._typing: dict[UUID, tuple[datetime, Wish]] = {}
        self._waiting = asyncio.Event()
        self._somebody_types = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._pump()) for _ in range(LANES)] + [asyncio.create_task(self._refresh())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    def thinking(self, held: Held) -> None:
        """Show the customer that his message is read and that somebody is typing."""
        if wamid := held.row["last_inbound_wamid"]:
            self._wishes[held.id] = Wish(held, wamid)
            self._waiting.set()

    async def _pump(self) -> None:
        while True:
            while not self._wishes:
                self._waiting.clear()
                await self._waiting.wait()
            conversation_id = next(iter(self._wishes))
            wish = self._wishes.pop(conversation_id)
            typing = wish.held.thinking
            if typing:
                self._typing[conversation_id] = (self._services.clock.now() + TYPING, wish)
                self._somebody_types.set()
            try:
                await self._show(wish, typing)
            except Exception:  # a customer who sees no ticks loses nothing; the pump must go on
                log.exception("a message could not be marked as read")

    async def _show(self, wish: Wish, typing: bool) -> None:
        row = wish.held.row
        token = numbers.open_token(self._services.vault, wish.held.organisation_id, row["phone_number_id"], row["access_token"])
        await self._services.graph.mark_read(row["phone_number_id"], token, wish.wamid, typing)

    async def _refresh(self) -> None:
        """WhatsApp stops showing "typing…" after 25 seconds; say it again for agents that think longer."""
        while True:
            if not self._typing:
                self._somebody_types.clear()
                await self._somebody_types.wait()
            await self._services.clock.sleep(GLANCE_SECONDS)
            now = self._services.clock.now()
            for conversation_id, (due, wish) in list(self._typing.items()):
                if not wish.held.thinking:
                    del self._typing[conversation_id]
                elif due <= now:
                    self._wishes[conversation_id] = wish
                    self._waiting.set()


async def mark_read(services: Services, organisation_id: UUID, conversation_id: UUID, typing: bool) -> None:
    """Mark the conversation as read, here and on the customer's phone; with `typing` also show "typing…"."""
    row = await services.db.fetch_one(queries.READ, {"organisation_id": organisation_id, "conversation_id": conversation_id})
    if row is None:
        raise NotFound("no such conversation")
    if row["last_inbound_wamid"]:
        token = numbers.open_token(services.vault, organisation_id, row["phone_number_id"], row["access_token"])
        await services.graph.mark_read(row["phone_number_id"], token, row["last_inbound_wamid"], typing)
