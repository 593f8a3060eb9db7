"""Asking for a person: the thread goes to somebody of the business, with a summary, and the customer is told what happens next."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field

from dragoman.agents.capability import Capability, Configured, Run
from dragoman.agents.kit import Kit
from dragoman.agents.schema import Flag, Schema
from dragoman.agents.tools import Call, Json, Result, Tool
from dragoman.agents.turns import Transfer
from dragoman.errors import Invalid
from dragoman.whatsapp.content import Text
from dragoman.whatsapp.limits import TEXT_BODY

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DAYS: tuple[Day, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$", examples=["09:00"])]


class Hours(Schema):
    """One day's opening, in the business's own time. `end` 24:00 is midnight."""

    start: Clock
    end: Clock


class SupportTool(Schema):
    name: Annotated[str, Field(min_length=1, max_length=255)] = "Ask a person"
    description: Annotated[str, Field(max_length=10_000, description="When to ask for a person, in words")] = (
        "When the customer asks for a person, is upset, or needs what you cannot do."
    )
    active: Flag = True
    time_zone: Annotated[str, Field(max_length=64)] = "UTC"
    hours: Annotated[
        dict[Day, Hours] | None, Field(description="When somebody is there; null is always, a day that is missing is closed")
    ] = None
    message: Annotated[str, Field(max_length=TEXT_BODY, description="What the customer is told")] = "I am passing you on to a colleague."
    closed_message: Annotated[str, Field(max_length=TEXT_BODY, description="What the customer is told outside these hours")] = (
        "Nobody is here right now. I have passed your message on, and a colleague will answer you."
    )
    minutes: Annotated[
        int | None, Field(ge=1, le=60 * 24 * 30, description="After so long the agent answers again; null is never by itself")
    ] = None


PARAMETERS: Json = {
    "type": "object",
    "properties": {
        "summary": {
            "type": "string",
            "maxLength": 2000,
            "description": "Who the customer is, what he needs, what was tried: for the colleague",
        },
        "reason": {"type": "string", "maxLength": 500},
    },
    "required": ["summary"],
    "additionalProperties": False,
}


def is_open(config: SupportTool, now: datetime) -> bool:
    """Is somebody there? A day whose end lies before its start goes on past midnight."""
    if config.hours is None:
        return True
    local = now.astimezone(ZoneInfo(config.time_zone))
    today, yesterday = config.hours.get(DAYS[local.weekday()]), config.hours.get(DAYS[local.weekday() - 1])
    at = local.time()
    if today is not None and (_time(today.start) <= at and (at < _time(today.end) or _end(today) <= _time(today.start))):
        return True
    return yesterday is not None and _end(yesterday) <= _time(yesterday.start) and at < _time(yesterday.end)


def _time(clock: str) -> time:
    return time.max if clock == "24:00" else time.fromisoformat(clock)


def _end(hours: Hours) -> time:
    return _time(hours.end)


async def _tools(run: Run, items: Sequence[Configured[SupportTool]]) -> list[Tool]:
    return [_tool(run, item) for item in items]


def _tool(run: Run, item: Configured[SupportTool]) -> Tool:
    config = item.config

    async def ask(call: Call) -> Result:
        there = is_open(config, run.kit.clock.now())
        words = config.message if there else config.closed_message
        transfer = Transfer(
            reason=str(call.args.get("reason", "")) or config.name, summary=str(call.args["summary"]), minutes=config.minutes
        )
        return Result(text="A person takes over. The customer was told.", contents=[Text(body=words)] if words else [], transfer=transfer)

    return Tool(
        name=f"ask_a_person_{item.id.hex[-8:]}",
        description=f"{config.name}: a person of the business takes this conversation over. {config.description}",
        parameters=PARAMETERS,
        run=ask,
        capability_id=item.id,
    )


async def _check(kit: Kit, organisation_id: UUID, agent_id: UUID, config: SupportTool, at: str) -> None:
    try:
        ZoneInfo(config.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise Invalid(
            f"{at}.timeZone: there is no time zone {config.time_zone}; write it like Europe/Berlin", field=f"{at}.timeZone"
        ) from None


CAPABILITY = Capability(field="support_tools", schema=SupportTool, tools=_tools, check=_check, most=10)
