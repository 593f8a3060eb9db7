"""`dragoman` as an operator runs it: processes of their own, in an environment that holds no settings but the test's."""

import os
import signal
import subprocess
import sys

import aiohttp
from cast import until

COMMAND = [sys.executable, "-m", "dragoman.cli"]


def environment(**settings):
    """`lease_seconds=3` is DRAGOMAN_LEASE_SECONDS=3; what this test run itself was started with stays out."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DRAGOMAN_")}
    return clean | {f"DRAGOMAN_{name.upper()}": str(value) for name, value in settings.items()}


class Program:
    """`dragoman serve` on a port, with what it logs in a file."""

    def __init__(self, port, settings, log, *options):
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        self._command = [*COMMAND, "serve", "--port", str(port), *options]
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
