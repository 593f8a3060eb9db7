"""Wake-ups: rules in words for when the agent comes back by itself. The model plans a follow-up; at its time it is asked again.

What is planned is a row that survives everything. At its time the agent thinks with the reason as its instruction, and may stay silent
unless the rule says `forceMessage`. Outside WhatsApp's 24 hours the rule's template goes out; without one the follow-up is held and shown.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field

from dragoman.agents.capabilities import wake_ups_queries as queries
from dragoman.agents.capability import Capability, Configured, Run
from dragoman.agents.schema import Flag, Schema
from dragoman.agents.tools import Call, Json, Result, Tool, failure
from dragoman.ids import new_id
from dragoman.whatsapp import limits

SOONEST, LATEST = timedelta(minutes=1), timedelta(days=90)
MOST_PENDING = 5  # of one conversation


class WakeUpConfig(Schema):
    description: Annotated[str, Field(min_length=1, max_length=10_000, description="When to follow up, and about what, in words")]
    enabled: Flag = True
    force_message: Annotated[Flag, Field(description="The agent has to say something then")] = False
    template_name: Annotated[
        str | None, Field(max_length=limits.TEMPLATE_NAME, description="Ours: sent when the 24 hours are over by then")
    ] = None
    template_language: Annotated[str, Field(max_length=limits.TEMPLATE_LANGUAGE)] = "en_US"


def _parameters(items: Sequence[Configured[WakeUpConfig]]) -> Json:
    return {
        "type": "object",
        "properties": {
            "rule": {"type": "integer", "minimum": 1, "maximum": len(items), "description": "Number of the rule it follows"},
            "at": {"type": "string", "description": "Date and time, like 2030-01-31T09:00; in the business's own time"},
            "in_minutes": {"type": "integer", "minimum": 1, "description": "Instead of `at`"},
            "reason": {"type": "string", "maxLength": 1000, "description": "What you will want to say or ask then"},
        },
        "required": ["rule", "reason"],
        "additionalProperties": False,
    }


async def _tools(run: Run, items: Sequence[Configured[WakeUpConfig]]) -> list[Tool]:
    items = [item for item in items if item.config.enabled]
    if not items:
        return []
    rules = "\n".join(f"{n}. {item.config.description}" for n, item in enumerate(items, 1))

    async def plan(call: Call) -> Result:
        return await _plan(run, items[call.args["rule"] - 1], call)

    async def cancel(call: Call) -> Result:
        scope = {"organisation_id": run.organisation_id, "conversation_id": run.turn.conversation_id, "agent_id": run.agent.id}
        count = await run.kit.db.execute(queries.CANCEL, {**scope, "now": run.kit.clock.now()})
        return Result(text=f"{count} planned follow-ups were cancelled." if count else "Nothing was planned.")

    planner = Tool(
        name="plan_follow_up",
        description=f"Plan to come back to this customer later by yourself. Use it only when one of these rules applies:\n{rules}",
        parameters=_parameters(items),
        run=plan,
    )
    nothing = {"type": "object", "properties": {}, "additionalProperties": False}
    return [
        planner,
        Tool(name="cancel_follow_ups", description="Forget what you planned for this customer.", parameters=nothing, run=cancel),
    ]


async def _plan(run: Run, item: Configured[WakeUpConfig], call: Call) -> Result:
    now = run.kit.clock.now()
    at = _when(call.args, now, run.agent.options.time_zone)
    if at is None:
        return failure("give `at` as a date and time like 2030-01-31T09:00, or `in_minutes`")
    if not now + SOONEST <= at <= now + LATEST:
        return failure(f"a follow-up can be planned from one minute to {LATEST.days} days ahead")
    values = {
        "organisation_id": run.organisation_id,
        "conversation_id": run.turn.conversation_id,
        "agent_id": run.agent.id,
        "capability_id": item.id,
        "id": new_id(),
        "key": call.key,
        "at": at,
        "instruction": f"You planned this follow-up: {call.args['reason']}\nThe rule: {item.config.description}",
        "forced": item.config.force_message,
        "most": MOST_PENDING,
        "now": now,
    }
    row = await run.kit.db.fetch_one(queries.PLAN, values)
    if row is None or not row["planned"]:
        return failure(f"{MOST_PENDING} follow-ups are planned for this customer already; cancel them first")
    return Result(text=f"Planned for {at.isoformat(timespec='minutes')}.")


def _when(args: Json, now: datetime, zone: str) -> datetime | None:
    if args.get("in_minutes"):
        return now + timedelta(minutes=min(args["in_minutes"], 10_000_000))
    try:
        at = datetime.fromisoformat(str(args.get("at", "")))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError, ZoneInfoNotFoundError):
        return None


def planned_template(config: Json) -> tuple[str, str] | None:
    """Name and language of the template that a stored rule sends outside the 24 hours."""
    rule: Any = WakeUpConfig.model_validate(config)
    return (rule.template_name, rule.template_language) if rule.template_name else None


CAPABILITY = Capability(field="wake_up_configs", schema=WakeUpConfig, tools=_tools, most=20)
