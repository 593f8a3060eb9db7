"""What a turn, a customer and an agent may spend, looked at before each call of the model."""

import time
from dataclasses import dataclass, field

from dragoman.agents.capability import Run
from dragoman.agents.llm import queries
from dragoman.agents.native import Limits


@dataclass
class Spending:
    """The running sums of one turn. `over()` says which limit is reached, in words, or None."""

    limits: Limits
    contact_day: tuple[int, float] = (0, 0.0)
    agent_day: tuple[int, float] = (0, 0.0)
    tokens: int = 0
    cost: float = 0.0
    steps: int = 0
    calls: int = 0
    started: float = field(default_factory=time.monotonic)

    @classmethod
    async def of(cls, run: Run) -> "Spending":
        limits = run.agent.options.limits
        spending = cls(limits)
        if any((limits.contact_day_tokens, limits.contact_day_cost, limits.agent_day_tokens, limits.agent_day_cost)):
            scope = {"organisation_id": run.organisation_id, "agent_id": run.agent.id, "contact_id": run.contact_id}
            for row in await run.kit.db.fetch(queries.SPENT, {**scope, "now": run.kit.clock.now()}):
                spent = (row["tokens"], float(row["cost"]))
                if row["contact_id"] == run.contact_id:
                    spending.contact_day = spent
                else:
                    spending.agent_day = spent
        return spending

    def add(self, tokens: int, cost: float | None) -> None:
        self.tokens += tokens
        self.cost += cost or 0.0

    def over(self) -> str | None:
        limits = self.limits
        checks = (
            (self.steps, limits.steps, "calls of the model in one turn"),
            (time.monotonic() - self.started, limits.seconds, "seconds in one turn"),
            (self.tokens, limits.turn_tokens, "tokens in one turn"),
            (self.cost, limits.turn_cost, "dollars in one turn"),
            (self.contact_day[0] + self.tokens, limits.contact_day_tokens, "tokens for this customer today"),
            (self.contact_day[1] + self.cost, limits.contact_day_cost, "dollars for this customer today"),
            (self.agent_day[0] + self.tokens, limits.agent_day_tokens, "tokens for this agent today"),
            (self.agent_day[1] + self.cost, limits.agent_day_cost, "dollars for this agent today"),
        )
        for spent, limit, what in checks:
            if limit is not None and spent >= limit:
                return f"the limit of {limit:g} {what} is reached"
        return None
