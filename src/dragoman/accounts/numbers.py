"""Meta apps and business phone numbers: whose they are, and the secrets they work with."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from dragoman.accounts import queries
from dragoman.accounts.secrets import Unopenable, Vault
from dragoman.clock import Clock
from dragoman.errors import Conflict, Invalid, NotFound
from dragoman.ids import new_id
from dragoman.store.database import Connection, Database, Row


@dataclass(frozen=True, slots=True)
class App:
    """A Meta app with its secrets opened. `secrets` are the ones a webhook signature may be made with, newest first."""

    organisation_id: UUID
    id: UUID
    app_id: str
    secrets: tuple[bytes, ...]
    verify_token: str

    def __repr__(self) -> str:
        return f"App({self.app_id})"


@dataclass(frozen=True, slots=True)
class Number:
    """A business phone number. `display_number` is digits only; the access token is not part of it (see `open_token`)."""

    organisation_id: UUID
    id: UUID
    app_id: str
    phone_number_id: str
    waba_id: str
    display_number: str
    name: str
    is_sandbox: bool
    routing: str | None
    agent_id: UUID | None
    per_second: float
    paused_reason: str | None
    paused_until: datetime | None
    statuses_missing_since: datetime | None  # WhatsApp accepts its messages and sends no statuses: see `conversations.silence`
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNumber:
    app_id: str
    phone_number_id: str
    waba_id: str
    display_number: str
    access_token: str
    name: str = ""
    is_sandbox: bool = False
    per_second: float = 80


async def add_app(
    db: Database, vault: Vault, clock: Clock, organisation_id: UUID, *, app_id: str, app_secret: str, verify_token: str
) -> App:
    """Add a Meta app, or give a known one new secrets; signatures by the previous app secret stay good."""
    for field, value in (("app_id", app_id), ("app_secret", app_secret), ("verify_token", verify_token)):
        if not value.strip():
            raise Invalid(f"{field} is empty", field=field)
    values = {
        "organisation_id": organisation_id,
        "id": new_id(),
        "app_id": app_id,
        "app_secret": vault.seal(app_secret.encode(), *_app_secret(organisation_id, app_id)),
        "verify_token": vault.seal(verify_token.encode(), *_verify_token(organisation_id, app_id)),
        "now": clock.now(),
    }
    row = await db.fetch_one(queries.PUT_APP, values)
    if row is None:
        raise Conflict(f"the app {app_id} belongs to another organisation")
    return _app(vault, row)


async def app_by_id(db: Database, vault: Vault, app_id: str) -> App | None:
    """The app that a webhook's path names, whoever owns it."""
    row = await db.fetch_one(queries.APP_BY_ID, {"app_id": app_id})
    return _app(vault, row) if row else None


async def add_number(db: Database, vault: Vault, clock: Clock, organisation_id: UUID, new: NewNumber) -> Number:
    """Add a number, or change a known one of this organisation (also ends its pause)."""
    values = {
        "organisation_id": organisation_id,
        "id": new_id(),
        "app_id": new.app_id,
        "phone_number_id": _filled(new.phone_number_id, "phone_number_id"),
        "waba_id": _filled(new.waba_id, "waba_id"),
        "display_number": _international(new.display_number),
        "name": new.name,
        "access_token": vault.seal(_filled(new.access_token, "access_token").encode(), *_token(organisation_id, new.phone_number_id)),
        "is_sandbox": new.is_sandbox,
        "per_second": _rate(new.per_second),
        "now": clock.now(),
    }
    row = await db.fetch_one(queries.PUT_NUMBER, values)
    if row is not None:
        return Number(**row)
    if not await db.fetch_one(queries.APP_IS_MINE, {"organisation_id": organisation_id, "app_id": new.app_id}):
        raise NotFound(f"there is no app {new.app_id} in this organisation; add it with `dragoman apps add`")
    raise Conflict(f"the number with phone_number_id {new.phone_number_id} belongs to another organisation")


