"""What people do in a run, drawn from its seed: who writes when, and what the business does meanwhile."""

import random
from dataclasses import dataclass, field
from typing import Any

SECONDS = 30.0  # in which everything of a story happens
NAMES = (("Dana", "15550007890"), ("Zoë", "15550007891"), ("Noor", "15550007892"))
DAY = 86_400.0


@dataclass(order=True)
class Act:
    at: float
    what: str
    customer: int
    more: dict[str, Any] = field(default_factory=dict, compare=False)


@dataclass
class Story:
    servers: int
    customers: int
    agent: dict[str, Any]
    per_second: float
    acts: list[Act]

    @classmethod
    def of(cls, seed):
        draw = random.Random(f"{seed}/story")
        customers = draw.choice((1, 1, 2, 3))
        agent = {
            "burst": draw.choice(("each", "merge")),
            "fallback_message": draw.choice((None, "One moment, please.")),
            "resend": "resend_once" if draw.random() < 0.15 else "never_resend",
        }
        acts = []
        for customer in range(customers):
            acts += _customer(draw, customer) + _business(draw, customer)
        return cls(draw.choice((1, 2, 2, 2, 3)), customers, agent, draw.choice((80, 80, 80, 0.5)), sorted(acts))


def _customer(draw, customer):
    # Old messages, which came late: the 24 hours are nearly over, and end while the agent thinks.
    ago = DAY - 60.0 - draw.uniform(1, 40) if draw.random() < 0.15 else 0.0
    acts = []
    for n in range(draw.choice((1, 2, 3, 5))):
        count = draw.choice((1, 1, 1, 3))
        acts.append(Act(draw.uniform(0, SECONDS), "says", customer, {"text": f"{NAMES[customer][0]} {n}", "count": count, "ago": ago}))
    if draw.random() < 0.15:
        stop = draw.uniform(0, SECONDS)
        acts.append(Act(stop, "says", customer, {"text": "STOP", "ago": ago}))
        acts.append(Act(draw.uniform(stop, SECONDS + 10), "template", customer))
    return acts


def _business(draw, customer):
    acts = []
    if draw.random() < 0.35:
        begin = draw.uniform(0, SECONDS)
        acts.append(Act(begin, "takes over", customer, {"minutes": draw.choice((None, None, 1))}))
        if draw.random() < 0.7:
            acts.append(Act(begin + draw.uniform(0, 15), "hands back", customer))
    if draw.random() < 0.4:
        acts += [Act(draw.uniform(0, SECONDS), "sends", customer, {"text": f"Till {customer} {n}"}) for n in range(draw.choice((1, 2, 4)))]
    if draw.random() < 0.1:
        acts.append(Act(draw.uniform(0, SECONDS), "phone app", customer))
    if draw.random() < 0.1:
        acts.append(Act(draw.uniform(0, SECONDS), "replays", customer))
    return acts
