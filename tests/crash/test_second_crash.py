"""A server that starts among much unfinished work, and dies of it again before it has come to an end: twice.

`make bench ONLY=recovering` measures the same with 100,000 open rows.
"""

import asyncio
from time import monotonic

import psycopg
from bench.opened import leave_open, still_open

PEOPLE = 40  # five open rows in each one's conversation


async def test_a_second_and_a_third_crash_among_open_rows_lose_nothing_and_double_nothing(stage, capsys):
    async with stage.place() as here:
        with psycopg.connect(here.database.uri, autocommit=True) as connection:
            await _died_among_open_rows(here, connection)
            lefts, ready = [await asyncio.to_thread(leave_open, connection)], []
            for _ in range(2):
                here.server.bear()
                await _some_of_it_is_done(connection, lefts[-1])
                await here.server.kill()
                lefts.append(await asyncio.to_thread(still_open, connection))
            begun = monotonic()
            assert await here.server.start()
            ready = monotonic() - begun
            await here.settled()
            violations = await here.violations()
            unknown = await here.rows("select 1 from messages where state = 'unknown' and cause is not null")
            said = await here.rows("select 1 from messages where direction = 'out' and state in ('sent', 'delivered', 'read')")
    with capsys.disabled():
        print(f"\nopen rows {lefts}, ready {ready:.2f} s after the third start, {len(unknown)} shown as unknown")  # noqa: T201
    assert violations == []
    assert lefts == sorted(lefts, reverse=True)
    assert lefts[0] == 5 * PEOPLE
    assert lefts[2] > PEOPLE, "it was killed too late to be among much"
    # What was being sent when one of the three died, and nothing else; every answer is one more message.
    assert len(unknown) >= PEOPLE / 2
    assert len(said) + len(unknown) == 5 * PEOPLE


async def _died_among_open_rows(here, connection):
    """Everybody has written once, the agent has the number, and the server is dead."""
    await here.server.start()
    people = [await here.person(f"Customer {n}", f"+1556{n:07}") for n in range(PEOPLE)]
    await asyncio.gather(*(one.says("Hello") for one in people))
    await here.until(lambda: _all_wrote(here), "all have written")
    await here.lumen.connect(here.agent, here.agent.url)
    await here.server.kill()


async def _all_wrote(here):
    return len(await here.rows("select 1 from messages")) == PEOPLE


async def _some_of_it_is_done(connection, before):
    async with asyncio.timeout(30):
        while await asyncio.to_thread(still_open, connection) > before - PEOPLE // 4:
            await asyncio.sleep(0.005)
