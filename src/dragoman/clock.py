"""The one source of time. Everything that asks "what time is it?" asks a Clock, so that the sandbox and the tests can move it."""

import asyncio
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Wall-clock time in UTC, plus an offset that the sandbox may add to.

    Moving the clock wakes every sleeper, so that a "skip 25 hours" takes effect at once.
    """

    def __init__(self) -> None:
        self.offset = timedelta(0)
        self._moved: set[asyncio.Event] = set()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def real_now(self) -> datetime:
        """The time that everybody else has, however far this clock was moved: for signatures that others check."""
        return datetime.now(UTC)

    def timestamp(self) -> float:
        return time.time() + self.offset.total_seconds()

    def advance(self, delta: timedelta) -> None:
        """Move time by `delta`; only forward, because nothing in the real world goes back."""
        if delta < timedelta(0):
            raise ValueError("the clock only moves forward")
        self.offset += delta
        for event in self._moved:
            event.set()

    def wakes(self, event: asyncio.Event) -> None:
        """Set `event` whenever this clock is moved."""
        self._moved.add(event)

    async def sleep(self, seconds: float) -> None:
        """Sleep for `seconds` of this clock: less real time when the clock is moved meanwhile."""
        await self.sleep_until(self.now() + timedelta(seconds=seconds))

    async def sleep_until(self, when: datetime) -> None:
        moved = asyncio.Event()
        self._moved.add(moved)
        try:
            while (left := (when - self.now()).total_seconds()) > 0:
                moved.clear()
                try:
                    await asyncio.wait_for(moved.wait(), left)
                except TimeoutError:
                    return
        finally:
            self._moved.discard(moved)
