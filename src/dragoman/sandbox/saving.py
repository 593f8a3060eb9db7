"""The world on disk, so that it survives a restart: one JSON file, replaced whole, a moment after a change."""

import asyncio
import os
import time
from pathlib import Path

import msgspec

from dragoman.sandbox.world import State

WAIT_SECONDS = 0.5


def load(path: Path | None) -> State:
    if path and path.exists():
        return msgspec.json.decode(path.read_bytes(), type=State)
    return State()


class Saver:
    def __init__(self, state: State, path: Path | None) -> None:
        self._state, self._path = state, path
        self._waiting: asyncio.TimerHandle | None = None
        self._cost = 0.0

    def touch(self) -> None:
        """Something changed. A large world is written less often, so that saving takes at most a twentieth of the time."""
        if self._path and self._waiting is None:
            self._waiting = asyncio.get_running_loop().call_later(max(WAIT_SECONDS, 20 * self._cost), self.save)

    def save(self) -> None:
        """Write now. The file holds tokens and secrets, so only its owner may read it."""
        self._waiting = None
        if self._path is None:
            return
        began = time.monotonic()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(self._state))
        fresh.replace(self._path)
        self._cost = time.monotonic() - began

    def close(self) -> None:
        if self._waiting:
            self._waiting.cancel()
        self.save()
