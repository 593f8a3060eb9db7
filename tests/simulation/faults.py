"""What goes wrong in a run, drawn from its seed: which kinds at all, and how often each.

Every run has a few kinds only. Where everything fails at once, nothing much happens; what is interesting needs one or two failures at
the right moment.
"""

import random

OFTEN = (0.03, 0.1, 0.3)
GRAPH = (
    "slow",  # accepted, and the answer takes longer than we wait
    "broken",  # accepted, and the connection breaks before the answer
    "garbage",  # accepted, and the answer cannot be read
    "error page",  # accepted, 502 without Graph's error object
    "swallowed",  # never arrived, and nobody says so
    "error page, not taken",
    "unreachable",
    "proxy",  # 403 without Graph's error object
    "pair rate",
    "throughput",
    "maintenance",
    "something wrong",
    "refused",
    "token",  # pauses the number
)
AGENT = ("slow", "hang", "broken", "error", "busy", "garbage", "silent", "redirect", "several", "later", "unreachable", "long")
WEBHOOKS = ("twice", "late", "status lost", "status twice", "status early", "status late", "status without our id", "failed")
PROCESSES = ("killed", "frozen", "clock", "deaf")
DATABASE = ("before", "after")


class Faults:
    def __init__(self, seed):
        self._draw = random.Random(f"{seed}/faults")
        plan = random.Random(f"{seed}/which faults")
        self.rates = {kind: plan.choice(OFTEN) for kind in (*GRAPH, *(f"agent {k}" for k in AGENT), *WEBHOOKS) if plan.random() < 0.25}
        self.rates |= {kind: plan.choice((0.005, 0.02, 0.05)) for kind in DATABASE if plan.random() < 0.4}
        self.processes = [kind for kind in PROCESSES if plan.random() < 0.5]
        # What happens just when something is going on, beside what happens at any time.
        self.strikes = plan.choice((0.0, 0.0, 0.01, 0.04)) if self.processes else 0.0
        self.visits = plan.choice((0.0, 0.0, 0.0, 0.05, 0.2))
        self.outage = plan.random() < 0.1
        self.token_dies = plan.random() < 0.05
        self.slowest = plan.choice((0.002, 0.002, 0.05, 0.4))  # seconds, of a statement's way in one direction
        self.away = False
        self.over = False

    def __str__(self):
        listed = [f"{kind} {rate}" for kind, rate in self.rates.items()]
        return ", ".join([*listed, *self.processes, *(["outage"] if self.outage else []), f"statements take up to {2 * self.slowest} s"])

    def happens(self, kind):
        rate = self.rates.get(kind)
        return rate is not None and not self.over and self._draw.random() < rate

    def one_of(self, kinds, prefix=""):
        """The first that happens, or None."""
        return next((kind for kind in kinds if self.happens(prefix + kind)), None)

    def statement(self, name):
        return self.one_of(DATABASE)

    def strikes_now(self):
        return not self.over and self.strikes > 0 and self._draw.random() < self.strikes

    def visits_now(self):
        """Somebody of the business takes the thread just now."""
        return not self.over and self.visits > 0 and self._draw.random() < self.visits

    def latency(self):
        return self._draw.uniform(0.0001, self.slowest)

    def between(self, shortest, longest):
        return self._draw.uniform(shortest, longest)
