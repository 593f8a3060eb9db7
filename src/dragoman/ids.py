"""Identifiers: UUID version 7, so that new rows land beside each other in an index and sort by age."""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()


def oldest_id(at: datetime) -> UUID:
    """No id that was made at `at` or later, by the true time, sorts before this one."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
