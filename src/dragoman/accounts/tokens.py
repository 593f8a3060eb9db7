"""Tokens: signed JSON Web Tokens (RFC 7519, HS256) that name their organisation, for clients of the second dialect.

Nothing of a token is stored. It opens nothing after its time, after the organisation has called back the tokens of its time, and, when
it is a member's, once the member is gone or has a new password.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import jwt

from dragoman.accounts import queries
from dragoman.accounts.callers import Caller
from dragoman.accounts.secrets import Vault
from dragoman.clock import Clock
from dragoman.errors import Invalid, RateLimited, Unauthorized
from dragoman.ids import new_id
from dragoman.store.database import Database

ALGORITHM, ISSUER = "HS256", "dragoman"
LONGEST = timedelta(days=3650)
_REFUSED = "this token opens nothing: it is damaged, expired, called back, or made by another server"


class Token(NamedTuple):
    text: str
    expires_at: datetime


def create(
    vault: Vault,
    clock: Clock,
    organisation_id: UUID,
    name: str,
    life: timedelta,
    *,
    permissions: list[str] | None = None,
    member_id: UUID | None = None,
) -> Token:
    """A token for `life`. `permissions` as `callers.checked` returns them; a member's are looked up at each request instead."""
    if not timedelta(0) < life <= LONGEST:
        raise Invalid(f"a token lives for up to {LONGEST.days} days", field="days")
    now = clock.now()
    expires_at = now + life
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "sub": name,
        "org": str(organisation_id),
        "jti": new_id().hex,
        "iat": now.timestamp(),
        "exp": int(expires_at.timestamp()),
    }
    if permissions is not None:
        claims["permissions"] = permissions
    if member_id is not None:
        claims["member"] = str(member_id)
    return Token(jwt.encode(claims, _key(vault), ALGORITHM), expires_at)


async def authenticate(db: Database, vault: Vault, clock: Clock, text: str, limit_per_minute: int) -> Caller:
    """Whose token this is. Raises Unauthorized, or RateLimited after `limit_per_minute` requests in one clock minute."""
    claims = _read(vault, clock, text)
    values = {
        "organisation_id": claims.organisation_id,
        "member_id": claims.member_id,
        "issued_at": claims.issued_at,
        "jti": claims.jti,
        "now": clock.now(),
    }
    row = await db.fetch_one(queries.BY_SIGNED_CLAIMS, values)
    if row is None:
        raise Unauthorized(_REFUSED)
    if row["count"] > limit_per_minute:
        wait = 60 - clock.now().second
        raise RateLimited(f"more than {limit_per_minute} requests in a minute with this token; try again in {wait} s", retry_after=wait)
    permissions = row["permissions"] if claims.member_id else claims.permissions
    return Caller(claims.organisation_id, claims.name, frozenset(permissions) if permissions is not None else None)


async def call_back(db: Database, clock: Clock, organisation_id: UUID) -> None:
    """Every token of the organisation that was made before now is worth nothing."""
    await db.execute(queries.CALL_TOKENS_BACK, {"organisation_id": organisation_id, "now": clock.now()})


class _Claims(NamedTuple):
    organisation_id: UUID
    member_id: UUID | None
    name: str
    jti: str
    issued_at: datetime
    permissions: list[str] | None


def _read(vault: Vault, clock: Clock, text: str) -> _Claims:
    # Times are compared here, by our own clock.
    options: Any = {"require": ["exp", "iat", "org", "jti", "sub"], "verify_exp": False, "verify_iat": False, "verify_nbf": False}
    try:
        claims = jwt.decode(text, _key(vault), [ALGORITHM], issuer=ISSUER, options=options)
        issued_at, expires_at = (datetime.fromtimestamp(float(claims[name]), UTC) for name in ("iat", "exp"))
        member = claims.get("member")
        known = _Claims(
            UUID(claims["org"]),
            UUID(member) if member else None,
            str(claims["sub"]),
            str(claims["jti"]),
            issued_at,
            claims.get("permissions"),
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, AttributeError, OSError):
        raise Unauthorized(_REFUSED) from None
    if expires_at <= clock.now():
        raise Unauthorized(_REFUSED)
    return known


def _key(vault: Vault) -> bytes:
    return vault.derive("tokens")
