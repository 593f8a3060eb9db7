# ruff: noqa: T201
"""`make simulate`: many seeds, or one with its story.

python -m tests.simulation.simulate [seeds] [first]
SEED=123 python -m tests.simulation.simulate
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.simulation.ground import Ground
from tests.simulation.town import Town

from dragoman.store import embedded, migrate


def main(seeds=20_000, first=0):
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="dragoman-simulation-", dir=memory, ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        uri = asyncio.run(embedded.start(home))
        asyncio.run(migrate.upgrade(uri))
        try:
            if "SEED" in os.environ:
                return one(uri, int(os.environ["SEED"]))
            return many(uri, range(first, first + seeds))
        finally:
            os.kill(int((home / "postgres/postmaster.pid").read_text().split()[0]), signal.SIGINT)


def one(uri, seed):
    result = Town(Ground(uri), seed).run()
    print("\n".join(result.trace))
    print(f"seed {seed}: {len(result.violations)} violations, digest {result.digest[:16]}")
    return 1 if result.violations else 0


def many(uri, seeds):
    ground, begun, counts, failed, virtual = Ground(uri), time.perf_counter(), Counter(), [], 0.0
    for seed in seeds:
        result = Town(ground, seed).run()
        counts += result.counts
        virtual += result.seconds
        if result.violations:
            failed.append(seed)
            print(f"SEED={seed} make simulate\n    " + "\n    ".join(result.violations[:4]), flush=True)
    seconds = time.perf_counter() - begun
    for what, count in sorted(counts.items()):
        print(f"{count:8} {what}")
    print(
        f"{len(seeds)} seeds, {len(failed)} failed, {virtual / 3600:.1f} virtual hours in {seconds:.0f} s ({seconds / len(seeds):.3f} s each)"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
