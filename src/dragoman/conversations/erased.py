"""What is still known of people who were erased: keyed hashes, by which they stay erased and a STOP stays a STOP."""

from uuid import UUID

from dragoman.accounts.secrets import Vault


def reference(vault: Vault, organisation_id: UUID, kind: str, value: str) -> UUID:
    """The first half of a keyed hash, which is a whole one's worth of not being guessed. Another organisation's is another."""
    return UUID(bytes=vault.hash(f"{organisation_id} {kind} {value}", "erased")[:16])


def name(vault: Vault, organisation_id: UUID, value: str) -> UUID:
    """Of a phone number in digits, or of a user id."""
    return reference(vault, organisation_id, "name", value)