async def listing(db: Database, organisation_id: UUID) -> list[Number]:
    return [Number(**row) for row in await db.fetch(queries.NUMBERS, {"organisation_id": organisation_id})]


async def get(db: Database, organisation_id: UUID, number_id: UUID) -> Number:
    row = await db.fetch_one(queries.NUMBER, {"organisation_id": organisation_id, "id": number_id})
    if row is None:
        raise NotFound(f"there is no number {number_id}")
    return Number(**row)


async def by_digits(db: Database, organisation_id: UUID, number: str) -> Number:
    """The number as people write it: `15550001234`, `+15550001234`, `+1 555 000-1234`."""
    row = await db.fetch_one(queries.NUMBERS_BY_DISPLAY, {"organisation_id": organisation_id, "display_number": digits(number)})
    if row is None:
        raise NotFound("there is no such phone number in this organisation; GET /api/v1/phone-numbers/ lists them")
    return Number(**row)


async def held(connection: Connection, organisation_id: UUID, phone_number_id: str) -> Number | None:
    """The number with this id at WhatsApp, which nobody else connects until the transaction ends."""
    scope = {"organisation_id": organisation_id, "phone_number_id": phone_number_id}
    row = await (await connection.execute(queries.NUMBER_FOR_UPDATE, scope)).fetchone()
    return Number(**row) if row else None


async def token(db: Database, vault: Vault, organisation_id: UUID, phone_number_id: str) -> str:
    """The Graph API access token of a number. Raises NotFound."""
    row = await db.fetch_one(queries.ACCESS, {"organisation_id": organisation_id, "phone_number_id": phone_number_id})
    if row is None:
        raise NotFound(f"there is no number {phone_number_id}")
    return open_token(vault, organisation_id, phone_number_id, row["access_token"])


@lru_cache(maxsize=4096)
def open_token(vault: Vault, organisation_id: UUID, phone_number_id: str, sealed: bytes) -> str:
    """The Graph API access token from the sealed column `numbers.access_token`; remembered, because every send needs it."""
    return vault.open(sealed, *_token(organisation_id, phone_number_id)).decode()


def digits(number: str) -> str:
    return re.sub(r"[^0-9]", "", number)


def _app(vault: Vault, row: Row) -> App:
    place = _app_secret(row["organisation_id"], row["app_id"])
    opened = [vault.open(row["app_secret"], *place)]
    if row["previous_app_secret"] is not None:
        with suppress(Unopenable):  # the secret key was lost, and the app's secret is entered again under another one
            opened.append(vault.open(row["previous_app_secret"], *place))
    token = vault.open(row["verify_token"], *_verify_token(row["organisation_id"], row["app_id"])).decode()
    return App(row["organisation_id"], row["id"], row["app_id"], tuple(opened), token)


# Meta's ids are unique and never change, so they can name the row before it exists.
def _app_secret(organisation_id: UUID, app_id: str) -> tuple[str, ...]:
    return str(organisation_id), "apps", "app_secret", app_id


def _verify_token(organisation_id: UUID, app_id: str) -> tuple[str, ...]:
    return str(organisation_id), "apps", "verify_token", app_id


def _token(organisation_id: UUID, phone_number_id: str) -> tuple[str, ...]:
    return str(organisation_id), "numbers", "access_token", phone_number_id


def _filled(value: str, field: str) -> str:
    if not value.strip():
        raise Invalid(f"{field} is empty", field=field)
    return value


def _international(number: str) -> str:
    found = digits(number)
    if not 7 <= len(found) <= 15:
        raise Invalid(f"{number!r} is not a phone number with its country code, such as +15550001234", field="display_number")
    return found


def _rate(per_second: float) -> float:
    if not 0 < per_second <= 100_000:
        raise Invalid(
            "per_second must be above 0 and at most 100000 (WhatsApp gives a number 80, or 1000 after an upgrade)", field="per_second"
        )
    return per_second
