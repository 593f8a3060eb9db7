"""When a campaign sends, how it is stopped, and that it leaves threads in the hands they are in."""

import asyncio
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from campaigning import Campaigns
from cast import Phone, until

DELHI = "Asia/Kolkata"


@pytest.fixture
async def campaigns(lumen, model):
    return await Campaigns.of(lumen, model)


@pytest.fixture
async def carol(lumen):
    return await Phone.of(lumen, name="Carol", phone="+15550007891")


async def looked(lumen, times=2):
    """The campaigns' jobs have looked at what is to do, so many times more."""

    async def rounds():
        rows = await lumen.rows("select coalesce(sum(round), 0) as n from campaign_senders")
        return rows[0]["n"]

    before = await rounds()

    async def done():
        return await rounds() >= before + times

    await until(done, "the campaign is looked at")


def there(clock, **later):
    return clock.now().astimezone(ZoneInfo(DELHI)) + timedelta(**later)


async def test_a_campaign_waits_for_its_hours_on_the_clock_of_its_place(campaigns, lumen, clock, dana):
    await campaigns.name(dana)
    hours = {"start_hour": there(clock, hours=3).hour, "end_hour": there(clock, hours=4).hour, "time_zone": DELHI}
    rye = await campaigns.create([dana], settings=hours)
    await looked(lumen)
    assert (await campaigns.read(rye))["status"] == "scheduled"
    assert await dana.heard() == []
    await lumen.skip(hours=3)
    await dana.hears(1)
    await campaigns.completed(rye)


async def test_a_campaign_waits_for_its_day_and_for_its_beginning(campaigns, lumen, clock, dana, carol):
    await campaigns.name(dana)
    await campaigns.name(carol)
    await campaigns.create([dana], settings={"execution_days": [f"{there(clock, hours=24):%A}"], "time_zone": DELHI})
    tomorrow = datetime.fromisoformat(f"{there(clock, hours=20):%Y-%m-%dT%H:%M:%S}")
    await campaigns.create([carol], start_at=tomorrow.isoformat(), settings={"time_zone": DELHI})
    await looked(lumen, 4)
    assert (await dana.heard(), await carol.heard()) == ([], [])
    await lumen.skip(hours=21)
    await carol.hears(1)
    await lumen.skip(hours=3)
    await dana.hears(1)


async def test_a_delay_is_kept_between_two_sends_of_one_number(campaigns, lumen, dana, carol):
    await campaigns.name(dana)
    await campaigns.name(carol)
    rye = await campaigns.create([dana, carol], settings={"delay": 600})
    await dana.hears(1)
    await looked(lumen)
    assert await carol.heard() == []
    await lumen.skip(minutes=10)
    await carol.hears(1)
    await campaigns.completed(rye)


async def test_pause_resume_and_cancel(campaigns, lumen, dana, carol):
    await campaigns.name(dana)
    await campaigns.name(carol)
    rye = await campaigns.create([dana, carol], status="paused")
    assert (await campaigns.read(rye))["status"] == "paused"
    assert (await campaigns.act(rye, "resume"))["status"] == "running"
    await campaigns.completed(rye)
    await campaigns.act(rye, "pause", expect=(409,))

    slow = await campaigns.create([dana, carol], settings={"delay": 3600})
    await campaigns.counts(slow, sent=1)
    assert (await campaigns.act(slow, "pause"))["status"] == "paused"
    await lumen.skip(hours=2)
    assert (await campaigns.counts(slow, pending=1))["sent"] == 1
    await campaigns.act(slow, "resume")
    await campaigns.completed(slow)

    last = await campaigns.create([dana, carol], settings={"delay": 3600})
    await campaigns.counts(last, sent=1)
    assert (await campaigns.act(last, "cancel"))["status"] == "cancelled"
    assert (await campaigns.counts(last, cancelled=1))["pending"] == 0
    await campaigns.act(last, "resume", expect=(409,))
    await lumen.skip(hours=2)
    assert len(await carol.hears(2)) == 2
    listed = (await campaigns.second.call("GET", "/_campaigns"))["data"]
    assert [one["status"] for one in listed] == ["cancelled", "completed", "completed"]
    await campaigns.second.call("DELETE", f"/campaigns/{last}")
    await campaigns.second.call("GET", f"/_campaigns/{last}", expect=(404,))


async def test_a_number_that_is_paused_waits(campaigns, lumen, dana):
    await campaigns.name(dana)
    await lumen.services.db.execute("update numbers set paused_reason = 'broken', paused_until = now() + interval '1 day'")
    rye = await campaigns.create([dana])
    await looked(lumen)
    await campaigns.counts(rye, pending=1, queued=0)
    await lumen.skip(hours=25)  # the campaign's own message finds out that the number works again
    await dana.hears(1)
    assert await lumen.rows("select 1 from numbers where paused_reason is not null") == []


async def test_cancelling_takes_back_what_waits_in_the_outbox(campaigns, lumen, dana, carol):
    await campaigns.name(dana)
    await campaigns.name(carol)
    await lumen.fault(on="send", action="error", code=130429)
    rye = await campaigns.create([dana, carol], settings={"delay": 3600})
    await until(lambda: lumen.rows("select 1 from messages where state = 'queued' and not_before is not null"), "the send is put off")
    await campaigns.counts(rye, queued=1, pending=1)
    await campaigns.act(rye, "cancel")
    await lumen.control("DELETE", "/faults")
    await lumen.skip(hours=2)
    await campaigns.counts(rye, cancelled=2, queued=0)
    await until(lambda: all_is_done(lumen), "nothing is due any more")
    assert (await dana.heard(), await carol.heard()) == ([], [])


async def all_is_done(lumen):
    return not await lumen.rows("select 1 from conversations where due_at is not null")


async def test_a_person_keeps_the_thread_and_the_assistant_stands_behind(campaigns, lumen, echo, dana):
    await dana.says("Hello?")
    await dana.hears(1)
    conversation = await lumen.conversation()
    await lumen.post(f"/conversations/{conversation['id']}/takeover/", None)
    rye = await campaigns.create([dana])
    await dana.hears(2)
    await campaigns.completed(rye)
    [row] = await lumen.rows("select c.owner, a.number from conversations c join agents a on a.id = c.agent_id")
    assert (row["owner"], str(row["number"])) == ("person", campaigns.assistant_id)
    await lumen.post(f"/conversations/{conversation['id']}/handback/", None)
    await dana.says("Is it warm?")
    assert len(echo.deliveries) == 1
    await dana.hears(3)


async def test_a_question_that_another_agent_thinks_about_is_answered_by_the_campaigns_assistant(campaigns, model, echo, dana):
    done = asyncio.Event()

    async def slowly(delivery):
        await done.wait()
        return {"content": "too late"}

    echo.answer = slowly
    model.answer = "Yes, until six."
    await dana.says("Are you open?")
    await echo.delivered(1)
    rye = await campaigns.create([dana])
    assert await dana.hears_text(1) == ["Hello Dana, rye is fresh today."]  # Echo still thinks
    done.set()
    assert (await dana.hears_text(2))[1] == "Yes, until six."
    await campaigns.completed(rye)
    await dana.says("Thanks")
    assert "too late" not in await dana.hears_text(3)
