"""Identifiers: UUID version 7, so that new rows land beside each other in an index and sort by age."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()
