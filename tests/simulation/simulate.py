# ruff: noqa: T201
"""`make simulate`: many seeds, or one with its story.

python -m tests.simulation.simulate [seeds] [first]
SEED=123 python -m tests.simulation.simulate
BUG="blind resend" python -m tests.simulation.simulate 500     with one of the planted bugs in: which seeds find it
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import nullcontext
from multiprocessing import get_context
from pathlib import Path

import psycopg
from tests.simulation.ground import Ground, fresh
from tests.simulation.planted import PLANTED
from tests.simulation.town import Town

from dragoman.store import embedded, migrate

CHUNK = 50
DULL = ("main.BEAT", "main.ALIVE", "main.RENEW", "main.NEXT_DUE", "main.CLAIM → 0", "main.TIDY")


def main(seeds=20_000, first=0):
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="dragoman-simulation-", dir=memory, ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        uri = asyncio.run(embedded.start(home))
        try:
            with psycopg.connect(uri, autocommit=True) as server:
                template = fresh(server, "template0")
            asyncio.run(migrate.upgrade(_inside(uri, template)))
            if os.environ.get("SEED"):
                return one(_ground(uri, template), int(os.environ["SEED"]))
            return many(uri, template, range(first, first + seeds))
        finally:
            os.kill(int((home / "postgres/postmaster.pid").read_text().split()[0]), signal.SIGINT)


def one(ground, seed):
    result = _run(ground, seed)
    ground.close()
    print("\n".join(line for line in result.trace if not any(name in line for name in DULL)))
    print(f"seed {seed}: {len(result.violations)} violations, digest {result.digest[:16]}")
    return 1 if result.violations else 0


def many(uri, template, seeds):
    begun, counts, failed, virtual = time.perf_counter(), Counter(), 0, 0.0
    chunks = [seeds[n : n + CHUNK] for n in range(0, len(seeds), CHUNK)]
    # Not forked: each worker has a connection of its own.
    with get_context("spawn").Pool(os.cpu_count(), _settle_down, (uri, template)) as pool:
        for results in pool.imap_unordered(_play, chunks):
            for seed, violations, counted, seconds in results:
                counts += counted
                virtual += seconds
                if violations:
                    failed += 1
                    print(f"SEED={seed} make simulate\n    " + "\n    ".join(violations[:4]), flush=True)
    seconds = time.perf_counter() - begun
    for what, count in sorted(counts.items()):
        print(f"{count:8} {what}")
    print(f"{len(seeds)} seeds, {failed} failed, {virtual / 3600:.1f} virtual hours in {seconds:.0f} s")
    return 1 if failed else 0


_grounds = []


def _settle_down(uri, template):
    _grounds.append(_ground(uri, template))


def _play(seeds):
    results = [_run(_grounds[0], seed) for seed in seeds]
    return [(result.seed, result.violations, result.counts, result.seconds) for result in results]


def _run(ground, seed):
    bug = os.environ.get("BUG")
    with PLANTED[bug].put_in() if bug else nullcontext():
        return Town(ground, seed).run()


def _ground(uri, template):
    with psycopg.connect(uri, autocommit=True) as server:
        return Ground(_inside(uri, fresh(server, template)))


def _inside(uri, name):
    return uri.replace("/postgres?", f"/{name}?")


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
