"""Who is asking, and what he may do. A permission is `resource:verb`, such as `actions:read`."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from dragoman.errors import Forbidden, Invalid

RESOURCES = (
    "actions",
    "api_keys",
    "assistants",
    "campaigns",
    "conversations",
    "customers",
    "integrations",
    "knowledge_base",
    "phone_numbers",
    "token_activity",
)
# Known because keys of the other service have them; nothing here asks for them.
KEPT = ("calls:read", "calls:write", "email:send", "sms:send", "whatsapp:send")
PERMISSIONS = frozenset(f"{resource}:{verb}" for resource in RESOURCES for verb in ("read", "write")) | frozenset(KEPT)


@dataclass(frozen=True, slots=True)
class Caller:
    """The organisation whose rows may be touched. `name` is the key's prefix, or whom a token names; `permissions` None is everything."""

    organisation_id: UUID
    name: str
    permissions: frozenset[str] | None = None

    def expect(self, permission: str) -> None:
        """Raises Forbidden unless this may be done. Who may write may read."""
        if self.permissions is None or permission in self.permissions or permission.replace(":read", ":write") in self.permissions:
            return
        raise Forbidden(f"this needs the permission {permission}, which you do not have", code="permission_missing")


def checked(wanted: Collection[str] | None, giver: Caller | None = None) -> list[str] | None:
    """Permissions as they are stored. Nobody gives more than he has. Raises Invalid, Forbidden."""
    if wanted is None:
        return sorted(giver.permissions) if giver and giver.permissions is not None else None
    if not wanted:
        raise Invalid("permissions is empty, so the key could do nothing; leave it out for everything", field="permissions")
    if unknown := sorted(set(wanted) - PERMISSIONS):
        raise Invalid(f"permissions: {unknown[0]} is not known; there are {', '.join(sorted(PERMISSIONS))}", field="permissions")
    if giver is not None:
        for permission in wanted:
            giver.expect(permission)
    return sorted(set(wanted))
