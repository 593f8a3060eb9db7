"""Servers that live and die beside the test: their nursery, and what the test knows of each."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import aiohttp

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0


class Nursery:
    """Where servers are born; see `program`."""

    def __init__(self):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DRAGOMAN_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.program"], cwd=ROOT, env=clean, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def bear(self, order):
        """The id of a new process."""
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(20)


class Server:
    """One server on one port, which may be started again and again. `dead` is set while it is not alive."""

    def __init__(self, nursery, port, settings, folder, role="all", name="server"):
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / f"{name}.log"
        self.trace = folder / f"{name}.trace"
        self.clock = 0
        self.pid = None
        self.dead = asyncio.Event()
        self.dead.set()
        self._nursery = nursery
        environment = {f"DRAGOMAN_{key.upper()}": str(value) for key, value in settings.items()}
        self._order = {"port": port, "role": role, "log": str(self.log), "environment": environment}
        self._fd = None

    def bear(self, **order):
        """Start it and do not wait. `order` is what `program` takes."""
        self.dead.clear()
        self.pid = self._nursery.bear({**self._order, "clock": self.clock, **order})
        try:
            self._fd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            self.dead.set()
            return
        asyncio.get_running_loop().add_reader(self._fd, self._died, self._fd)

    def _died(self, fd):
        asyncio.get_running_loop().remove_reader(fd)
        os.close(fd)
        self._fd = None
        self.dead.set()

    async def start(self, **order):
        """Start it and wait until it is ready; False when it died first."""
        self.bear(**order)
        async with asyncio.timeout(PATIENCE):
            while not self.dead.is_set():
                if await self._ready():
                    return True
                await asyncio.sleep(0.03)
        return False

    async def _ready(self):
        with suppress(aiohttp.ClientError, OSError, TimeoutError):
            limit = aiohttp.ClientTimeout(total=5)
            async with aiohttp.ClientSession(timeout=limit) as session, session.get(f"{self.url}/readyz") as answer:
                return answer.status == 200
        return False

    def signal(self, number):
        if self._fd is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._fd, number)

    def frozen(self):
        """Is it stopped by a signal?"""
        stat = Path(f"/proc/{self.pid}/stat")
        return not self.dead.is_set() and stat.read_text().rpartition(")")[2].split()[0] == "T"

    def leap(self, seconds):
        """Its clock jumps by a day and an hour (`program.LEAPS`), and stays ahead when it is started again."""
        self.clock += seconds
        self.signal(signal.SIGUSR1)

    def leap_a_minute(self, seconds):
        self.clock += seconds
        self.signal(signal.SIGUSR2)

    async def kill(self):
        self.signal(signal.SIGKILL)
        await asyncio.wait_for(self.dead.wait(), PATIENCE)

    def passed(self):
        """The points it has passed, in order, over all its lives."""
        return self.trace.read_text().split() if self.trace.exists() else []
