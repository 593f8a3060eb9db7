"""Idempotency keys: a request that is sent twice with the same key is done once and answered twice.

Shared by every door that makes something. The answer is kept sealed, because it may hold a secret that is shown once.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from dragoman.accounts.secrets import Vault
from dragoman.api import queries
from dragoman.clock import Clock
from dragoman.errors import Conflict, Invalid, Problem
from dragoman.store.database import Database

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
KEPT = timedelta(hours=48)
# No request runs longer; what is still open after that was cut off by a crash.
LONGEST_REQUEST = timedelta(minutes=2)


class Parts(Protocol):
    """The part of `conversations.services.Services` that is needed here."""

    @property
    def db(self) -> Database: ...
    @property
    def vault(self) -> Vault: ...
    @property
    def clock(self) -> Clock: ...


class KeyReused(Problem):
    status, code = 422, "idempotency_key_reused"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do a request for the first time. `scope` is method and path."""

    organisation_id: UUID
    scope: str
    key: str

    @property
    def place(self) -> tuple[str, ...]:
        return str(self.organisation_id), "idempotency_keys", "response", self.scope, self.key


@dataclass(frozen=True, slots=True)
class Kept:
    status: int
    body: bytes


def check_key(key: str) -> str:
    if not 0 < len(key) <= LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise Invalid(f"{HEADER} must be 1 to {LONGEST_KEY} printable ASCII characters", field=HEADER)
    return key


async def begin(parts: Parts, claim: Claim, body: bytes) -> Kept | None:
    """Claim the key (None: do the request, then `finish` or `release`), or the answer that was given the first time.

    Raises KeyReused when the key came with another body, Conflict when the first request still runs or was cut off.
    """
    now = parts.clock.now()
    values = {
        "organisation_id": claim.organisation_id,
        "scope": claim.scope,
        "key": claim.key,
        "body_hash": hashlib.sha256(body).digest(),
        "now": now,
        "expired": now - KEPT,
    }
    if await parts.db.fetch_one(queries.CLAIM_KEY, values):
        return None
    row = await parts.db.fetch_one(queries.CLAIMED_KEY, values)
    if row is None:  # released between the two statements
        raise _running()
    if row["body_hash"] != values["body_hash"]:
        raise KeyReused("this Idempotency-Key was used with another body; use a new key for a new request", field=HEADER)
    if row["status"] is None:
        raise _running() if row["created_at"] > now - LONGEST_REQUEST else _cut_off(row["created_at"])
    return Kept(row["status"], parts.vault.open(bytes.fromhex(row["response"]), *claim.place))


async def finish(parts: Parts, claim: Claim, kept: Kept) -> None:
    sealed = parts.vault.seal(kept.body, *claim.place).hex()
    await parts.db.execute(
        queries.FINISH_KEY,
        {"organisation_id": claim.organisation_id, "scope": claim.scope, "key": claim.key, "status": kept.status, "response": sealed},
    )


async def release(parts: Parts, claim: Claim) -> None:
    """Nothing was done: the same key may be used again."""
    await parts.db.execute(queries.RELEASE_KEY, {"organisation_id": claim.organisation_id, "scope": claim.scope, "key": claim.key})


def _running() -> Conflict:
    return Conflict("the first request with this Idempotency-Key is still running; ask again in a second", code="idempotency_in_progress")


def _cut_off(begun: datetime) -> Conflict:
    return Conflict(
        f"the first request with this Idempotency-Key ({begun:%Y-%m-%d %H:%M:%S} UTC) was cut off before its answer was kept; "
        "see whether it took effect, and use a new key to do it again",
        code="idempotency_outcome_unknown",
    )
