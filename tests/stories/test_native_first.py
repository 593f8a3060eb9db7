"""The main job with an agent that thinks inside Dragoman, on a provider that the business brought."""

from cast import until
from native import hire

from dragoman.agents.llm import given


async def test_the_builtin_agent_asks_to_rephrase_when_it_knows_nothing(lumen, dana):
    agent = await lumen.post("/agents/", {"name": "Lumi"})
    await lumen.post("/phone-numbers/15550001234/connect-agent/", {"agentId": agent["id"]})
    await dana.says("Where is my order?")
    assert await dana.hears_text() == ["I am not sure I understood. Could you say it in other words?"]


async def test_the_model_answers_and_remembers_what_was_said(lumen, model, dana):
    await hire(lumen, model, systemPrompt="You sell bread.", native={"persona": "You are Lumi, a baker."})
    model.script = ["Rye and spelt, **fresh** today.", "Two rye loaves it is!"]
    await dana.says("Which bread do you have?")
    assert await dana.hears_text() == ["Rye and spelt, *fresh* today."]
    await dana.says("Two rye loaves. Is that ok?")
    assert (await dana.hears_text(2))[1] == "Two rye loaves it is!"
    prompt = model.prompt(1)
    assert "You sell bread." in prompt
    assert "You are Lumi, a baker." in prompt
    assert "Which bread do you have?" in prompt
    assert "Rye and spelt" in prompt


async def test_messages_of_a_burst_are_answered_together(lumen, model, dana):
    await hire(lumen, model)
    await dana.says("Hello")
    await dana.says("I want bread")
    await dana.says("Do you have rye?")
    heard = await dana.hears_text()
    assert len(model.requests) <= 2
    assert heard == ["You said: Hello\nI want bread\nDo you have rye?"]


async def test_a_message_that_comes_while_the_model_thinks_replaces_the_draft(lumen, model, dana):
    await hire(lumen, model)
    model.script = [{"delay": 20, "then": "A draft that nobody sees."}]
    await dana.says("Is the shop open?")
    await model.asked()
    await dana.says("And on Sunday?")
    assert await dana.hears_text() == ["You said: Is the shop open?\nAnd on Sunday?"]


async def test_what_is_said_after_the_turn_was_opened_is_not_told_as_past(lumen, model, dana, monkeypatch):
    """It joins the turn or gets one of its own. Told as past it would be answered here, and once more there."""
    to_agent = given.to_agent

    async def read_late(*args):
        monkeypatch.setattr(given, "to_agent", to_agent)
        await dana.says("And on Sunday?")
        await until(stored_both)
        return await to_agent(*args)

    async def stored_both():
        return len(await lumen.services.db.fetch("select from messages where direction = 'in'")) == 2

    async def no_news(*args):
        return []

    monkeypatch.setattr(lumen.services.journal, "news", no_news)
    monkeypatch.setattr(given, "to_agent", read_late)
    await hire(lumen, model)
    await dana.says("Is the shop open?")
    assert await dana.hears_text(2) == ["You said: Is the shop open?", "You said: And on Sunday?"]
    assert ["And on Sunday?" in str(request["messages"]) for request in model.requests] == [False, True]
