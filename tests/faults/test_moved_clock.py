"""F-32: the clock jumps while turns, follow-ups, windows and leases are under way. It is set behind everybody's back: nothing is told."""

from datetime import timedelta

import pytest
from cast import until
from meta import rested
from native import hire
from test_native_wake_ups import RULE, plan, wakeups
from test_workers import pondering
from till import acts, in_state, taken, written

HOUR = timedelta(hours=1)


def jumps(lumen, by):
    """The machine's clock is set; nobody is told, as by NTP."""
    lumen.services.clock.offset += by


@pytest.mark.parametrize("by", [HOUR, -HOUR, timedelta(hours=20)], ids=["an hour on", "an hour back", "twenty hours on"])
@pytest.mark.parametrize("overrides", [{"lease_seconds": 3}])
async def test_a_turn_that_is_under_way_ends_as_if_nothing_had_happened(lumen, echo, dana, zoe, by):
    """Leases are on the database's clock and on the monotonic one: nobody else takes the conversation, the answer is said once."""
    thought = pondering(echo, "At last")
    await dana.says("Hello")
    await echo.delivered()
    [before] = await lumen.rows("select lease_until from conversations")
    jumps(lumen, by)
    await until(lambda: renewed(lumen, before), "the lease is renewed")
    thought.set()
    assert await dana.hears_text() == ["At last"]
    await zoe.says("And me?")
    assert await zoe.hears_text() == ["You said: And me?"]
    await dana.says("Thank you")
    assert (await dana.hears_text(2))[1] == "You said: Thank you"
    await rested(lumen)
    assert len(echo.deliveries) == len(await lumen.ledger()) == 3


async def renewed(lumen, before):
    [row] = await lumen.rows("select lease_until from conversations")
    return row["lease_until"] is not None and row["lease_until"] > before["lease_until"]


async def test_after_two_days_in_one_jump_nothing_free_is_said_and_all_that_was_said_has_its_end(lumen, echo, dana):
    thought = pondering(echo, "At last")
    await dana.says("Hello")
    await echo.delivered()
    jumps(lumen, timedelta(days=2))
    thought.set()
    row = await in_state(lumen, "At last", "expired_window")
    assert row["attempts"] == 0
    assert await lumen.ledger() == []
    await dana.says("Are you still there?")
    assert await dana.hears_text() == ["You said: Are you still there?"]
    await rested(lumen)


async def test_a_retry_is_made_once_whether_the_clock_goes_on_or_back(lumen, echo, dana):
    echo.script = [500]
    await dana.says("Hello")
    await echo.delivered()
    await until(lambda: lumen.rows("select 1 from deliveries where retry_at is not null"), "it is to be tried again")
    jumps(lumen, -HOUR)
    jumps(lumen, HOUR)
    jumps(lumen, HOUR)
    assert await dana.hears_text() == ["You said: Hello"]
    jumps(lumen, -HOUR)
    await rested(lumen)
    assert len(echo.deliveries) == 2
    assert await taken(lumen) == ["You said: Hello"]


async def test_a_follow_up_comes_once_however_the_clock_jumps(lumen, model, dana):
    await hire(lumen, model, wakeUpConfigs=[RULE])
    model.script = [plan(in_minutes=90), "Fine.", "Do you still want the bread?"]
    await dana.says("Can I decide later?")
    await dana.hears(1)
    jumps(lumen, HOUR)
    jumps(lumen, -2 * HOUR)
    await wakeups(lumen, "pending")
    jumps(lumen, 3 * HOUR)
    assert (await dana.hears_text(2))[1] == "Do you still want the bread?"
    await wakeups(lumen, "said")
    jumps(lumen, -2 * HOUR)  # it is before the time once more
    jumps(lumen, 2 * HOUR)
    await dana.says("Yes, please?")
    await dana.hears(3)
    assert len(await lumen.rows("select id from wakeups")) == 1
    assert len(await lumen.rows("select id from turns where wakeup_id is not null")) == 1


async def test_a_take_over_for_a_time_ends_once_and_not_before_it(lumen, echo, dana):
    await dana.says("one")
    await dana.hears()
    await rested(lumen)
    await acts(lumen, "takeover", durationMinutes=30)
    jumps(lumen, -HOUR)
    assert (await lumen.conversation())["owner"]["kind"] == "person"
    jumps(lumen, HOUR + timedelta(minutes=31))

    async def back():
        return (await lumen.conversation())["owner"]["kind"] == "agent"

    await until(back, "the agent is back")
    jumps(lumen, -HOUR)
    await dana.says("two")
    assert (await dana.hears_text(2))[1] == "You said: two"
    assert [row["owner"] for row in await lumen.rows("select owner from transfers order by at")] == ["person", "agent"]
    assert len(await written(lumen)) == 2
