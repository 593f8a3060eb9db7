"""Google's Calendar API, version 3."""

import base64
import html
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from dragoman.agents.actions.appointment.accounts import Account, Trouble
from dragoman.agents.actions.appointment.calendars import Busy, Event, Provider, by_calendar, listed, moment, spoken
from dragoman.agents.actions.appointment.slots import Span
from dragoman.agents.tools import Json


async def busy(account: Account, calendars: Sequence[str], span: Span) -> Busy | Trouble:
    body = {"timeMin": _written(span.start), "timeMax": _written(span.end), "items": [{"id": address} for address in calendars]}
    answer = await account.ask("freeBusy", body)
    if isinstance(answer, Trouble):
        return answer
    if answer.status != 200:
        return account.trouble(answer.status)
    told = {name.lower(): spoken(one) for name, one in spoken(answer.body.get("calendars")).items()}
    return by_calendar(calendars, told, _spans)


def _spans(one: dict[str, Any]) -> list[Span] | None:
    """What is busy in one calendar; None when that was not said."""
    if one.get("errors") or not isinstance(one.get("busy"), list):
        return None
    try:
        spans = [Span(moment(part.get("start")), moment(part.get("end"))) for part in listed(one["busy"])]
    except ValueError:
        return None
    return spans if all(part.tzinfo for span in spans for part in span) else None


async def book(account: Account, event: Event) -> str | Trouble:
    # Google takes the letters of base32hex in an event's id, and refuses the second event with the same one.
    event_id = base64.b32hexencode(event.digest).decode().rstrip("=").lower()
    answer = await account.ask(f"calendars/{quote(event.calendar, safe='')}/events?sendUpdates=all", _event(event, event_id))
    if isinstance(answer, Trouble):
        return answer
    return event_id if answer.status in (200, 201, 409) else account.trouble(answer.status)


def _event(event: Event, event_id: str) -> Json:
    body: Json = {
        "id": event_id,
        "summary": event.title,
        "description": html.escape(event.text, quote=False),  # it is shown as HTML
        "start": {"dateTime": _written(event.span.start)},
        "end": {"dateTime": _written(event.span.end)},
    }
    if event.guest:
        body["attendees"] = [{"email": event.guest, "displayName": event.guest_name}]
    return body


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


PROVIDER = Provider("Google Calendar", "", busy, book)
