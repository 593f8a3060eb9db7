"""The database did what it was told, and its answer was lost with the connection: nothing is done twice, and nothing is left half done."""

import json
from datetime import timedelta

import psycopg
import pytest
from cast import until
from till import attempts, conversation_id, in_state, no_statuses, sends, taken, the, time_passes

from dragoman.conversations import queries
from dragoman.conversations.held import Held
from dragoman.conversations.journal import Settled
from dragoman.ids import new_id

SOON = {"lease_seconds": 2.1}


@pytest.fixture
def losing(lumen):
    """`losing(query, which)`: the next answer to this statement for which `which(params, rows)` is true is lost."""
    wanted, hot = [], lumen.services.db.hot

    async def heard(query, params=None):
        rows = await hot(query, params)
        for one in wanted:
            if one[0] is query and one[1](params, rows):
                wanted.remove(one)
                raise psycopg.OperationalError("server closed the connection unexpectedly")
        return rows

    lumen.services.db.hot = heard
    return lambda query, which: wanted.append((query, which)) or wanted


@pytest.mark.parametrize("role", ["web"])
async def test_a_worker_whose_claim_was_not_answered_goes_on_claiming(lumen, echo, dana, zoe, losing):
    losing(queries.CLAIM, lambda params, rows: any(row["turn_id"] for row in rows))
    journal, me = lumen.services.journal, new_id()

    async def claim():
        return await journal.claim(me, 10, 30.0, lambda turn_id: turn_id.bytes)

    await dana.says("Hello")
    await conversation_id(lumen, "Dana")
    with pytest.raises(psycopg.OperationalError):
        await claim()
    await zoe.says("And me?")
    [row] = await until(claim, "Zoë's conversation is claimed, with a turn of its own")
    assert row["contact_name"] == "Zoë"
    turns = await lumen.rows("select conversation_id from turns")
    assert len({turn["conversation_id"] for turn in turns}) == 2


@pytest.mark.parametrize("overrides", [SOON])
async def test_a_worker_that_has_lost_a_conversation_does_not_ask_its_agent(lumen, echo, dana, monkeypatch):
    monkeypatch.setattr(Held, "still_ours", lambda self: False)
    await dana.says("Hello")

    async def taken_again():
        return await lumen.rows("select 1 from conversations where fence > 1")

    await until(taken_again, "the conversation is claimed a second time")
    assert echo.deliveries == []
    monkeypatch.undo()
    await in_state(lumen, "You said: Hello", "delivered")
    assert len(echo.deliveries) == 1


async def test_an_answer_that_was_recorded_and_not_confirmed_is_said_once(lumen, echo, dana, losing):
    lost = losing(queries.RECORD, lambda params, rows: True)
    await dana.says("Hello")
    await in_state(lumen, "You said: Hello", "delivered")
    await dana.says("Hello again")
    await in_state(lumen, "You said: Hello again", "delivered")
    assert await taken(lumen) == ["You said: Hello", "You said: Hello again"]
    assert (lost, len(echo.deliveries), len(await lumen.rows("select 1 from deliveries"))) == ([], 2, 2)
    assert (await the(lumen, "You said: Hello"))["attempts"] == 1


async def test_several_answers_that_were_recorded_and_not_confirmed_are_all_said(lumen, echo, dana, losing):
    echo.answer = [{"content": "one"}, {"content": "two"}]
    losing(queries.RECORD, lambda params, rows: True)
    await dana.says("Hello")
    await in_state(lumen, "two", "delivered")
    assert await taken(lumen) == ["one", "two"]


async def test_the_next_message_goes_out_although_its_turn_was_not_confirmed(lumen, echo, dana, losing):
    echo.answer = [{"content": "one"}, {"content": "two"}, {"content": "three"}]
    lost = losing(queries.SETTLE, lambda params, rows: any(row.get("next_message") for row in json.loads(params["rows"])))
    await dana.says("Hello")
    await in_state(lumen, "three", "delivered")
    assert (await taken(lumen), lost) == (["one", "two", "three"], [])
    assert [len(await attempts(lumen, body)) for body in ("one", "two", "three")] == [1, 1, 1]


@pytest.mark.parametrize("state", ["queued", "unknown"])
async def test_what_was_found_unknown_does_not_wait_again_because_of_a_worker_who_comes_late(lumen, echo, dana, state):
    await no_statuses(lumen)
    await lumen.fault(on="send", action="html_500", times=1)
    await dana.says("Hello")
    await in_state(lumen, "You said: Hello", "unknown")

    async def given_up():
        return (await the(lumen, "You said: Hello"))["not_before"] is None

    await time_passes(lumen, given_up, "the wait is over")
    row = await the(lumen, "You said: Hello")
    late = Settled(organisation_id=row["organisation_id"], conversation_id=row["conversation_id"], fence=0, message_id=row["id"])
    late.attempt_id, late.state, late.outcome = row["attempt_id"], state, "refused"
    late.not_before = lumen.services.clock.now() + timedelta(seconds=5)
    assert not (await lumen.services.journal.settle(late)).held
    after = await the(lumen, "You said: Hello")
    assert (after["state"], after["not_before"], after["cause"]) == ("unknown", None, row["cause"])
    await sends(lumen, "Are you there?")
    await until(lambda: taken(lumen), "the outbox is open")
    await in_state(lumen, "Are you there?", "accepted")


async def test_what_may_have_arrived_is_not_called_rejected_when_its_second_copy_is_refused(lumen, echo, dana):
    await lumen.change_agent(echo, resend="resend_once")
    await no_statuses(lumen)
    await lumen.fault(on="send", action="reset_after", times=1)
    await lumen.fault(on="send", action="error", code=131000, times=1)  # tried again
    await lumen.fault(on="send", action="error", code=131026, times=1)  # and for good
    await dana.says("Hello")

    async def refused():
        return len(await attempts(lumen, "You said: Hello")) == 3 and (await the(lumen, "You said: Hello"))["not_before"] is None

    await time_passes(lumen, refused, "it is refused for good", step=30)
    row = await in_state(lumen, "You said: Hello", "unknown")
    assert row["cause"].startswith("An earlier attempt may have reached the customer; nobody can tell.")
    assert row["error_code"] == 131026
    assert [one["outcome"] for one in await attempts(lumen, "You said: Hello")] == ["unknown", "refused", "refused"]
