"""Many customers, two workers and a web process, and somebody who kills one of the three again and again.

Every customer writes a few messages, the agent answers each; Meta tries again what had no answer. At the end the one checker looks.
"""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass

from tests.crash.invariants import Books

ROLES = ("web", "worker", "worker")
THINKS = 0.02  # seconds, at most
EACH = 5  # messages of one customer
AT_ONCE = 16  # customers who write at the same moment


@dataclass
class Outcome:
    """What a run came to. `rest_seconds`: from the last kill until nothing was left to do."""

    seed: int
    messages: int
    kills: Counter
    restarts_of_postgres: int
    violations: list[str]
    unknown: int
    twice: int
    missing: int
    seconds: float
    rest_seconds: float
    ready_seconds: list[float]
    refused: Counter  # shown as refused, expired or discarded: state and cause

    def lines(self):
        ready = sorted(self.ready_seconds) or [0.0]
        unordered = sum(violation.startswith("I-05") for violation in self.violations)
        return [
            ("seed", self.seed),
            ("inbound messages", self.messages),
            ("kills", ", ".join(f"{count} of {role}" for role, count in sorted(self.kills.items()))),
            ("restarts of PostgreSQL", self.restarts_of_postgres),
            ("lost", self.missing),
            ("said twice", self.twice),
            ("out of order", unordered),
            ("shown as unknown", f"{self.unknown} ({100 * self.unknown / max(1, self.messages):.2f} % of the answers)"),
            ("shown with another end", dict(self.refused) or 0),
            ("other violations", len(self.violations) - unordered),
            ("killed process ready again, median / slowest", f"{ready[len(ready) // 2]:.2f} s / {ready[-1]:.2f} s"),
            ("at rest after the last kill", f"{self.rest_seconds:.1f} s"),
            ("whole run", f"{self.seconds:.0f} s"),
        ]


class Monkey:
    """Kills one of `place.servers` at random moments; `pauses` are the shortest and the longest between two kills."""

    def __init__(self, place, seed, pauses):
        self.place, self.pauses = place, pauses
        self.random = random.Random(seed)
        self.kills = Counter()
        self.ready = []
        self.last = time.monotonic()

    async def play(self, most):
        """Until stopped, or so many kills."""
        while sum(self.kills.values()) < most:
            await asyncio.sleep(self.random.uniform(*self.pauses))
            n = self.random.choice([0, 1, 2])
            server = self.place.servers[n]
            await server.kill()
            self.kills[ROLES[n]] += 1
            self.last = time.monotonic()
            while not await server.start():
                pass
            self.ready.append(time.monotonic() - self.last)


async def run(place, seed, messages, kills, pauses, *, quake=None):
    """Play it; `quake(stop)` may shake the database meanwhile and says how often it did."""
    begun = time.monotonic()
    monkey = Monkey(place, seed, pauses)
    chance = random.Random(seed + 1)
    place.agent.answer = lambda delivery: _thoughtful(delivery, chance)
    for server in place.servers:
        await server.start()
    await place.lumen.connect(place.agent, place.agent.url, byoa={"automaticTurns": 0})  # these customers are programs
    people = [await place.person(f"Customer {n}", f"+1556{n:07}") for n in range(messages // EACH)]
    stop = asyncio.Event()
    shaking = asyncio.create_task(quake(stop)) if quake else None
    killing = asyncio.create_task(monkey.play(kills))
    writing = asyncio.create_task(_write(place, people))
    meta = asyncio.create_task(_patience_of_meta(place))
    try:
        await asyncio.gather(writing, killing)
        stop.set()
        quakes = await shaking if shaking else 0
        await place.settled()
    finally:
        meta.cancel()
        killing.cancel()
    ended = time.monotonic()
    return await _outcome(place, seed, messages, monkey, quakes, ended - begun, ended - monkey.last)


async def _outcome(place, seed, messages, monkey, quakes, seconds, rest):
    books, evidence = await Books.of(place.database), await place.evidence()
    said = Counter(entry["body"]["text"]["body"] for entry in evidence.ledger)
    unknown = sum(message["state"] == "unknown" for message in books.said())
    violations = await place.violations() + await place.forgotten()
    rows = Counter(message["content"]["body"] for message in books.said() if message["state"] != "discarded")
    if len(rows) != messages or set(rows.values()) != {1}:
        unanswered = Counter((turn["state"], turn["cause"]) for turn in books.turns.values() if turn["state"] != "answered")
        violations.append(
            f"I-03 {len(rows)} answers to {messages} messages, the most frequent {rows.most_common(1)}; turns that ended without: {dict(unanswered)}"
        )
    twice = sum(count - 1 for count in said.values())
    ends = Counter((m["state"], m["cause"]) for m in books.said() if m["state"] in ("rejected", "expired_window", "discarded"))
    missing = messages - len(said) - unknown - sum(ends.values())
    return Outcome(seed, messages, monkey.kills, quakes, violations, unknown, twice, missing, seconds, rest, monkey.ready, ends)


async def _thoughtful(delivery, chance):
    await asyncio.sleep(chance.uniform(0, THINKS))
    return {"content": f"You said: {delivery['message']}"}


async def _write(place, people):
    room = asyncio.Semaphore(AT_ONCE)

    async def one(person, n):
        for turn in range(EACH):
            async with room:
                await person.says(f"{n} says {turn}")

    await asyncio.gather(*(one(person, n) for n, person in enumerate(people)))


async def _patience_of_meta(place):
    while True:
        place.time_passes()
        await asyncio.sleep(0.2)
