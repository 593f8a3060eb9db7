"""What a calendar's service is asked for, whichever it is."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from dragoman.agents.actions.appointment.accounts import Account, Trouble
from dragoman.agents.actions.appointment.slots import Span


class Event(NamedTuple):
    """An appointment as it is written into `calendar`. The same `key` is the same event, however often it is sent."""

    calendar: str
    span: Span
    title: str
    text: str
    guest: str  # an e-mail address that is invited, or ""
    guest_name: str
    key: str

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.key.encode()).digest()


Busy = dict[str, list[Span]]  # by calendar, as it was asked for; one that could not be looked at is missing


class Provider(NamedTuple):
    """`busy` is what is not free in a span, `book` the new event's id."""

    name: str
    scope: str
    busy: Callable[[Account, Sequence[str], Span], Awaitable[Busy | Trouble]]
    book: Callable[[Account, Event], Awaitable[str | Trouble]]


def by_calendar(
    calendars: Sequence[str], told: Mapping[str, dict[str, Any]], spans_of: Callable[[dict[str, Any]], list[Span] | None]
) -> Busy:
    """`told` is what was said of each calendar, by its address in small letters; `spans_of` reads it."""
    found = {address: spans_of(told.get(address.lower(), {})) for address in calendars}
    return {address: spans for address, spans in found.items() if spans is not None}


def spoken(value: Any) -> dict[str, Any]:
    """A part of an answer that is an object if all is well."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[dict[str, Any]]:
    """A part of an answer that is a list of objects if all is well."""
    return [spoken(one) for one in value] if isinstance(value, list) else []


def moment(text: Any) -> datetime:
    """Raises ValueError for what is no date with a time."""
    if not isinstance(text, str):
        raise ValueError("no date")
    return datetime.fromisoformat(text)
