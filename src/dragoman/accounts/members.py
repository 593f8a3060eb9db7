"""Members: people of an organisation who log in with an e-mail address and a password."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from dragoman.accounts import queries, tokens
from dragoman.accounts.keys import expect_few
from dragoman.accounts.secrets import Vault
from dragoman.accounts.tokens import Token
from dragoman.clock import Clock
from dragoman.errors import Conflict, Invalid, NotFound, Unauthorized
from dragoman.ids import new_id
from dragoman.store.database import Database

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 1024
LOGIN_LASTS = timedelta(hours=12)
TRIES_PER_MINUTE = 10
# For e-mails that nobody has: the answer must take as long.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$MTIzNDU2Nzg5MDEyMzQ1Ng$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@dataclass(frozen=True, slots=True)
class Member:
    organisation_id: UUID
    id: UUID
    email: str
    name: str
    permissions: list[str] | None
    created_at: datetime


async def put(
    db: Database, clock: Clock, organisation_id: UUID, email: str, name: str, password: str, permissions: Sequence[str] | None = None
) -> Member:
    """Add a member, or give a known one a new password, which ends the logins so far. Raises Invalid, Conflict."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Invalid(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters", field="password")
    values = {
        "organisation_id": organisation_id,
        "id": new_id(),
        "email": _email(email),
        "name": name.strip()[:255],
        "password_hash": await asyncio.to_thread(_hashed, password),
        "permissions": list(permissions) if permissions is not None else None,
        "now": clock.now(),
    }
    row = await db.fetch_one(queries.PUT_MEMBER, values)
    if row is None:
        raise Conflict("this e-mail address belongs to a member of another organisation")
    return Member(**row)


async def listing(db: Database, organisation_id: UUID) -> list[Member]:
    return [Member(**row) for row in await db.fetch(queries.MEMBERS, {"organisation_id": organisation_id})]


async def remove(db: Database, organisation_id: UUID, email: str) -> None:
    """What the member had logged in with opens nothing any more."""
    if await db.fetch_one(queries.REMOVE_MEMBER, {"organisation_id": organisation_id, "email": _email(email)}) is None:
        raise NotFound(f"there is no member {email}")


async def log_in(db: Database, vault: Vault, clock: Clock, email: str, password: str) -> Token:
    """A token of `LOGIN_LASTS`. Raises Unauthorized, and RateLimited after `TRIES_PER_MINUTE` tries for one address."""
    email = email.strip().lower()[:320]
    await expect_few(db, clock, f"login:{vault.hash(email, 'login').hex()}", TRIES_PER_MINUTE)
    row = await db.fetch_one(queries.LOGIN, {"email": email})
    right = await asyncio.to_thread(_fits, password[:LONGEST_PASSWORD], row["password_hash"] if row else _NOBODY)
    if row is None or not right:
        raise Unauthorized("this e-mail address and password do not belong together")
    return tokens.create(vault, clock, row["organisation_id"], row["email"], LOGIN_LASTS, member_id=row["id"])


def _email(email: str) -> str:
    kept = email.strip().lower()
    if not 3 <= len(kept) <= 320 or kept.count("@") != 1 or kept.startswith("@") or kept.endswith("@") or not kept.isprintable():
        raise Invalid(f"{email!r} is not an e-mail address", field="email")
    return kept


def _hashed(password: str) -> str:
    # 19 MiB, two passes, one lane: a setting that OWASP's Password Storage Cheat Sheet recommends.
    return Argon2id(salt=os.urandom(16), length=32, iterations=2, lanes=1, memory_cost=19 * 1024).derive_phc_encoded(password.encode())


def _fits(password: str, known: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password.encode(), known)
    except (InvalidKey, ValueError):
        return False
    return True
