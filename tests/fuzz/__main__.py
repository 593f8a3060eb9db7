"""`make fuzz`: every target in turn, with another seed each round, until stopped or for FUZZ_SECONDS. What does something new is kept."""

import os
import sys
import time

from tests.fuzz import driver
from tests.fuzz.test_targets import TARGETS

TURN = 20.0


def main() -> int:
    seconds = float(os.environ.get("FUZZ_SECONDS") or 10**9)
    end, seed, broken = time.monotonic() + seconds, int(os.environ.get("FUZZ_SEED") or time.time()), 0
    while time.monotonic() < end:
        for target in TARGETS.values():
            until = min(end, time.monotonic() + min(TURN, seconds / len(TARGETS)))
            try:
                played = driver.play(target, count=10**9, seed=seed, until=until, keep=True)
                said = f"{played.inputs:>9,} inputs, {len(played.outcomes):>5,} outcomes, slowest {played.slowest * 1000:.0f} ms"
            except driver.Broken as found:
                said, broken = f"BROKEN: {found}", broken + 1
            print(f"seed {seed} {target.name:12} {said}", flush=True)  # noqa: T201
        seed += 1
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
