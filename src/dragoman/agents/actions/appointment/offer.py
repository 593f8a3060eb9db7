"""What the model is offered: to see what is free, and to book. Which calendar it is, nobody but the business chooses."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from dragoman.agents.actions import values
from dragoman.agents.actions.action import Action, ActionType, asked
from dragoman.agents.actions.appointment import booking
from dragoman.agents.actions.appointment.accounts import Trouble
from dragoman.agents.actions.appointment.booking import LONGEST_LOOK, Booked, NotFree, Wanted
from dragoman.agents.actions.appointment.schema import Appointment, Block, check
from dragoman.agents.actions.appointment.slots import Span
from dragoman.agents.capability import Run
from dragoman.agents.names import LONGEST
from dragoman.agents.tools import Call, Json, Result, Tool, failure

FREE_TIMES = "_free_times"
USUAL_LOOK = 7  # days
UNSURE = "Nobody knows whether it is booked. Do not book it again; say that the business will confirm it."
_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\]{1,255}")

BOOK: Json = {
    "type": "object",
    "properties": {
        "start": {"type": "string", "maxLength": 40, "description": "When it begins, YYYY-MM-DDTHH:MM, as the free times say it"},
        "customer_name": {"type": "string", "minLength": 1, "maxLength": 100},
        "email": {"type": "string", "maxLength": 320, "description": "Where the invitation goes, if the customer has given an address"},
        "note": {"type": "string", "maxLength": 1000, "description": "What the business should know, in few words"},
    },
    "required": ["start", "customer_name"],
    "additionalProperties": False,
}
LOOK: Json = {
    "type": "object",
    "properties": {
        "from_day": {"type": "string", "maxLength": 10, "description": "YYYY-MM-DD; today when it is left out"},
        "to_day": {"type": "string", "maxLength": 10, "description": f"YYYY-MM-DD; at most {LONGEST_LOOK} days are shown at once"},
    },
    "required": [],
    "additionalProperties": False,
}


async def tools(run: Run, action: Action, name: str) -> Sequence[Tool]:
    block: Block = action.config.webhook
    look_name = name[: LONGEST - len(FREE_TIMES)] + FREE_TIMES

    async def book(call: Call) -> Result:
        return await _book(run, action, call)

    async def look(call: Call) -> Result:
        return await _look(run, action, call.args)

    about = f"It lasts {block.duration} minutes; times are those of {block.timezone}."
    return [
        Tool(
            name=name,
            description=f"{action.description} This books an appointment. {about} See {look_name} first, and book only what it lists and "
            "the customer has chosen.",
            parameters=BOOK,
            run=book,
            capability_id=action.id,
            acts=True,
            confirm=asked(block.mandatory),
            question=lambda args: _question(action, args),
        ),
        Tool(
            name=look_name,
            description=f"When an appointment can be booked by {name}. {about}",
            parameters=LOOK,
            run=look,
            capability_id=action.id,
        ),
    ]


async def _look(run: Run, action: Action, args: Json) -> Result:
    desk = await booking.open_desk(run, action)
    if isinstance(desk, Trouble):
        return failure(desk.words)
    today, latest = desk.days()
    try:
        first = max(date.fromisoformat(args["from_day"]), today) if args.get("from_day") else today
        last = date.fromisoformat(args["to_day"]) if args.get("to_day") else min(first, latest) + timedelta(days=USUAL_LOOK - 1)
    except ValueError:
        return failure("a day is written like 2026-11-30")
    if first > latest or last < first:
        return failure(f"appointments can be booked from {_day(today)} to {_day(latest)}; ask for days in between")
    last = min(last, latest, first + timedelta(days=LONGEST_LOOK - 1))
    free = await booking.free(desk, first, last)
    return failure(free.words) if isinstance(free, Trouble) else Result(text=_list(desk.block, free, first, last))


def _list(block: Block, free: Sequence[Span], first: date, last: date) -> str:
    zone = block.week.zone
    span = f"from {_day(first)} to {_day(last)}" if last > first else f"on {_day(first)}"
    if not free:
        return f"Nothing is free {span}."
    local = [slot.start.astimezone(zone) for slot in free]
    lines = [f"{_day(day)} ({day}): {', '.join(f'{at:%H:%M}' for at in starts)}" for day, starts in groupby(local, lambda at: at.date())]
    return "\n".join([f"Free {span}, {block.timezone}, {block.duration} minutes each:", *lines])


async def _book(run: Run, action: Action, call: Call) -> Result:
    desk = await booking.open_desk(run, action)
    if isinstance(desk, Trouble):
        return failure(desk.words)
    zone = desk.week.zone
    start = _read(call.args["start"], zone)
    if start is None:
        return failure("the start is written like 2026-11-30T10:00, and is a time that this day has")
    guest = str(call.args.get("email") or "").strip()
    if guest and not _EMAIL.fullmatch(guest):
        return failure("this is no e-mail address; leave it out, or ask the customer for it again")
    came = await booking.book(desk, _wanted(run, action, call.args, start, guest), call.key)
    if isinstance(came, Booked):
        end = came.start + desk.week.duration
        invited = f" An invitation goes to {guest}." if guest else ""
        return Result(text=f"Booked: {_when(came.start, zone)} to {end.astimezone(zone):%H:%M} ({zone.key}).{invited}")
    if isinstance(came, NotFree):
        return failure(_instead(came, zone))
    return failure(f"{came.words} {UNSURE}" if came.unsure else came.words)


def _wanted(run: Run, action: Action, args: Json, start: datetime, guest: str) -> Wanted:
    name = _line(args["customer_name"])
    told = {"Name": name, "WhatsApp": values.phone_of(run), "E-mail": guest, "Note": str(args.get("note") or "").strip()}
    text = "\n".join(f"{label}: {value}" for label, value in told.items() if value)
    return Wanted(start, f"{action.name}: {name}", text.replace("\0", ""), guest, name)


def _instead(came: NotFree, zone: ZoneInfo) -> str:
    if not came.instead:
        return "this time cannot be booked, and nothing else is free in the two weeks from then"
    offered = "; ".join(f"{_when(start, zone)} ({start.astimezone(zone):%Y-%m-%dT%H:%M})" for start in came.instead)
    return f"this time is taken, or is none at which an appointment can begin. Offer the customer the next that are free: {offered}"


def _question(action: Action, args: Json) -> str:
    zone = action.config.webhook.week.zone
    start = _read(args.get("start"), zone)
    told = {
        "When": f"{_when(start, zone)} ({zone.key})" if start else str(args.get("start")),
        "Name": _line(args.get("customer_name", "")),
        "E-mail": _line(args.get("email", "")),
        "Note": _line(args.get("note", ""))[:300],
    }
    return "\n".join([f"*{action.name}*", *(f"{label}: {value}" for label, value in told.items() if value)])


def _read(text: Any, zone: ZoneInfo) -> datetime | None:
    """A local time in UTC; one that carries its distance from UTC is taken by that."""
    try:
        at = datetime.fromisoformat(str(text).strip())
        found = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
        lasts = at.tzinfo is not None or found.astimezone(zone).replace(tzinfo=None) == at
    except (ValueError, OverflowError):
        return None
    return found if lasts else None


def _when(start: datetime, zone: ZoneInfo) -> str:
    local = start.astimezone(zone)
    return f"{_day(local.date())}, {local:%H:%M}"


def _day(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B %Y}"


def _line(text: Any) -> str:
    return " ".join(str(text).split())


TYPE = ActionType(name="APPOINTMENT", schema=Appointment, tools=tools, check=check)
