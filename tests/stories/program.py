"""`dragoman` as an operator runs it: processes of their own, in an environment that holds no settings but the test's."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import aiohttp
from cast import until

COMMAND = [sys.executable, "-m", "dragoman.cli"]


def environment(**settings):
    """`lease_seconds=3` is DRAGOMAN_LEASE_SECONDS=3; what this test run itself was started with stays out."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DRAGOMAN_")}
    return clean | {f"DRAGOMAN_{name.upper()}": str(value) for name, value in settings.items()}


async def run(*words, said="", folder=None, **settings):
    """One command to its end: the exit code, what it printed, what it complained of."""
    pipe = asyncio.subprocess.PIPE
    streams = {"stdin": pipe, "stdout": pipe, "stderr": pipe}
    process = await asyncio.create_subprocess_exec(*COMMAND, *words, cwd=folder, env=environment(**settings), **streams)
    out, complaints = await asyncio.wait_for(process.communicate(said.encode()), 120)
    return process.returncode, out.decode(), complaints.decode()


@contextmanager
def own_folder():
    """A folder in which a program may keep its own PostgreSQL, and in which nothing is left running."""
    # Not pytest's own: it is private, and PostgreSQL of a root user runs as another user.
    with tempfile.TemporaryDirectory(prefix="dragoman-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
        for pid, _ in (left := living(folder)):
            os.kill(int(pid), signal.SIGKILL)
        assert not left


def living(folder):
    """Processes that work in this folder or were told of it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told, where = (process / "cmdline").read_bytes(), (process / "cwd").readlink()
        except OSError:
            continue  # it has ended meanwhile
        if str(folder).encode() in told or str(where).startswith(str(folder)):
            found.append((process.name, told.replace(b"\0", b" ").decode()))
    return found


class Program:
    """`dragoman serve` on a port, with what it logs in a file."""

    def __init__(self, port, settings, log, *options, host="127.0.0.1", within=()):
        """`within` goes before the command, such as `ip netns exec <name>`."""
        self.url = f"http://{host}:{port}"
        self.log = log
        self._command = [*within, *COMMAND, "serve", "--host", host, "--port", str(port), *options]
        self._environment = environment(**settings)
        self.process = None

    async def start(self):
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(self._command, env=self._environment, stdout=out, stderr=out)  # noqa: ASYNC220
        await until(self._ready, f"the server is ready; {self.log} may say why not")

    async def _ready(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def kill(self):
        self._end(signal.SIGKILL)

    def terminate(self):
        """As systemd does it; the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, how):
        self.process.send_signal(how)
        return self.process.wait(60)
