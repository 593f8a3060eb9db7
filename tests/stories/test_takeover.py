"""A person takes the thread: the agent falls silent at once, and comes back only for what is said after that."""

import asyncio

import pytest
from cast import Phone, until
from till import acts, in_state, sends, taken, the, time_passes, told, written

from dragoman.conversations import ownership

HELLO = "You said: Hello"
CHANGED = "the thread changed hands while the agent was thinking"


def asked(echo):
    return [delivery["message"] for delivery in echo.deliveries]


def pondering(echo):
    """Echo thinks until the event that this returns is set."""
    thought = asyncio.Event()
    echo.script.append(lambda delivery: when(thought, {"content": f"You said: {delivery['message']}"}))
    return thought


async def when(thought, answer):
    await thought.wait()
    return answer


async def owner(lumen, kind):
    async def look():
        conversation = await lumen.conversation()
        return conversation if conversation["owner"]["kind"] == kind else None

    return await until(look, f"the thread is with {kind}")


async def test_the_agent_is_asked_again_only_about_what_comes_after_the_handback(lumen, echo, dana):
    await dana.says("one")
    await dana.hears()
    taken_over = await acts(lumen, "takeover")
    assert (taken_over["isHumanTakeover"], taken_over["owner"]) == (True, {"kind": "person", "epoch": 1, "until": None})
    await dana.says("two")
    await sends(lumen, "Lou here. Two what?")
    await dana.says("Two croissants")
    await until(lambda: heard_from_dana(lumen, 3), "all is stored")
    handed_back = await acts(lumen, "handback")
    assert (handed_back["isHumanTakeover"], handed_back["owner"]) == (False, {"kind": "agent", "epoch": 2, "until": None})
    await dana.says("three")
    assert await dana.hears_text(3) == ["You said: one", "Lou here. Two what?", "You said: three"]
    assert asked(echo) == ["one", "three"]
    assert [summary for summary, _ in await told(lumen, "owner_changed")] == [
        "A person took over; Echo is paused.",
        "Echo answers from here on.",
    ]


async def heard_from_dana(lumen, count):
    return len(await lumen.rows("select id from messages where direction = 'in'")) == count


async def test_a_take_over_for_some_minutes_ends_by_the_clock(lumen, echo, dana):
    await dana.says("one")
    await dana.hears()
    conversation = await acts(lumen, "takeover", durationMinutes=30)
    assert conversation["owner"]["until"] is not None
    await dana.says("two")
    await lumen.skip(minutes=29)
    assert (await lumen.conversation())["owner"]["kind"] == "person"
    await lumen.skip(minutes=2)
    conversation = await owner(lumen, "agent")
    assert (conversation["owner"]["until"], conversation["isHumanTakeover"]) == (None, False)
    await dana.says("three")
    assert await dana.hears_text(2) == ["You said: one", "You said: three"]
    assert asked(echo) == ["one", "three"]


async def test_a_longer_take_over_replaces_a_shorter_one(lumen, echo, dana):
    await dana.says("one")
    await dana.hears()
    await acts(lumen, "takeover", durationMinutes=30)
    await acts(lumen, "takeover")
    await lumen.skip(hours=12)
    await dana.says("two")
    await until(lambda: heard_from_dana(lumen, 2), "it is stored")
    assert (await lumen.conversation())["owner"]["kind"] == "person"
    assert asked(echo) == ["one"]


async def test_a_handback_without_a_take_over_disturbs_nothing(lumen, echo, dana):
    thought = pondering(echo)
    await dana.says("Hello")
    await echo.delivered()
    conversation = await acts(lumen, "handback")
    assert conversation["owner"]["epoch"] == 0
    thought.set()
    assert await dana.hears_text() == [HELLO]


