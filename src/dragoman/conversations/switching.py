"""When an agent's webhook is not called any more: it said that it is gone, or nothing but failures came of it for days.

Calling on helps nobody: the customer waits for the tries to be over, and the owner of the address gets what was never meant for him.
What is learnt from a delivery is written only when it failed, or when it is the first that did not after others had.
"""

from datetime import timedelta
from typing import Any

import structlog

from dragoman.agents import byoa, records
from dragoman.agents.turns import Outcome
from dragoman.conversations import switching_queries as queries
from dragoman.conversations.held import Held
from dragoman.conversations.metrics import SWITCHED_OFF
from dragoman.conversations.services import Services

log = structlog.get_logger()

FAILING_FOR = timedelta(days=5)


def refusal(services: Services, held: Held) -> Outcome | None:
    """What comes of a question to an agent that is switched off; None when it is not."""
    row = held.row
    if row["disabled_at"] is None:
        return None
    off = records.off_because(row["disabled_at"], row["disabled_cause"])
    cause = f"The agent's webhook was {off}. It was not called. Set its address again or switch it on, then replay this."
    return Outcome(kind="refused", started_at=services.clock.now(), duration_ms=0.0, cause=cause)


async def learn(services: Services, held: Held, outcome: Outcome, *, over: bool) -> None:
    """Take note of what came of a call. `over`: the question is not asked again, so this was no hiccup of the agent."""
    row, now = held.row, services.clock.now()
    failing_since = row["failing_since"]
    values = {"organisation_id": held.organisation_id, "agent_id": row["agent_id"], "url": row["webhook_url"], "now": now}
    if outcome.status == byoa.GONE:
        await _switch_off(services, queries.GONE, values | {"cause": "it answered with status 410 (gone)"}, "gone")
    elif outcome.kind not in ("failed", "refused"):
        if failing_since is not None:
            await services.db.execute(queries.WORKS, values)
    elif failing_since is None:
        await services.db.execute(queries.FAILS, values | {"since": outcome.started_at})
    elif over and failing_since <= now - FAILING_FOR:
        cause = f"all its deliveries have failed since {failing_since:%Y-%m-%d %H:%M} UTC"
        await _switch_off(services, queries.FAILED_FOR_LONG, values | {"before": now - FAILING_FOR, "cause": cause}, "failing")


async def _switch_off(services: Services, statement: str, values: dict[str, Any], reason: str) -> None:
    row = await services.db.fetch_one(statement, values)
    if row is None or not row["off"]:
        return
    SWITCHED_OFF.labels(reason).inc()
    log.warning(
        "an agent's webhook is switched off",
        organisation_id=str(values["organisation_id"]),
        agent_id=str(values["agent_id"]),
        reason=reason,
    )
