"""The parts of one sandbox, wired together once and handed to every verb."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from dragoman.clock import Clock
from dragoman.sandbox.faults import Faults
from dragoman.sandbox.media import Shelf
from dragoman.sandbox.rates import Rates
from dragoman.sandbox.saving import Saver
from dragoman.sandbox.timers import Timers
from dragoman.sandbox.web import Web
from dragoman.sandbox.webhooks import Postman
from dragoman.sandbox.world import World


@dataclass(slots=True)
class Box:
    clock: Clock
    world: World
    timers: Timers
    faults: Faults
    web: Web
    postman: Postman
    shelf: Shelf
    rates: Rates
    saver: Saver
    own_url: str
    closed: bool = False
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    watchers: dict[str, set[asyncio.Event]] = field(default_factory=dict)

    @property
    def now(self) -> float:
        return self.clock.timestamp()

    @property
    def path(self) -> str:
        """Where the sandbox is mounted, as a path; empty when it stands alone."""
        return urlsplit(self.own_url).path.rstrip("/")

    def changed(self, number_id: str, person_id: str | None) -> None:
        """Something in this chat is new: save it, and wake the phone pages that show it."""
        self.saver.touch()
        for event in self.watchers.get(f"{number_id}/{person_id}", ()):
            event.set()
