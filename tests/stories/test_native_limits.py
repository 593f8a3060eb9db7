"""What an agent may spend, and what the customer gets when it may not go on."""

import pytest
from cast import until
from native import hire

STOPPED = "I cannot go on with this right now. Please try again later."
RULE = {"description": "Always.", "forceMessage": False}


def cancel(body=None):
    return {"tool": "cancel_follow_ups", "args": {}}


async def test_a_model_that_never_answers_is_stopped_after_its_steps(lumen, model, dana):
    await hire(lumen, model, wakeUpConfigs=[RULE], native={"limits": {"steps": 3}})
    model.answer = cancel
    await dana.says("Hello?")
    assert await dana.hears_text() == [STOPPED]
    assert len(model.requests) == 3
    rows = await lumen.rows("select cause from turns")
    assert "3 calls of the model in one turn" in rows[0]["cause"]


async def test_the_same_call_again_and_again_is_refused(lumen, model, dana):
    await hire(lumen, model, wakeUpConfigs=[RULE])
    model.script = [cancel()] * 4 + ["Done."]
    await dana.says("Hello?")
    assert await dana.hears_text() == ["Done."]
    states = await lumen.rows("select state, error from tool_calls order by position")
    assert [row["state"] for row in states] == ["done", "done", "done", "refused"]
    assert "very call several times" in states[3]["error"]


async def test_more_calls_than_a_turn_may_make_are_refused(lumen, model, dana):
    await hire(lumen, model, wakeUpConfigs=[RULE], native={"limits": {"toolCalls": 1}})
    plans = [{"tool": "plan_follow_up", "args": {"rule": 1, "in_minutes": 60 + n, "reason": "x"}} for n in range(2)]
    model.script = [plans, "Done."]
    await dana.says("Hello?")
    assert await dana.hears_text() == ["Done."]
    assert [row["state"] for row in await lumen.rows("select state from tool_calls order by started_at")] == ["done", "refused"]


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"turnTokens": 10}, "tokens in one turn"),
        ({"contactDayTokens": 10}, "tokens for this customer today"),
        ({"agentDayTokens": 10}, "tokens for this agent today"),
    ],
)
async def test_tokens_are_counted_before_the_model_is_asked_again(lumen, model, dana, limits, words):
    await hire(lumen, model, wakeUpConfigs=[RULE], native={"limits": limits})
    model.script = [cancel()]
    await dana.says("Hello?")
    assert await dana.hears_text() == [STOPPED]
    assert len(model.requests) == 1
    assert words in (await lumen.rows("select cause from turns"))[0]["cause"]


async def test_a_spent_day_ends_at_midnight(lumen, model, dana):
    await hire(lumen, model, native={"limits": {"contactDayTokens": 10}})
    await dana.says("Hello?")
    await dana.hears(1)
    await dana.says("And now?")
    assert (await dana.hears_text(2))[1] == STOPPED
    await lumen.skip(hours=24)
    await dana.says("Good morning?")
    assert (await dana.hears_text(3))[2] == "You said: Good morning?"


async def test_at_a_limit_a_person_can_take_over(lumen, model, dana):
    await hire(
        lumen, model, native={"limits": {"turnTokens": 1}, "onLimit": {"action": "hand_over", "text": "One moment, a colleague comes."}}
    )
    model.script = [{"tool": "nothing", "args": {}}]
    await dana.says("Hello?")
    assert await dana.hears_text() == ["One moment, a colleague comes."]

    async def taken():
        return (await lumen.conversation())["isHumanTakeover"]

    await until(taken, "a person has the conversation")


async def test_at_a_limit_the_agent_can_keep_quiet(lumen, model, dana):
    await hire(lumen, model, native={"limits": {"turnTokens": 1}, "onLimit": {"action": "silence"}})
    model.script = [{"tool": "nothing", "args": {}}]
    await dana.says("Hello?")

    async def silent():
        return (await lumen.rows("select state from turns where state = 'silent'")) != []

    await until(silent, "the turn ended in silence")
    assert await dana.heard() == []


@pytest.mark.parametrize(
    "answer",
    [
        {"tool": "no_such_tool", "args": {}},
        {"tool": "plan_follow_up", "raw_args": "{not json"},
        {"tool": "plan_follow_up", "args": {"rule": "first"}},
        {"tool": "send_message", "args": {"buttons": [{"text": "x" * 40}], "text": "Choose"}},
        {"tool": "send_message", "args": {"image": "https://made.up.example/cat.jpg"}},
    ],
)
async def test_a_call_that_cannot_be_made_is_explained_and_mended(lumen, model, dana, answer):
    await hire(lumen, model, wakeUpConfigs=[RULE])
    model.script = [answer, "Sorry, here is the answer."]
    await dana.says("Hello?")
    assert await dana.hears_text() == ["Sorry, here is the answer."]
    told = model.requests[1]["messages"][-1]
    assert told["role"] == "tool"
    assert "Not " in told["content"]


async def test_a_model_that_only_makes_useless_calls_is_stopped(lumen, model, dana):
    await hire(lumen, model)
    model.answer = {"tool": "no_such_tool", "args": {}}
    await dana.says("Hello?")
    assert await dana.hears_text() == [STOPPED]
    assert len(model.requests) == 3


async def test_a_provider_that_is_busy_is_asked_again_later(lumen, model, dana):
    await hire(lumen, model)
    model.script = [429, 500]
    await dana.says("Hello?")
    await model.asked(1)
    await until(lambda: _retries(lumen, 1), "a retry is planned")
    await lumen.skip(seconds=3)
    await model.asked(2)
    await until(lambda: _retries(lumen, 2), "a second retry is planned")
    await lumen.skip(seconds=11)
    assert await dana.hears_text() == ["You said: Hello?"]


async def _retries(lumen, count):
    rows = await lumen.rows("select cause from deliveries where retry_at is not null")
    return len(rows) >= count


async def test_a_wrong_key_is_final_and_says_so(lumen, model, dana):
    await hire(lumen, model)
    model.key = "another"
    await dana.says("Hello?")

    async def failed():
        return await lumen.rows("select cause from turns where state = 'failed'")

    [row] = await until(failed, "the turn failed")
    assert "status 401" in row["cause"]
    assert model.url not in row["cause"]


async def test_a_refusal_of_the_model_ends_the_turn_with_the_configured_words(lumen, model, dana):
    await hire(lumen, model)
    model.script = [{"refusal": "I cannot help with that."}]
    await dana.says("Hello?")
    assert await dana.hears_text() == [STOPPED]


async def test_every_generation_is_on_the_bill(lumen, model, dana):
    agent = await hire(lumen, model)
    await dana.says("Hello?")
    await dana.hears(1)
    [row] = await lumen.get(f"/usage/?agent={agent['id']}")
    assert (row["model"], row["purpose"], row["paidBy"], row["generations"]) == ("lab/small", "answer", "organisation", 1)
    assert row["promptTokens"] > 0
    assert row["responseTokens"] > 0
    days = await lumen.rows("select contact_id, tokens from usage_days")
    assert len(days) == 2
    assert {row["tokens"] for row in days} == {row["tokens"] for row in days}
