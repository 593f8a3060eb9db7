"""F-11: the connection to PostgreSQL breaks after a statement was done and before its answer came. Nothing has its effect twice."""

import pytest
from cast import until
from meta import DANA, Meta, rested, said, texts, words
from tests.faults.lines import Line
from till import conversation_id, taken, written


@pytest.fixture
async def line(database_uri):
    async with Line(database_uri).laid() as line:
        yield line


@pytest.fixture
def overrides(line):
    """The server reaches its database over the line."""
    return {"database_url": line.uri, "lease_seconds": 3, "unknown_wait_seconds": 1}


async def test_a_webhook_whose_commit_was_not_answered_is_one_message(lumen, echo, dana, line):
    await dana.says("Hello")
    await dana.hears()
    line.lose("wamid.lost")
    assert await Meta.of(lumen).posts(words(said(lumen, "wamid.lost", "Are you there?", DANA))) == 200
    assert line.lost.is_set()
    assert (await dana.hears_text(2))[1] == "You said: Are you there?"
    await rested(lumen)
    assert await texts(lumen) == ["Hello", "Are you there?"]
    assert len(await lumen.ledger()) == len(echo.deliveries) == 2


async def test_an_answer_of_the_agent_whose_commit_was_not_answered_is_said_once_or_shown_as_unknown(lumen, echo, dana, line):
    await dana.says("Hello")
    await dana.hears()
    await rested(lumen)
    line.lose('"turn_state":"answered"', "Only once")
    echo.script = [{"content": "Only once"}]
    await dana.says("Say it")
    await line.lost.wait()
    await dana.says("And now?")
    await until(lambda: said_(dana, "You said: And now?"), "the conversation goes on")
    await rested(lumen)
    [row] = await written(lumen, "content ->> 'body' = 'Only once'")
    assert (await taken(lumen)).count("Only once") == (0 if row["state"] == "unknown" else 1)
    assert [delivery["message"] for delivery in echo.deliveries] == ["Hello", "Say it", "And now?"]


async def said_(dana, text):
    return text in [message["text"] for message in await dana.heard()]


async def test_a_send_whose_outcome_was_not_answered_for_is_not_sent_again(lumen, echo, dana, line):
    await dana.says("Hello")
    await dana.hears()
    await rested(lumen)
    line.lose('"outcome":"accepted"')
    await dana.says("Again")
    await line.lost.wait()
    await dana.says("And now?")
    await until(lambda: said_(dana, "You said: And now?"), "the conversation goes on")
    await rested(lumen)
    assert await taken(lumen) == ["You said: Hello", "You said: Again", "You said: And now?"]
    assert {row["state"] for row in await written(lumen)} <= {"accepted", "sent", "delivered"}


async def test_a_late_answer_whose_commit_was_not_answered_is_one_message_under_its_key(lumen, echo, dana, line):
    echo.script = [204]
    await dana.says("Is it ready?")
    [delivery] = await echo.delivered()
    await rested(lumen)
    statuses = []

    async def post():
        headers = {"Idempotency-Key": "order 1"}
        async with lumen.session.post(delivery["reply_callback"], json={"content": "Ready"}, headers=headers) as answer:
            statuses.append(answer.status)
            return await answer.json() if answer.status == 202 else None

    line.lose("COMMIT")
    body = await post() or await post()
    assert line.lost.is_set()
    assert statuses == [503, 202]
    assert await dana.hears_text() == ["Ready"]
    await rested(lumen)
    assert [str(row["id"]) for row in await written(lumen)] == [message["id"] for message in body["messages"]]
    assert len(await lumen.ledger()) == 1


async def test_a_message_of_the_business_whose_commit_was_not_answered_is_one_message_under_its_key(lumen, echo, dana, line):
    await dana.says("Hello")
    await dana.hears()
    await rested(lumen)
    path, message = f"/conversations/{await conversation_id(lumen)}/messages/", {"type": "text", "text": {"body": "Your bread is ready"}}

    async def post():
        return await lumen.call("POST", path, message, headers={"Idempotency-Key": "bread 1"})

    line.lose("COMMIT")
    first, _ = await post()
    assert line.lost.is_set()
    second, answer = await post()
    assert (first, second, answer.get("code")) == (503, 409, "idempotency_in_progress")  # whoever sent it looks, and it is there
    await until(lambda: said_(dana, "Your bread is ready"), "it arrives")
    await rested(lumen)
    assert (await taken(lumen)).count("Your bread is ready") == 1


async def test_staff_whose_word_was_stored_and_the_connection_lost_quiets_the_agent_all_the_same(lumen, echo, dana, line):
    await dana.says("Hello")
    await dana.hears()
    await rested(lumen)
    line.lose("Lou here, from the shop")
    await lumen.control("POST", "/staff/messages", {"person": dana.id, "text": "Lou here, from the shop"})
    await line.lost.wait()

    async def quiet():
        return (await lumen.conversation())["owner"]["kind"] == "phone_app"

    await until(quiet, "the thread is with the phone app")
    await dana.says("Thank you, Lou")
    [row] = await until(lambda: lumen.rows("select wants_answer from messages where content ->> 'text' = 'Thank you, Lou'"), "it is stored")
    assert row["wants_answer"] is False
    assert len(echo.deliveries) == 1
