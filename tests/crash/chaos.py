# ruff: noqa: T201, ASYNC240
"""`make chaos`: 10,000 messages, 200 kills, and a PostgreSQL of its own that is restarted and crashed meanwhile.

python -m tests.crash.chaos [messages] [kills] [seed]
"""

import asyncio
import os
import random
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import psycopg

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("stories", "sandbox", "api", "http", "whatsapp")]

from tests.crash import monkey, places  # noqa: E402
from tests.crash.processes import Nursery  # noqa: E402
from tests.crash.witness import WITNESS  # noqa: E402

from dragoman.store import embedded, migrate  # noqa: E402 - the paths come first, as in pyproject.toml

PAUSES, QUAKES = (0.2, 1.0), (8.0, 16.0)  # seconds between two kills, between two restarts of PostgreSQL
START = "import asyncio, sys; from pathlib import Path; from dragoman.store import embedded; asyncio.run(embedded.start(Path(sys.argv[1])))"


async def main(messages=10_000, kills=200, seed=None):
    seed = seed if seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    places.SETTLES = 300.0
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    nursery = Nursery()
    with tempfile.TemporaryDirectory(prefix="dragoman-chaos-", dir=memory, ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        uri = await embedded.start(home)
        await migrate.upgrade(uri)
        async with await psycopg.AsyncConnection.connect(uri, autocommit=True) as connection:
            await connection.execute(WITNESS)
        try:
            async with places.place(nursery, uri, home, monkey.ROLES) as here:
                outcome = await monkey.run(here, seed, messages, kills, PAUSES, quake=lambda stop: quake(home, seed, stop))
        finally:
            nursery.close()
            _signal(home, signal.SIGINT)
    print("\n".join(f"| {what} | {figure} |" for what, figure in outcome.lines()))
    print("\n".join(outcome.violations[:50]))
    return 1 if outcome.violations or outcome.twice or outcome.missing else 0


async def quake(home, seed, stop):
    """Restart PostgreSQL now and then: every other time in order, every other time as if the power had gone. How often."""
    chance, count = random.Random(seed + 2), 0
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), chance.uniform(*QUAKES))
            return count
        pid = _signal(home, signal.SIGQUIT if count % 2 else signal.SIGINT)
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.05)
        starting = await asyncio.create_subprocess_exec(sys.executable, "-c", START, str(home))
        await starting.wait()
        count += 1


def _signal(home, number):
    pid = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, number)
    return pid


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*map(int, sys.argv[1:]))))
