"""What comes in from WhatsApp, made durable before anybody is told that it arrived.

Webhooks that arrive together are stored together: one statement, one commit, however many. The unique index on
(number, wamid) is the deduplication. A message and the fact that its conversation is due are the same commit.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec
import psycopg
import structlog

from dragoman.accounts.secrets import Vault
from dragoman.conversations import commands, identity, ownership, willing
from dragoman.conversations import inbox_queries as queries
from dragoman.conversations.erased import reference
from dragoman.conversations.metrics import DUPLICATES, RECEIVED, REFUSED
from dragoman.conversations.policy import SILENT_TYPES, STATES
from dragoman.conversations.services import Services
from dragoman.ids import new_id
from dragoman.store.batcher import Batcher
from dragoman.store.database import Row
from dragoman.whatsapp.errors import explain
from dragoman.whatsapp.events import Echo, Event, Kept, MediaRef, Message, Preference, Sender, Status

log = structlog.get_logger()

NUMBER_CACHE_SECONDS = 5.0
COLLISIONS = 5
# Meta tries for 7 days. What is older is somebody who posts again what was once signed: a signature has no time in it.
OLDEST = timedelta(days=8)


class Number(NamedTuple):
    organisation_id: UUID
    id: UUID
    app_id: str
    is_sandbox: bool


Saying = tuple[Number, Message | Echo]


class Delivery(NamedTuple):
    """One webhook: the app whose secret signed it, and what it says."""

    app_id: str
    events: list[Event]


class Sorted(NamedTuple):
    """What the events of a batch mean: something said, something that became of our messages, something to keep."""

    said: list[Saying]
    statuses: list[tuple[Number, Status]]
    kept: list[Row]
    preferences: list[tuple[UUID, Preference]]


class Inbox:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._numbers: dict[str, tuple[float, Number]] = {}
        self._batch: Batcher[Delivery, None] = Batcher(self._store, forgets=True)

    async def receive(self, app_id: str, events: list[Event]) -> None:
        """Store what a webhook said. When this returns, it is on disk; when it raises, the sender must send again.

        What cannot be stored although the database is there is kept as it came, alone: it would be refused the next time,
        too, and must not hold up what came with it.
        """
        try:
            await self._batch(Delivery(app_id, events))
        except (psycopg.OperationalError, psycopg.InterfaceError, OSError):
            raise
        except Exception as refusal:
            if len(events) > 1:
                middle = len(events) // 2
                await self.receive(app_id, events[:middle])
                await self.receive(app_id, events[middle:])
            elif isinstance(events[0], Kept):
                raise
            else:
                REFUSED.labels("not_storable").inc()
                log.error("an event could not be stored and is kept as it came", app_id=app_id, error=type(refusal).__name__)
                await self._batch(Delivery(app_id, [_set_aside(events[0], refusal)]))

    async def _store(self, deliveries: Sequence[Delivery]) -> list[None]:
        now = self._services.clock.now()
        news = await self._sort(deliveries, now)
        if news.said:
            await self._said(news.said, now)
        if news.statuses:
            await self._statuses(news.statuses, now)
        if news.preferences:
            await willing.prefer(self._services, news.preferences)
        if news.kept:
            await self._services.db.execute(queries.KEEP, {"rows": _json(news.kept), "now": now})
        return [None] * len(deliveries)

    async def _sort(self, deliveries: Sequence[Delivery], now: datetime) -> Sorted:
        found = await self._look_up({e.phone_number_id for d in deliveries for e in d.events if e.phone_number_id})
        news = Sorted([], [], [], [])
        for app_id, events in deliveries:
            for event in events:
                number = found.get(event.phone_number_id or "")
                if number is not None and number.app_id != app_id:
                    REFUSED.labels("number_of_another_app").inc()
                    log.warning("a webhook named a number of another app", app_id=app_id, phone_number_id=event.phone_number_id)
                    news.kept.append(_keep(app_id, event, None, "the number belongs to another app"))
                elif isinstance(event, Kept):
                    news.kept.append(_keep(app_id, event, number, event.reason))
                elif number is None:
                    REFUSED.labels("unknown_number").inc()
                    news.kept.append(_keep(app_id, event, None, "no such number is connected"))
                elif isinstance(event, Status):
                    news.statuses.append((number, event))
                elif isinstance(event, Preference):
                    news.preferences.append((number.organisation_id, event))
                    news.kept.append(_keep(app_id, event, number, "followed"))
                elif event.at is not None and event.at < now - OLDEST:
                    REFUSED.labels("too_old").inc()
                    news.kept.append(_keep(app_id, event, number, f"older than {OLDEST.days} days"))
                else:
                    news.said.append((number, event))
        return news

    async def _look_up(self, phone_number_ids: set[str]) -> dict[str, Number]:
        """Whose numbers these are, no older than a few seconds: one look-up serves thousands of webhooks."""
        fresh_after = time.monotonic() - NUMBER_CACHE_SECONDS
        missing = [i for i in phone_number_ids if i not in self._numbers or self._numbers[i][0] < fresh_after]
        if missing:
            rows = await self._services.db.fetch(queries.NUMBERS, {"ids": missing})
            for phone_number_id in missing:
                self._numbers.pop(phone_number_id, None)
            for row in rows:  # what is not found is not remembered: it may be added at any moment
                number = Number(row["organisation_id"], row["id"], row["app_id"], row["is_sandbox"])
                self._numbers[row["phone_number_id"]] = (time.monotonic(), number)
        return {i: self._numbers[i][1] for i in phone_number_ids if i in self._numbers}

    async def _said(self, said: list[Saying], now: datetime) -> None:
        for part in _by_changes(said):
            await self._follow_change(*part[0], now)
            await self._said_under_the_same_names(part, now)

    async def _said_under_the_same_names(self, said: list[Saying], now: datetime) -> None:
        rows = [_message_row(self._services.vault, number, event, now) for number, event in said]
        results = await self._receive(rows, now)
        # A known sender with a new name is stored at once and brought up to date after; a new one gets a contact first.
        # What was seen before is a copy, perhaps a late one: the names it carries may be old.
        fresh = [i for i, result in enumerate(results) if not result["seen"]]
        if unsettled := [i for i in fresh if results[i]["contact_id"] is None or results[i]["stale"]]:
            await self._admit([said[i] for i in unsettled], now)
            again = [i for i in unsettled if results[i]["contact_id"] is None]
            for i, result in zip(again, await self._receive([rows[i] for i in again], now), strict=True):
                results[i] = result
        for (number, event), result in zip(said, results, strict=True):
            if result["stored"]:
                RECEIVED.inc()
                await self._react(number, event, result["conversation_id"])
            else:
                DUPLICATES.inc()
                if isinstance(event, Echo):
                    await self._heard_again(number, event, now)

    async def _heard_again(self, number: Number, echo: Echo, now: datetime) -> None:
        """Whoever stored this may have died before it could quiet the agent."""
        since = now - ownership.PHONE_APP_PAUSE
        params = {"organisation_id": number.organisation_id, "number_id": number.id, "wamid": echo.wamid, "since": since}
        if row := await self._services.db.fetch_one(queries.UNHEARD, params):
            await ownership.phone_spoke(self._services, number.organisation_id, row["conversation_id"], row["said_at"])

    async def _follow_change(self, number: Number, event: Message | Echo, now: datetime) -> None:
        if not isinstance(event, Message) or event.change is None:
            return
        known = reference(self._services.vault, number.organisation_id, "wamid", event.wamid)
        message = {"organisation_id": number.organisation_id, "number_id": number.id, "wamid": event.wamid, "reference": known}
        if not await self._services.db.fetch(queries.SEEN, message):
            async with self._services.db.transaction() as connection:
                await identity.change(connection, number.organisation_id, event.change, now)

    async def _receive(self, rows: list[Row], now: datetime) -> list[Row]:
        for n, row in enumerate(rows):
            row["n"] = n
        params = {"rows": _json(rows), "now": now}
        for _ in range(COLLISIONS):
            # When another process stores one of these at this moment, or erases who said it, nothing is stored, and the next look sees it.
            with suppress(psycopg.errors.UniqueViolation, psycopg.errors.ForeignKeyViolation):
                return await self._services.db.hot(queries.RECEIVE, params) if rows else []
        return await self._services.db.hot(queries.RECEIVE, params)

    async def _admit(self, said: Iterable[Saying], now: datetime) -> None:
        by_organisation: dict[UUID, list[Sender]] = {}
        for number, event in said:
            by_organisation.setdefault(number.organisation_id, []).append(_person(event))
        async with self._services.db.transaction() as connection:
            for organisation_id in sorted(by_organisation):
                await identity.admit(connection, self._services.vault, organisation_id, by_organisation[organisation_id], now)

    async def _react(self, number: Number, event: Message | Echo, conversation_id: UUID) -> None:
        if isinstance(event, Echo):
            await ownership.phone_spoke(self._services, number.organisation_id, conversation_id)
        elif number.is_sandbox and commands.is_command(event.content):
            await commands.obey(self._services, number.organisation_id, conversation_id, event.content.text)

    async def _statuses(self, statuses: list[tuple[Number, Status]], now: datetime) -> None:
        rows = [_status_row(self._services.vault, number, event, now) for number, event in statuses]
        settled = await self._services.db.hot(queries.STATUSES, {"rows": _json(rows), "now": now, "states": list(STATES)})
        if settled:
            organisations, conversations = [r["organisation_id"] for r in settled], [r["conversation_id"] for r in settled]
            await self._services.db.fetch(queries.RESUME, {"organisations": organisations, "conversations": conversations, "now": now})


def _by_changes(said: list[Saying]) -> Iterator[list[Saying]]:
    """Parted before each change of names: what was said before it was said under the old ones."""
    start = 0
    for n, (_, event) in enumerate(said):
        if n > start and isinstance(event, Message) and event.change is not None:
            yield said[start:n]
            start = n
    yield said[start:]


def _json(rows: list[Row]) -> str:
    return msgspec.json.encode(rows).decode()


def _person(event: Message | Echo) -> Sender:
    """Whom the event is about, by the names that hold from now on."""
    if isinstance(event, Echo):
        return event.to
    if event.change is None:
        return event.sender
    return Sender(
        phone=event.change.new_phone or event.sender.phone,
        bsuid=event.change.new_bsuid or event.sender.bsuid,
        name=event.sender.name,
    )


def _message_row(vault: Vault, number: Number, event: Message | Echo, now: datetime) -> Row:
    content, person = event.content, _person(event)
    author = "phone_app" if isinstance(event, Echo) else "system" if content.type in ("system", "errors") else "customer"
    return {
        "organisation_id": number.organisation_id,
        "number_id": number.id,
        "phone": person.phone,
        "bsuid": person.bsuid,
        "username": person.username,
        "name": person.name,
        "id": new_id(),
        "conversation_id": new_id(),
        "wamid": event.wamid,
        "reference": reference(vault, number.organisation_id, "wamid", event.wamid),
        "author": author,
        "type": content.type,
        "content": content,
        "raw": msgspec.Raw(event.raw),
        "said_at": min(event.at or now, now),
        "wants": author == "customer" and content.type not in SILENT_TYPES and not (number.is_sandbox and commands.is_command(content)),
        # The customer's words open the window; what WhatsApp reports about him does not.
        "opens_window": author == "customer",
        "media": [_media_row(file) for file in content.media] or None,
        "reply_to_wamid": content.quoted.wamid if content.quoted else None,
        "referral": content.referral,
        "stops": willing.wish(content.text) if author == "customer" and content.type == "text" else None,
    }


def _media_row(file: MediaRef) -> Row:
    return {
        "id": new_id(),
        "graph_id": file.id,
        "kind": file.kind,
        "mime_type": file.mime_type,
        "sha256": file.sha256,
        "filename": file.filename,
    }


def _status_row(vault: Vault, number: Number, event: Status, now: datetime) -> Row:
    failure = event.errors[0] if event.errors else None
    attempt_id = _uuid(event.attempt)
    return {
        "organisation_id": number.organisation_id,
        "number_id": number.id,
        "id": new_id(),
        "wamid": event.wamid,
        "reference": reference(vault, number.organisation_id, "wamid", event.wamid),
        "by_attempt": reference(vault, number.organisation_id, "attempt", str(attempt_id)) if attempt_id else None,
        "status": event.status,
        "said_at": event.at or now,
        "recipient": event.participant,
        "attempt_id": attempt_id,
        "error_code": failure.code if failure else None,
        "cause": explain(failure.code, failure.title, failure.details) if failure else None,
        "pricing": event.pricing,
    }


def _uuid(text: str | None) -> UUID | None:
    """Our attempt id, if that is what came back: another system may send from the same number under its own references."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _set_aside(event: Message | Status | Echo | Preference, refusal: Exception) -> Kept:
    reason = f"the {'database' if isinstance(refusal, psycopg.Error) else 'inbox'} refused it: {type(refusal).__name__}"
    return Kept(_field(event), event.waba_id, event.phone_number_id, reason, event.raw)


def _field(event: Event) -> str:
    return event.field if isinstance(event, Kept) else type(event).__name__.lower()


def _keep(app_id: str, event: Event, number: Number | None, reason: str) -> Row:
    return {
        "id": new_id(),
        "organisation_id": number.organisation_id if number else None,
        "app_id": app_id,
        "phone_number_id": event.phone_number_id,
        "field": _field(event),
        "reason": reason,
        "raw": event.raw.decode("utf-8", "replace"),
    }