async def test_a_reply_that_was_thought_of_before_the_take_over_is_discarded_and_says_so(lumen, echo, dana):
    thought = pondering(echo)
    await dana.says("Hello")
    await echo.delivered()
    await acts(lumen, "takeover")
    thought.set()
    row = await in_state(lumen, HELLO, "discarded")
    assert (row["cause"], row["attempts"], row["wamid"]) == (CHANGED, 0, None)
    assert (f"Echo wrote: “{HELLO}”, but it was not sent.", CHANGED) in await told(lumen, "message_written")
    assert ("Echo's turn was dropped; what it answers now is not sent.", "a person took the conversation over") in await told(
        lumen, "turn_closed"
    )
    [(called, _)] = await told(lumen, "agent_called")
    assert called.startswith("Echo's webhook answered in")
    assert [message["role"] for message in await lumen.messages()] == ["user"]  # what was never said is not in the transcript
    assert await lumen.ledger() == []


async def test_taking_over_and_handing_back_while_the_agent_thinks_does_not_bring_its_reply_back(lumen, echo, dana):
    thought = pondering(echo)
    await dana.says("Hello")
    await echo.delivered()
    await acts(lumen, "takeover")
    await acts(lumen, "handback")
    await dana.says("Still there?")
    thought.set()
    assert await dana.hears_text() == ["You said: Still there?"]
    assert (await the(lumen, HELLO))["state"] == "discarded"
    assert asked(echo) == ["Hello", "Still there?"]


async def test_an_agent_that_failed_is_not_asked_again_after_the_take_over(lumen, echo, dana):
    echo.script = [503]
    await dana.says("Hello")
    await until(lambda: lumen.rows("select id from deliveries"), "the failure is noted")
    await acts(lumen, "takeover")
    await lumen.skip(hours=1)
    await acts(lumen, "handback")
    await dana.says("And now?")
    assert await dana.hears_text() == ["You said: And now?"]
    assert asked(echo) == ["Hello", "And now?"]


async def test_a_callback_of_an_earlier_epoch_is_refused(lumen, echo, dana):
    echo.script = [204]
    await dana.says("Hello")
    [delivery] = await echo.delivered()
    await acts(lumen, "takeover")
    await acts(lumen, "handback")
    async with lumen.session.post(delivery["reply_callback"], json={"content": "Sorry for the wait"}) as answer:
        assert answer.status == 409
        assert (await answer.json())["code"] == "handed_off"
    assert await written(lumen) == []


async def test_queued_replies_of_the_agent_are_discarded_and_what_the_person_says_is_sent(lumen, echo, dana):
    await lumen.fault(on="send", action="delay", delay_seconds=600, times=1)
    echo.script = [[{"content": "one"}, {"content": "two"}, {"content": "three"}]]
    await dana.says("Hello")
    await until(lumen.ledger, "the first reply is on its way")
    await sends(lumen, "Your order is ready")  # by a program of Lumen's, before the take-over
    await acts(lumen, "takeover")
    await sends(lumen, "Lou here")
    for body in ("two", "three"):
        row = await the(lumen, body)
        assert (row["state"], row["cause"]) == ("discarded", "a person took the conversation over")
    await lumen.skip(minutes=10)
    assert await dana.hears_text(3) == ["one", "Your order is ready", "Lou here"]
    await in_state(lumen, "one", "delivered")
    assert ("Echo wrote: “two”, but it was not sent.", "a person took the conversation over") in await told(lumen, "message_written")


async def test_a_reply_that_was_refused_for_now_is_not_tried_again_after_the_take_over(lumen, echo, dana):
    await lumen.fault(on="send", action="error", code=131057, times=1)
    await dana.says("Hello")
    await in_state(lumen, HELLO, "queued")
    await acts(lumen, "takeover")
    await sends(lumen, "Lou here")
    await lumen.skip(minutes=5)
    assert await dana.hears_text() == ["Lou here"]
    assert (await the(lumen, HELLO))["state"] == "discarded"


async def test_a_reply_that_is_refused_during_the_take_over_is_not_tried_again(lumen, echo, dana):
    await lumen.fault(on="send", action="delay", code=131057, delay_seconds=600, times=1)
    await dana.says("Hello")
    await in_state(lumen, HELLO, "sending")
    await acts(lumen, "takeover")
    await sends(lumen, "Lou here")
    await lumen.skip(minutes=10)
    row = await in_state(lumen, HELLO, "discarded")
    assert row["cause"] == "the thread changed hands before this could be sent again"
    assert await dana.hears_text() == ["Lou here"]


