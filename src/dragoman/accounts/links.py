"""Links to files of ours: a token that names one file of one organisation until a time, and that nobody can make but us.

A link needs no row of its own. `purpose` tells the kinds of files apart: a token of one opens nothing of another.
"""

import base64
import hmac
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from dragoman.accounts.secrets import Vault
from dragoman.clock import Clock


class Linked(NamedTuple):
    organisation_id: UUID
    file_id: UUID


def make(vault: Vault, purpose: str, file: Linked, until: datetime) -> str:
    """The token, fit for an address. `until` counts in whole seconds."""
    claim = file.organisation_id.bytes + file.file_id.bytes + int(until.timestamp()).to_bytes(8, "big")
    return base64.urlsafe_b64encode(claim + _tag(vault, purpose, claim)).decode().rstrip("=")


def read(vault: Vault, clock: Clock, purpose: str, token: str) -> Linked | None:
    """The file that a token names; None when the token is forged, of another purpose, or expired."""
    return _opened(vault, purpose, token, clock.now())


def named(vault: Vault, purpose: str, token: str) -> Linked | None:
    """The file that a token names or has named; None when the token is forged or of another purpose."""
    return _opened(vault, purpose, token, None)


def _opened(vault: Vault, purpose: str, token: str, now: datetime | None) -> Linked | None:
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    claim, tag = raw[:40], raw[40:]
    if len(claim) != 40 or not hmac.compare_digest(tag, _tag(vault, purpose, claim)):
        return None
    if now is not None and datetime.fromtimestamp(int.from_bytes(claim[32:], "big"), UTC) < now:
        return None
    return Linked(UUID(bytes=claim[:16]), UUID(bytes=claim[16:32]))


def _tag(vault: Vault, purpose: str, claim: bytes) -> bytes:
    return vault.derive(purpose, claim.hex())
