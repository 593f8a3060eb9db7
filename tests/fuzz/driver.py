"""Plays many inputs against one target, keeps those that do something new, and saves the one that breaks it.

kept      tests/fixtures/fuzz/<target>/, one file each: played first, and what others are made from
broken    the same folder, named broken-<digest>: once mended, it stays as a test (rename it)
"""

import gc
import hashlib
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.mutating import mutated

KEPT = Path(__file__).parents[1] / "fixtures" / "fuzz"
MOST_SECONDS = 0.25  # of the processor, for one input
MOST_GROWTH = 50 * 1024 * 1024  # bytes that the process may gain in the second half of many inputs
SEED = 4711
SHORT = 600  # bytes: what is longer is played, and nothing is made from it
MOST_FOUND = 12  # inputs of each target that are kept for doing something new; more of them would only be more of the same


@dataclass(frozen=True)
class Target:
    """`play` takes an input and says in a word or two what became of it. Whatever it raises is a finding.

    `seeds` are good inputs, `words` belong to the target's language.
    """

    name: str
    play: Callable[[bytes], str]
    seeds: tuple[bytes, ...]
    words: tuple[str, ...] = ()


@dataclass
class Played:
    inputs: int = 0
    slowest: float = 0.0
    grown: int = 0
    outcomes: dict[str, bytes] = field(default_factory=dict)


class Broken(AssertionError):
    pass


def kept(target: Target) -> list[bytes]:
    return [path.read_bytes() for path in sorted((KEPT / target.name).glob("*"))]


def inputs(target: Target, seed: int, played: Played) -> Iterable[bytes]:
    """What is kept, then without end what is made from it and from what did something new."""
    before = kept(target)
    yield from before
    yield from target.seeds
    pool = [*target.seeds, *(data for data in before if len(data) <= SHORT)]
    dice = random.Random(f"{target.name} {seed}")
    while True:
        new = list(played.outcomes.values())
        one = dice.choice(new) if new and dice.random() < 0.3 else dice.choice(pool)
        yield mutated(dice, one, dice.choice(pool), target.words)


def play(target: Target, *, count: int, seed: int = SEED, until: float | None = None, keep: bool = False) -> Played:
    """`count` inputs, or as many as there is time for until `until` (of time.monotonic). Raises Broken."""
    played = Played()
    middle = 0
    for data in inputs(target, seed, played):
        if played.inputs >= count or (until is not None and time.monotonic() > until):
            break
        outcome, seconds = one(target, data)
        played.inputs += 1
        played.slowest = max(played.slowest, seconds)
        if outcome not in played.outcomes:
            played.outcomes[outcome] = data
            if keep and len(data) <= SHORT and len(list((KEPT / target.name).glob("found-*"))) < MOST_FOUND:
                save(target, data, "found")
        if played.inputs == count // 2:
            middle = resident()
    played.grown = resident() - middle if middle else 0
    return played


def one(target: Target, data: bytes) -> tuple[str, float]:
    """What became of an input, and the seconds that it took of the processor: the best of three when they are many."""
    began = time.process_time()
    try:
        outcome = target.play(data)
    except Exception as error:
        where = save(target, data, "broken")
        raise Broken(f"{target.name} raised {error!r} at an input that is saved as {where}; again: {again(target)}") from error
    seconds = time.process_time() - began
    if seconds > MOST_SECONDS:
        seconds = min(seconds, *(_timed(target, data) for _ in range(2)))
    if seconds > MOST_SECONDS:
        where = save(target, data, "broken")
        raise Broken(
            f"{target.name} took {seconds * 1000:.0f} ms of the processor for an input that is saved as {where}; again: {again(target)}"
        )
    return outcome, seconds


def _timed(target: Target, data: bytes) -> float:
    began = time.process_time()
    target.play(data)
    return time.process_time() - began


def again(target: Target) -> str:
    return f"pytest tests/fuzz -k 'kept and {target.name}'"


def save(target: Target, data: bytes, kind: str) -> Path:
    path = KEPT / target.name / f"{kind}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def resident() -> int:
    """What this process takes of memory, in bytes."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
