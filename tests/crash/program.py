"""The server, as `dragoman serve` runs it, with crash points in it (see `points`).

    python -m tests.crash.program            a nursery: starts servers by forking itself, in milliseconds instead of seconds

It reads one JSON object per line and answers each with the new process's id:

    {"port": 8050, "role": "all", "log": path, "environment": {...}, "crash": "after:queries.RECORD#1", "trace": path, "armed": path,
     "how": name of the signal at the crash point, "clock": seconds the clock is ahead, "bug": name of a planted bug}
"""

import gc
import json
import os
import signal
import sys
import traceback
from datetime import timedelta
from functools import partial

import uuid_utils
from alembic import command  # noqa: F401 - loaded once, for all children
from tests.crash import planted, points, poison

from dragoman import app
from dragoman.agents.llm import thinking  # noqa: F401
from dragoman.cli import serving
from dragoman.clock import Clock
from dragoman.store.jobs import Runner

# As in production, only faster: how long the jobs of a worker that died wait for another.
PATIENCE = 2.0
LEAPS = {signal.SIGUSR1: timedelta(hours=25), signal.SIGUSR2: timedelta(seconds=61)}


class Ahead(Clock):
    """A clock that is ahead of the machine's, and jumps at a signal."""

    def __init__(self, seconds):
        super().__init__()
        self.offset = timedelta(seconds=seconds)
        for number, leap in LEAPS.items():
            signal.signal(number, lambda *_, leap=leap: self.advance(leap))


def nurse():
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody has to bury them
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os._exit(live(order))
        print(pid, flush=True)  # noqa: T201


def live(order):
    """A child, from its birth to its end; the exit code."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        uuid_utils.reseed_rng()  # its siblings hold the same random numbers
        out = os.open(order["log"], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(out, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(order["environment"])
        if order.get("bug"):
            patch = poison.PLANTED.get(order["bug"]) or planted.PLANTED[order["bug"]].patch
            patch()
        how = signal.Signals[order.get("how") or "SIGKILL"]
        points.install(points.Fuse(order.get("crash"), order.get("trace"), order.get("armed"), how))
        app.Clock = partial(Ahead, order.get("clock", 0))
        app.Runner = partial(Runner, patience=PATIENCE)
        serving.serve("127.0.0.1", order["port"], order["role"], None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    nurse()
