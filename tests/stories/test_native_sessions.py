"""A session of a native agent: its greeting, its past, its end, and what the timeline tells of it."""

from cast import until
from native import hire


async def happened(lumen, kind, times=1):
    """Wait until this has happened to Dana's conversation; the sentences of the timeline about it."""

    async def told():
        entries = (await lumen.timeline())["entries"]
        found = [e for e in entries if e["kind"] == "happening" and e["details"]["what"] == kind]
        return found if len(found) >= times else None

    return await until(told, f"{kind} has happened")


async def test_the_greeting_comes_once_before_the_first_answer(lumen, model, dana):
    await hire(lumen, model, firstMessage="Welcome to Bakery Lumen!")
    await dana.says("Is it open?")
    assert await dana.hears_text(2) == ["Welcome to Bakery Lumen!", "You said: Is it open?"]
    await dana.says("And tomorrow?")
    assert (await dana.hears_text(3))[2] == "You said: And tomorrow?"


async def test_after_an_idle_day_the_past_is_forgotten_and_the_greeting_comes_again(lumen, model, dana):
    await hire(lumen, model, firstMessage="Welcome!", native={"idleHours": 12})
    await dana.says("My name is Dana, ok?")
    await dana.hears(2)
    await lumen.skip(hours=13)
    await happened(lumen, "session_closed")
    await dana.says("Who am I?")
    assert (await dana.hears_text(4))[2:] == ["Welcome!", "You said: Who am I?"]
    assert "My name is Dana" not in model.prompt(1)
    opened = await happened(lumen, "session_opened", 2)
    session = await lumen.get(
        f"/sessions/{opened[0]['details']['sessionId'] if 'sessionId' in opened[0]['details'] else opened[0]['details']['session_id']}/"
    )
    assert session["closedReason"] == "idle"


async def test_a_talk_that_goes_on_keeps_its_session(lumen, model, dana):
    await hire(lumen, model, native={"idleHours": 12})
    await dana.says("My name is Dana, ok?")
    await dana.hears(1)
    await lumen.skip(hours=10)
    await dana.says("Still there?")
    await dana.hears(2)
    await lumen.skip(hours=10)
    await dana.says("Who am I?")
    await dana.hears(3)
    assert "My name is Dana" in model.prompt(2)


async def test_after_the_last_answer_of_a_session_the_agent_keeps_quiet_until_it_ends(lumen, model, dana):
    await hire(lumen, model, native={"maxMessages": 2, "closingText": "That was all for today.", "idleHours": 12})
    await dana.says("One?")
    await dana.hears(1)
    await dana.says("Two?")
    assert await dana.hears_text(3) == ["You said: One?", "You said: Two?", "That was all for today."]
    [told] = await happened(lumen, "max_messages_reached")
    assert "keeps quiet" in told["summary"]
    await dana.says("Three?")

    async def silent():
        rows = await lumen.rows("select count(*) as turns from turns where state = 'silent'")
        return rows[0]["turns"] == 1

    await until(silent, "the agent kept quiet")
    assert len(model.requests) == 2
    await lumen.skip(hours=13)
    await happened(lumen, "session_closed")
    await dana.says("Four?")
    assert (await dana.hears_text(4))[3] == "You said: Four?"


async def test_what_is_too_old_to_be_told_is_summed_up_once(lumen, model, dana):
    await hire(lumen, model, native={"limits": {"historyTokens": 200}})
    for n in range(4):
        await dana.says(f"Question {n}: {'bread ' * 60}?")
        await dana.hears(n + 1)
    summaries = [n for n, body in enumerate(model.requests) if "Sum up this part of a chat" in model.prompt(n)]
    assert summaries
    rows = await lumen.rows("select summary, summary_through from sessions")
    assert rows[0]["summary"]
    assert rows[0]["summary_through"] > 0
    usage = await lumen.get("/usage/")
    assert {row["purpose"] for row in usage} == {"answer", "summary"}


async def test_the_timeline_tells_what_the_model_and_the_tools_did(lumen, model, dana):
    await hire(lumen, model, wakeUpConfigs=[{"description": "Always.", "forceMessage": False}])
    model.script = [{"tool": "plan_follow_up", "args": {"rule": 1, "in_minutes": 60, "reason": "ask"}}, "Fine."]
    await dana.says("Later?")
    await dana.hears(1)
    entries = (await lumen.timeline())["entries"]
    kinds = [entry["kind"] for entry in entries]
    assert kinds.count("model_asked") == 2
    [call] = [entry for entry in entries if entry["kind"] == "tool_called"]
    assert call["summary"].startswith("Lumi used plan_follow_up")
    assert call["details"]["args"]["reason"] == "ask"
    [called] = [entry for entry in entries if entry["kind"] == "agent_called"]
    assert called["summary"].startswith("Lumi found an answer")
