"""API keys: `wak_live_<id8>_<43 base62>_<crc32 in base62>`, shown once, kept only as a keyed hash.

The fixed beginning lets secret scanners find a leaked key, the check digits let us refuse a damaged one without asking the
database, and the part up to the id ("prefix") is what lists and logs may show.
"""

import re
import secrets
import string
import zlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dragoman.accounts import queries
from dragoman.accounts.callers import Caller
from dragoman.accounts.secrets import Vault
from dragoman.clock import Clock
from dragoman.errors import Invalid, NotFound, RateLimited, Unauthorized
from dragoman.ids import new_id
from dragoman.store.database import Database

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
PURPOSE = "api key"
_FORM = re.compile(r"(wak_live_[0-9A-Za-z]{8}_[0-9A-Za-z]{43})_([0-9A-Za-z]{6})")


@dataclass(frozen=True, slots=True)
class ApiKey:
    organisation_id: UUID
    id: UUID
    prefix: str
    name: str
    description: str
    permissions: list[str] | None  # None is everything
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


async def create(
    db: Database,
    vault: Vault,
    clock: Clock,
    organisation_id: UUID,
    name: str,
    expires_at: datetime | None = None,
    *,
    permissions: list[str] | None = None,
    description: str = "",
) -> tuple[ApiKey, str]:
    """A new key, and its text, which cannot be had again. `permissions` as `callers.checked` returns them."""
    if not 0 < len(name.strip()) <= 255:
        raise Invalid("an API key needs a name of 1 to 255 characters", field="name")
    if expires_at is not None and expires_at <= clock.now():
        raise Invalid("the time of expiry is in the past", field="expiresAt")
    prefix, text = _fresh()
    values = {
        "organisation_id": organisation_id,
        "id": new_id(),
        "prefix": prefix,
        "name": name.strip(),
        "description": description,
        "permissions": permissions,
        "key_hash": vault.hash(text, PURPOSE),
        "expires_at": expires_at,
        "now": clock.now(),
    }
    row = await db.fetch_one(queries.CREATE_KEY, values)
    assert row is not None  # noqa: S101 - an insert returns its row
    return ApiKey(**row), text


async def listing(db: Database, organisation_id: UUID) -> list[ApiKey]:
    """Every key, revoked ones too, oldest first."""
    return [ApiKey(**row) for row in await db.fetch(queries.KEYS, {"organisation_id": organisation_id})]


async def revoke(db: Database, clock: Clock, organisation_id: UUID, prefix: str) -> ApiKey:
    """From now on the key opens nothing. Revoking again changes nothing."""
    row = await db.fetch_one(queries.REVOKE_KEY, {"organisation_id": organisation_id, "prefix": prefix, "now": clock.now()})
    if row is None:
        raise NotFound(f"there is no API key with the prefix {prefix}")
    return ApiKey(**row)


async def authenticate(db: Database, vault: Vault, clock: Clock, key: str, limit_per_minute: int) -> Caller:
    """Who holds this key. Raises Unauthorized, or RateLimited after `limit_per_minute` requests in one clock minute."""
    row = None
    if _undamaged(key):
        row = await db.fetch_one(queries.AUTHENTICATE, {"key_hash": vault.hash(key, PURPOSE), "now": clock.now()})
    if row is None:
        raise Unauthorized("this API key opens nothing: it is mistyped, unknown, revoked or expired")
    if row["count"] > limit_per_minute:
        wait = 60 - clock.now().second
        raise RateLimited(f"more than {limit_per_minute} requests in a minute with this API key; try again in {wait} s", retry_after=wait)
    permissions = frozenset(row["permissions"]) if row["permissions"] is not None else None
    return Caller(row["organisation_id"], row["prefix"], permissions)


async def expect_few(db: Database, clock: Clock, scope: str, per_minute: int) -> None:
    """Count a request of `scope`. Raises RateLimited after `per_minute` in one clock minute."""
    row = await db.fetch_one(queries.COUNT_TRY, {"scope": scope, "now": clock.now()})
    if row and row["count"] > per_minute:
        wait = 60 - clock.now().second
        raise RateLimited(f"more than {per_minute} of these in a minute; try again in {wait} s", retry_after=wait)


def _fresh() -> tuple[str, str]:
    prefix = "wak_live_" + "".join(secrets.choice(BASE62) for _ in range(8))
    body = f"{prefix}_{_base62(secrets.randbits(256), 43)}"
    return prefix, f"{body}_{_check_digits(body)}"


def _undamaged(key: str) -> bool:
    form = _FORM.fullmatch(key)
    return form is not None and form[2] == _check_digits(form[1])


def _check_digits(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), 6)


def _base62(value: int, width: int) -> str:
    digits = []
    for _ in range(width):
        value, digit = divmod(value, 62)
        digits.append(BASE62[digit])
    return "".join(reversed(digits))
