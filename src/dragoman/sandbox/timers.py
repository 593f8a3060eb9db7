"""Things that will happen, in the order of the clock. Moving the clock makes what became due happen at once, in order."""

import asyncio
import heapq
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

import structlog

from dragoman.clock import Clock

log = structlog.get_logger()


class Timers:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._task: asyncio.Task[None] | None = None
        self._sleep: asyncio.Task[None] | None = None
        self._closed = False

    def at(self, when: float, act: Callable[[], None]) -> None:
        """Call `act` when the clock shows `when` (seconds since 1970), at once if that is past."""
        earliest = not self._heap or when < self._heap[0][0]
        heapq.heappush(self._heap, (when, next(self._order), act))
        if self._closed:
            return
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        elif earliest and self._sleep:
            self._sleep.cancel()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self.at(self._clock.timestamp() + seconds, act)

    async def close(self) -> None:
        self._closed = True
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            while self._heap:
                self._fire()
                if self._heap:
                    self._sleep = asyncio.create_task(self._clock.sleep_until(datetime.fromtimestamp(self._heap[0][0], UTC)))
                    await asyncio.wait([self._sleep])
        finally:
            if self._sleep:
                self._sleep.cancel()
            self._task = self._sleep = None

    def _fire(self) -> None:
        now = self._clock.timestamp()
        while self._heap and self._heap[0][0] <= now:
            _, _, act = heapq.heappop(self._heap)
            try:
                act()
            except Exception:
                log.exception("sandbox timer failed")
