"""What is sealed, hashed and locked, without seal, hash and lock."""

from tests.accounts import test_keys as of_keys
from tests.accounts import test_secrets as of_secrets
from tests.accounts.conftest import lumen, vault
from tests.accounts.test_keys import key
from tests.project import test_house as house
from tests.security.switched import fails

from dragoman.accounts import keys, members
from dragoman.accounts.secrets import Vault

PASSWORD = "a long password of Maya's"


async def test_without_its_place_a_sealed_value_opens_anywhere(monkeypatch):
    monkeypatch.setattr("dragoman.accounts.secrets._packed", lambda parts: b"")
    await fails(of_secrets.test_a_value_moved_to_another_row_does_not_open, ("another row",), because="DID NOT RAISE Unopenable")


async def test_a_key_that_is_not_hashed_is_in_the_database(monkeypatch, database, vault, clock, lumen):
    monkeypatch.setattr(Vault, "hash", lambda self, value, purpose: value.encode())
    await fails(
        of_keys.test_the_key_itself_is_nowhere_in_the_database,
        database,
        await keys.create(database, vault, clock, lumen, "Till"),
        because="hexadecimal",
    )


async def test_a_short_key_that_is_taken_is_seen(monkeypatch, tmp_path):
    monkeypatch.setattr("dragoman.accounts.secrets.SHORTEST_KEY", 0)
    await fails(of_secrets.test_a_short_key_is_refused, tmp_path, {"secret_key": "short"}, because="DID NOT RAISE SettingsError")


async def stored(database, clock, lumen):
    await members.put(database, clock, lumen, "maya@lumen.example", "Maya", PASSWORD)
    return (await database.fetch_one("select password_hash from members"))["password_hash"]


def well_hashed(text):
    """argon2id, 19 MiB, two passes: what OWASP's Password Storage Cheat Sheet recommends."""
    return text.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and PASSWORD not in text


async def test_a_password_is_hashed_so_that_guessing_is_dear(database, clock, lumen):
    first = await stored(database, clock, lumen)
    assert well_hashed(first)
    assert first != await stored(database, clock, lumen), "each with a salt of its own"


async def test_a_password_that_is_not_hashed_is_seen(monkeypatch, database, clock, lumen):
    monkeypatch.setattr(members, "_hashed", lambda password: password)
    assert not well_hashed(await stored(database, clock, lumen))


async def test_a_lock_without_hashes_is_seen(monkeypatch, tmp_path):
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-audit.lock"):
        (tmp_path / name).write_text("aiohttp==3.14.5\n")
    monkeypatch.setattr(house, "ROOT", tmp_path)
    await fails(house.test_locks_pin_and_hash_every_package, because="aiohttp")
