"""Booking: what is free, which calendar takes the appointment, and the event in it, once for each call.

A time is taken in our own table first, in a transaction of a moment, and then written into the calendar. So two customers never get
the same time from us, no connection to the database waits for a calendar, and a call that is made again sends the same event again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from dragoman.agents import integrations
from dragoman.agents.actions.action import Action
from dragoman.agents.actions.appointment import google, outlook, queries, slots
from dragoman.agents.actions.appointment.accounts import Account, Trouble
from dragoman.agents.actions.appointment.calendars import Busy, Event, Provider
from dragoman.agents.actions.appointment.schema import Block
from dragoman.agents.actions.appointment.slots import Span, Week
from dragoman.agents.capability import Run
from dragoman.agents.tools import Json
from dragoman.ids import new_id
from dragoman.store.database import Connection

PROVIDERS: dict[str, Provider] = {"google": google.PROVIDER, "outlook": outlook.PROVIDER}
LONGEST_LOOK = 14  # days
TAKEN_FOR = timedelta(minutes=2)  # longer than writing an event can take, also when it is tried twice
LATELY = timedelta(days=30)  # for taking turns
MOST_COMING = 5  # appointments that one customer can have before him, so that nobody fills a calendar


class Wanted(NamedTuple):
    start: datetime  # in UTC
    title: str
    text: str
    guest: str
    guest_name: str


class Booked(NamedTuple):
    start: datetime


class NotFree(NamedTuple):
    """The time is taken, or is none at which appointments begin. `instead` are the next ones that are free."""

    instead: list[datetime]


class _Taken(NamedTuple):
    id: UUID
    calendar: str


@dataclass(frozen=True)
class Desk:
    """One action in one turn, with the account that its calendars are used by."""

    run: Run
    action: Action
    account: Account
    provider: Provider

    @property
    def block(self) -> Block:
        block: Block = self.action.config.webhook
        return block

    @property
    def week(self) -> Week:
        return self.block.week

    @property
    def now(self) -> datetime:
        return self.run.kit.clock.now()

    def days(self) -> tuple[date, date]:
        """The first and the last day that can be booked."""
        today = self.now.astimezone(self.week.zone).date()
        return today, today + timedelta(days=self.block.days_ahead)

    def scope(self, **more: Any) -> Json:
        return {"organisation_id": self.run.organisation_id, "action_id": self.action.id, "now": self.now, **more}


async def open_desk(run: Run, action: Action) -> Desk | Trouble:
    block: Block = action.config.webhook
    provider = PROVIDERS[block.type]
    integration = await integrations.find(run.kit, run.organisation_id, block.type, block.user_id)
    if integration is None:
        return Trouble(f"The business has not connected {provider.name} yet, so nothing can be booked.")
    return Desk(run, action, Account(run.kit, integration, provider.name, provider.scope), provider)


async def free(desk: Desk, first: date, last: date) -> list[Span] | Trouble:
    """Every time of these days at which one of the calendars is free, in order."""
    busy = await _busy(desk, first, last)
    if isinstance(busy, Trouble):
        return busy
    rows = await desk.run.kit.db.fetch(queries.TAKEN, _taken_scope(desk))
    return _anywhere(_free(desk, _with(busy, rows), first, last))


async def book(desk: Desk, wanted: Wanted, call_key: str) -> Booked | NotFree | Trouble:
    row = await desk.run.kit.db.fetch_one(queries.OF_CALL, desk.scope(call_key=call_key))
    if row is not None:  # this very call was begun before
        if row["event_id"]:
            return Booked(row["start_at"])
        return await _write(desk, wanted, call_key, _Taken(row["id"], row["calendar"]))
    first, last = _days_from(desk, wanted.start)
    busy = await _busy(desk, first, last)
    if isinstance(busy, Trouble):
        return busy
    async with desk.run.kit.db.transaction() as connection:
        taken = await _take(desk, connection, wanted, call_key, busy, (first, last))
    return await _write(desk, wanted, call_key, taken) if isinstance(taken, _Taken) else taken


async def _take(
    desk: Desk, connection: Connection, wanted: Wanted, call_key: str, busy: Busy, days: tuple[date, date]
) -> _Taken | NotFree | Trouble:
    """Give the time to this call, in the calendar whose turn it is."""
    scope = desk.scope(contact_id=desk.run.contact_id, call_key=call_key)
    await connection.execute(queries.ALONE, scope)
    coming = await (await connection.execute(queries.COMING, scope)).fetchone()
    if coming and coming["coming"] >= MOST_COMING:
        return Trouble(f"This customer has {MOST_COMING} appointments coming, and more have to be made with the business itself.")
    rows = await (await connection.execute(queries.TAKEN, _taken_scope(desk))).fetchall()
    open_at = _free(desk, _with(busy, rows), *days)
    fitting = [calendar for calendar, spans in open_at.items() if any(span.start == wanted.start for span in spans)]
    if not fitting:
        return NotFree(_next(_anywhere(open_at), wanted.start))
    turns = await (await connection.execute(queries.TURNS, desk.scope(since=desk.now - LATELY))).fetchall()
    booked = {row["calendar"]: row["booked"] for row in turns}
    taken = _Taken(new_id(), min(fitting, key=lambda calendar: booked.get(calendar.lower(), 0)))
    end = wanted.start + desk.week.duration
    row = {**scope, "id": taken.id, "calendar": taken.calendar.lower(), "start_at": wanted.start, "end_at": end}
    await connection.execute(queries.TAKE, row)
    return taken


async def _write(desk: Desk, wanted: Wanted, call_key: str, taken: _Taken) -> Booked | Trouble:
    """Write the event into its calendar, and keep or give back the time that was taken for it."""
    span = Span(wanted.start, wanted.start + desk.week.duration)
    event = Event(taken.calendar, span, wanted.title, wanted.text, wanted.guest, wanted.guest_name, call_key)
    came = await desk.provider.book(desk.account, event)
    if isinstance(came, Trouble) and came.unsure:
        came = await desk.provider.book(desk.account, event)  # the same event, so it is there once however often it arrives
    if isinstance(came, Trouble):
        if not came.unsure:
            await desk.run.kit.db.execute(queries.GIVE_BACK, desk.scope(id=taken.id))
        return came
    await desk.run.kit.db.execute(queries.BOOKED, desk.scope(id=taken.id, event_id=came))
    return Booked(wanted.start)


async def _busy(desk: Desk, first: date, last: date) -> Busy | Trouble:
    busy = await desk.provider.busy(desk.account, desk.block.calendars, slots.around(desk.week, first, last))
    if not isinstance(busy, Trouble) and not busy:
        return Trouble(
            f"{desk.provider.name} does not say when this calendar is free; the business has to check its address and its rights."
        )
    return busy


def _days_from(desk: Desk, start: datetime) -> tuple[date, date]:
    """The days that are looked at for a wanted time, so that there is something else to offer."""
    today, last = desk.days()
    first = min(max(start.astimezone(desk.week.zone).date(), today), last)
    return first, min(first + timedelta(days=LONGEST_LOOK - 1), last)


def _taken_scope(desk: Desk) -> Json:
    return desk.scope(calendars=[address.lower() for address in desk.block.calendars], since=desk.now - TAKEN_FOR)


def _with(busy: Busy, rows: Sequence[Json]) -> Busy:
    """The busy times with those that were taken by us just now."""
    return {
        calendar: [*spans, *(Span(row["start_at"], row["end_at"]) for row in rows if row["calendar"] == calendar.lower())]
        for calendar, spans in busy.items()
    }


def _free(desk: Desk, busy: Busy, first: date, last: date) -> Busy:
    days, now = slots.days(first, last), desk.now
    return {calendar: slots.free(desk.week, days, spans, now) for calendar, spans in busy.items()}


def _anywhere(open_at: Busy) -> list[Span]:
    return sorted({span for spans in open_at.values() for span in spans})


def _next(spans: Sequence[Span], start: datetime) -> list[datetime]:
    return [span.start for span in spans if span.start >= start][:3] or [span.start for span in spans][:3]
