"""An API key opens its organisation, and only as long as it should."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.accounts import keys
from dragoman.conversations.journal import Journal
from dragoman.errors import Invalid, NotFound, RateLimited, Unauthorized

FORM = r"wak_live_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}"


@pytest.fixture
def ask(database, vault, clock):
    async def ask(key, limit=100):
        return await keys.authenticate(database, vault, clock, key, limit)

    return ask


@pytest.fixture
async def key(database, vault, clock, lumen):
    return await keys.create(database, vault, clock, lumen, "Till")


async def test_a_key_says_who_is_asking(ask, key, lumen):
    row, text = key
    caller = await ask(text)
    assert (caller.organisation_id, caller.name) == (lumen, row.prefix)


async def test_a_key_can_be_recognised_by_its_form(key):
    row, text = key
    assert re.fullmatch(FORM, text)
    assert text.startswith(row.prefix + "_")


async def test_the_key_itself_is_nowhere_in_the_database(database, key):
    row, text = key
    stored = await database.fetch_one("select to_jsonb(k)::text as all from api_keys k")
    assert row.prefix in stored["all"]
    assert text.removeprefix(row.prefix) not in stored["all"]
    for part in (text, text.split("_")[3]):
        assert part not in stored["all"]
        assert part.encode().hex() not in stored["all"], "bytes are shown as hexadecimal digits"


async def test_a_mistyped_key_is_refused_without_asking_the_database(vault, clock, key):
    _, text = key
    swapped = text[:20] + ("A" if text[20] != "A" else "B") + text[21:]
    with pytest.raises(Unauthorized):
        await keys.authenticate(None, vault, clock, swapped, 100)


@given(st.text())
def test_no_text_breaks_the_check_of_a_key(text):
    assert keys._undamaged(text) is False


async def test_a_well_formed_key_that_nobody_has_is_refused(ask, key):
    _, unknown = keys._fresh()
    with pytest.raises(Unauthorized):
        await ask(unknown)


async def test_a_revoked_key_opens_nothing(ask, database, clock, key, lumen):
    row, text = key
    revoked = await keys.revoke(database, clock, lumen, row.prefix)
    again = await keys.revoke(database, clock, lumen, row.prefix)

    assert revoked.revoked_at == again.revoked_at is not None
    with pytest.raises(Unauthorized):
        await ask(text)


async def test_a_key_of_another_organisation_cannot_be_revoked(ask, database, clock, key, rival):
    row, text = key
    with pytest.raises(NotFound):
        await keys.revoke(database, clock, rival, row.prefix)
    assert await ask(text)


async def test_a_key_expires(ask, database, vault, clock, lumen):
    _, text = await keys.create(database, vault, clock, lumen, "Till", clock.now() + timedelta(hours=1))
    assert await ask(text)
    clock.advance(timedelta(hours=1))
    with pytest.raises(Unauthorized):
        await ask(text)


async def test_a_key_that_has_expired_already_is_not_made(database, vault, clock, lumen):
    with pytest.raises(Invalid, match="in the past"):
        await keys.create(database, vault, clock, lumen, "Till", clock.now() - timedelta(seconds=1))


@pytest.mark.parametrize("name", ["", "  ", "x" * 256])
async def test_a_key_needs_a_name(database, vault, clock, lumen, name):
    with pytest.raises(Invalid):
        await keys.create(database, vault, clock, lumen, name)


async def test_after_the_limit_a_key_waits_for_the_next_minute(ask, clock, key):
    _, text = key
    clock.advance(timedelta(seconds=60 - clock.now().second))  # a whole minute ahead
    for _ in range(3):
        await ask(text, limit=3)
    with pytest.raises(RateLimited) as limited:
        await ask(text, limit=3)

    assert 0 < limited.value.retry_after <= 60
    clock.advance(timedelta(seconds=limited.value.retry_after))
    assert await ask(text, limit=3)


async def test_keys_are_limited_each_on_its_own(ask, database, vault, clock, key, lumen):
    _, first = key
    _, second = await keys.create(database, vault, clock, lumen, "Oven")
    await ask(first, limit=1)
    assert await ask(second, limit=1)


async def test_last_use_is_noted_once_a_minute(ask, database, clock, key, lumen):
    _, text = key

    async def last_used():
        return (await keys.listing(database, lumen))[0].last_used_at

    assert await last_used() is None
    await ask(text)
    first = await last_used()
    clock.advance(timedelta(seconds=30))
    await ask(text)
    assert await last_used() == first
    clock.advance(timedelta(seconds=31))
    await ask(text)
    assert await last_used() > first


async def test_old_counters_are_forgotten(ask, database, clock, key):
    await ask(key[1])
    clock.advance(timedelta(hours=1))
    await Journal(database, clock).tidy()
    assert await database.fetch("select scope from rate_windows") == []
