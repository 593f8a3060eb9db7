"""F-08, F-09: the disk of the embedded PostgreSQL is full, or fails. Nothing is taken that cannot be kept, and a well disk is all it needs."""

import psycopg
import pytest
from cast import Phone, until
from meta import counted
from tests.faults.disks import small_disk, thin_disk
from tests.faults.own_disk import bakery, deliveries, everything_is_answered, fill_the_log, gone, stored

GUESTS = 6
LONG = "x" * 3000
REFUSED = 'dragoman_webhooks_refused_total{reason="not_durable"}'

pytestmark = pytest.mark.machines


async def writes_until(condition, guests, said, what):
    """Every guest writes, long letters, until `condition()`."""

    async def more():
        for guest in guests:
            said[await guest.says(f"{len(said)} {LONG}")] = guest
        return await condition()

    return await until(more, what)


async def test_on_a_full_disk_nothing_is_taken_that_cannot_be_kept_and_with_room_all_goes_on(server, session, tmp_path):
    with small_disk(220) as disk:
        async with bakery(disk, session, tmp_path) as (lumen, _, outside, uri):
            guests = [await Phone.of(lumen, name=f"Guest {n}") for n in range(GUESTS)]
            said = {await guest.says("Hello"): guest for guest in guests}
            for guest in guests:
                assert await guest.hears_text() == ["You said: Hello"]
            disk.fill()

            async def nothing_goes():
                return len(await deliveries(lumen, 503)) > 3 * GUESTS

            await writes_until(nothing_goes, guests, said, "the door refuses")
            assert await counted(lumen, REFUSED) > 3 * GUESTS
            bodies = [delivery["body"] for delivery in await deliveries(lumen, 200)]
            assert {wamid for wamid in said if any(wamid in body for body in bodies)} <= await stored(uri)  # 200 only for what is on disk
            assert (await lumen.get("/conversations/"))["count"] == GUESTS  # what is there can be read
            assert len(await lumen.messages("Guest 0")) >= 2
            disk.make_room()
            await everything_is_answered(lumen, outside, uri, said)


async def test_when_the_full_disk_ends_postgresql_itself_it_comes_back_with_the_room(server, session, tmp_path):
    with small_disk(220) as disk:
        async with bakery(disk, session, tmp_path) as (lumen, agent, outside, uri):
            guests = [await Phone.of(lumen, name=f"Guest {n}") for n in range(GUESTS)]
            said = {await guest.says("Hello"): guest for guest in guests}
            await agent.delivered(GUESTS)
            disk.fill()
            with pytest.raises(psycopg.OperationalError):
                await fill_the_log(uri)
            for n in range(2 * GUESTS):
                said[await guests[n % GUESTS].says(f"Are you there? {n}")] = guests[n % GUESTS]
            await until(lambda: deliveries(lumen, 503), "the door refuses")
            await until(lambda: gone(uri), "PostgreSQL has given up")
            disk.make_room()
            await everything_is_answered(lumen, outside, uri, said)


async def test_when_the_disk_fails_under_postgresql_what_was_taken_is_there_when_it_is_well_again(server, session, tmp_path):
    """Writes seem to succeed and their flush fails: the worst that a disk can do short of lying."""
    with thin_disk(300, 120) as disk:
        async with bakery(disk, session, tmp_path) as (lumen, agent, outside, uri):
            guests = [await Phone.of(lumen, name=f"Guest {n}") for n in range(GUESTS)]
            said = {await guest.says("Hello"): guest for guest in guests}
            await agent.delivered(GUESTS)
            disk.fail()
            with pytest.raises(psycopg.Error):
                await fill_the_log(uri)
            for n in range(2 * GUESTS):
                said[await guests[n % GUESTS].says(f"Are you there? {n}")] = guests[n % GUESTS]
            await until(lambda: deliveries(lumen, 503), "the door refuses")
            await until(lambda: gone(uri), "PostgreSQL has given up")
            async with session.get(f"{lumen.url}/readyz") as answer:
                assert answer.status == 503
            disk.mend()
            await everything_is_answered(lumen, outside, uri, said)