async def test_a_reply_that_may_have_arrived_is_not_sent_once_more_after_the_take_over(lumen, echo, dana):
    await lumen.change_agent(echo, resend="resend_once")
    await lumen.fault(on="send", action="html_500", times=1)
    await dana.says("Hello")
    await in_state(lumen, HELLO, "unknown")
    await acts(lumen, "takeover")
    await sends(lumen, "Lou here")
    await lumen.skip(minutes=5)
    assert await dana.hears_text() == ["Lou here"]
    assert (await the(lumen, HELLO))["state"] == "unknown"


async def test_what_a_person_says_does_not_wait_for_an_agent_that_is_still_thinking(lumen, echo, dana):
    thought = pondering(echo)
    await dana.says("Hello")
    await echo.delivered()
    await acts(lumen, "takeover")
    await sends(lumen, "Lou here")
    assert await dana.hears_text() == ["Lou here"]
    assert echo.in_flight == 1
    thought.set()
    await in_state(lumen, HELLO, "discarded")


@pytest.mark.parametrize("answer", [204, 400, 503, "not {json"])
async def test_whatever_a_late_agent_says_the_thread_stays_with_the_person(lumen, echo, dana, answer):
    thought = asyncio.Event()
    echo.script = [lambda delivery: when(thought, answer)]
    await lumen.change_agent(echo, fallbackMessage="One moment please")
    await dana.says("Hello")
    await echo.delivered()
    await acts(lumen, "takeover")
    thought.set()
    await until(lambda: lumen.rows("select id from deliveries"), "the answer is noted")
    await lumen.skip(hours=1)
    assert (await lumen.conversation())["owner"]["kind"] == "person"
    [turn] = await lumen.rows("select state from turns")
    assert turn["state"] == "discarded"
    assert len(echo.deliveries) == 1
    assert await lumen.ledger() == []


async def test_at_the_same_moment_either_the_reply_or_the_person_wins_and_never_both(lumen, echo):
    """The agent answers and a person takes over, many times at once: a reply is in the ledger or discarded."""
    guests = [await Phone.of(lumen, name=f"Guest {n}") for n in range(20)]
    thought = asyncio.Event()
    echo.answer = lambda delivery: when(thought, {"content": f"You said: {delivery['message']}"})
    for n, guest in enumerate(guests):
        await guest.says(f"Hello {n}")
    await echo.delivered(20)
    thought.set()
    await asyncio.gather(*(acts(lumen, "takeover", f"Guest {n}") for n in range(20)))
    await time_passes(lumen, lambda: ended(lumen, 20), "every reply has come to its end")
    rows = await written(lumen)
    assert sorted(await taken(lumen)) == sorted(row["body"] for row in rows if row["state"] != "discarded")
    assert {row["state"] for row in rows} <= {"discarded", "delivered"}


async def ended(lumen, count):
    return len(await written(lumen, "state in ('delivered', 'discarded')")) == count


CHANGES = {
    "a person takes over": lambda lumen, row: ownership.take_over(lumen.services, row["organisation_id"], row["id"]),
    "the phone speaks": lambda lumen, row: ownership.phone_spoke(lumen.services, row["organisation_id"], row["id"]),
    "the number is disconnected": lambda lumen, row: ownership.route_number(lumen.services, row["organisation_id"], row["number_id"], None),
    "the agent is deleted": lambda lumen, row: ownership.retire_agent(lumen.services, row["organisation_id"], row["agent_id"]),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_what_is_queued_while_a_change_of_hands_waits_is_dropped_too(lumen, echo, dana, change):
    """A late answer has the conversation's row when the other hand is already on it."""
    await dana.says("Hello")
    await dana.hears()
    await in_state(lumen, "You said: Hello", "delivered")
    [row] = await lumen.rows("select organisation_id, id, number_id, agent_id from conversations")
    async with lumen.services.db.transaction() as connection:
        await connection.execute("select from conversations for update")
        changing = asyncio.create_task(CHANGES[change](lumen, row))
        await until(
            lambda: lumen.rows("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"), "it waits"
        )
        await connection.execute("update messages set state = 'queued' where author = 'agent'")
    await changing
    [row] = await written(lumen, "author = 'agent'")
    assert row["state"] == "discarded"
