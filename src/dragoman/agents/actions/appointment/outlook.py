"""Outlook's calendars, by Microsoft Graph, version 1.0."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from dragoman.agents.actions.appointment.accounts import Account, Trouble
from dragoman.agents.actions.appointment.calendars import Busy, Event, Provider, by_calendar, listed, moment, spoken
from dragoman.agents.actions.appointment.slots import Span
from dragoman.agents.tools import Json

# Times are asked for in UTC and told in it; then no name of a time zone of Windows has to be understood.
_IN_UTC = {"Prefer": 'outlook.timezone="UTC"'}
_SAME = "ErrorDuplicateTransactionId"


async def busy(account: Account, calendars: Sequence[str], span: Span) -> Busy | Trouble:
    body = {"schedules": list(calendars), "startTime": _written(span.start), "endTime": _written(span.end), "availabilityViewInterval": 60}
    answer = await account.ask(f"users/{quote(calendars[0], safe='')}/calendar/getSchedule", body, _IN_UTC)
    if isinstance(answer, Trouble):
        return answer
    if answer.status != 200:
        return account.trouble(answer.status)
    told = {str(one.get("scheduleId", "")).lower(): one for one in listed(answer.body.get("value"))}
    return by_calendar(calendars, told, _spans)


def _spans(one: dict[str, Any]) -> list[Span] | None:
    """What is busy in one calendar; None when that was not said."""
    if one.get("error") or not isinstance(one.get("scheduleItems"), list):
        return None
    try:
        # Tentative, out of office and working elsewhere are no times at which somebody can be met.
        taken = [item for item in listed(one["scheduleItems"]) if str(item.get("status", "")).lower() != "free"]
        return [Span(_read(item.get("start")), _read(item.get("end"))) for item in taken]
    except ValueError:
        return None


async def book(account: Account, event: Event) -> str | Trouble:
    # Graph answers with the event that is there when the same is sent again under the same transactionId.
    body = {**_event(event), "transactionId": str(UUID(bytes=event.digest[:16]))}
    answer = await account.ask(f"users/{quote(event.calendar, safe='')}/events", body)
    if isinstance(answer, Trouble):
        return answer
    if answer.status in (200, 201):
        return str(answer.body.get("id") or body["transactionId"])
    if answer.status in (400, 409) and spoken(answer.body.get("error")).get("code") == _SAME:
        return str(body["transactionId"])
    return account.trouble(answer.status)


def _event(event: Event) -> Json:
    body: Json = {
        "subject": event.title,
        "body": {"contentType": "text", "content": event.text},
        "start": _written(event.span.start),
        "end": _written(event.span.end),
    }
    if event.guest:
        body["attendees"] = [{"emailAddress": {"address": event.guest, "name": event.guest_name}, "type": "required"}]
    return body


def _written(at: datetime) -> Json:
    return {"dateTime": at.strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": "UTC"}


def _read(value: Any) -> datetime:
    told = spoken(value)
    if str(told.get("timeZone", "UTC")).upper() not in ("UTC", "ETC/UTC", "TZONE://MICROSOFT/UTC"):
        raise ValueError("not in UTC")
    return moment(told.get("dateTime")).replace(tzinfo=UTC)


PROVIDER = Provider("Outlook", "offline_access Calendars.ReadWrite", busy, book)
