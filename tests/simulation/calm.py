"""Virtual time and drawn ids in the place of the machine's, for as long as a run takes."""

import random
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from dragoman import ids
from dragoman.agents import byoa
from dragoman.clock import Clock
from dragoman.conversations import held, inbox, worker
from dragoman.store import batcher

BEGINNING = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
TIMED = (held, inbox, worker, batcher, byoa)
POLL_SECONDS = 7.0  # a worker's safety net: one second in production, which would be most of the statements here
CLAIM_AT_ONCE = 8  # 100 in production; each needs an id and a hash for every claim


class Seconds:
    """`time`, as the product's modules know it."""

    def __init__(self, loop):
        self.monotonic = self.perf_counter = loop.time


class VirtualClock(Clock):
    """The clock of one process; `offset` is how wrong it is."""

    def __init__(self, loop):
        super().__init__()
        self._loop = loop
        self._moved = _Ordered()  # the original has a set, whose order is the machine's

    def now(self):
        return BEGINNING + timedelta(seconds=self._loop.time()) + self.offset

    def real_now(self):
        return self.now()

    def timestamp(self):
        return self.now().timestamp()

    def jump(self, seconds):
        """Somebody set the clock, to either side."""
        self.offset += timedelta(seconds=seconds)
        for event in list(self._moved):
            event.set()


class _Ordered(dict):
    def add(self, event):
        self[event] = None

    def discard(self, event):
        self.pop(event, None)


@contextmanager
def virtual(loop, seed, logged):
    """`logged(event, values)` hears what the product writes into its log."""
    chance = random.Random(f"{seed}/ids")
    kept = [(module, "time", module.time) for module in TIMED] + [
        (ids, "uuid7", ids.uuid7),
        (worker, "POLL_SECONDS", worker.POLL_SECONDS),
        (worker, "CLAIM_AT_ONCE", worker.CLAIM_AT_ONCE),
    ]
    seconds, configured = Seconds(loop), structlog.get_config()

    def drawn():
        moment = int((BEGINNING + timedelta(seconds=loop.time())).timestamp() * 1000)
        return UUID(int=(moment << 80) | (7 << 76) | (chance.getrandbits(12) << 64) | (2 << 62) | chance.getrandbits(62))

    def hear(logger, method, values):
        logged(method, values)
        raise structlog.DropEvent

    for module in TIMED:
        module.time = seconds
    ids.uuid7, worker.POLL_SECONDS, worker.CLAIM_AT_ONCE = drawn, POLL_SECONDS, CLAIM_AT_ONCE
    structlog.configure(processors=[hear], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        for module, name, value in kept:
            setattr(module, name, value)
        structlog.configure(**configured)
