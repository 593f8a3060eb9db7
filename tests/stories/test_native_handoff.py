"""A native agent gives the conversation away: to another agent, or to a person."""

from cast import until
from native import hire


def tool(model, start, index=-1):
    """The name of the offered tool that begins like this."""
    return next(name for name in model.tools(index) if name.startswith(start))


async def test_another_agent_goes_on_where_the_first_one_left_off(lumen, model, dana):
    sales = await lumen.post("/agents/", {"name": "Sales", "llmModel": "lab/small", "systemPrompt": "You are Sales."})
    await hire(lumen, model, handoffTools=[{"childAgentId": sales["id"], "description": "For orders."}])
    model.script = [
        lambda body: {
            "text": "One moment.",
            "tools": [{"tool": body["tools"][-1]["function"]["name"], "args": {"summary": "wants 40 loaves"}}],
        },
        "Sales here: 40 loaves, gladly!",
    ]
    await dana.says("I want to order 40 loaves, who can help?")
    assert await dana.hears_text(2) == ["One moment.", "Sales here: 40 loaves, gladly!"]
    assert "You are Sales." in model.prompt(1)
    assert "wants 40 loaves" in model.prompt(1)
    await dana.says("Thanks! When?")
    await dana.hears(3)
    assert "You are Sales." in model.prompt(2)


async def test_agents_that_pass_a_customer_to_and_fro_are_stopped(lumen, model, dana):
    first = await hire(lumen, model, systemPrompt="You are A.")
    second = await lumen.post(
        "/agents/", {"name": "B", "llmModel": "lab/small", "handoffTools": [{"childAgentId": first["id"], "description": "x"}]}
    )
    status, body = await lumen.call(
        "PATCH", f"/agents/{first['id']}/", {"handoffTools": [{"childAgentId": second["id"], "description": "x"}]}
    )
    assert status == 200, body
    assert body["handoffTools"][0]["childAgentName"] == "B"
    assert body["handoffTools"][0]["parentAgentId"] == first["id"]

    def pass_on(body):
        if any("several times" in str(message.get("content")) for message in body["messages"] if message["role"] == "tool"):
            return "I will help you myself."
        return {
            "tool": next(t["function"]["name"] for t in body["tools"] if t["function"]["name"].startswith("hand_over")),
            "args": {"summary": "hm"},
        }

    model.answer = pass_on
    await dana.says("Who is responsible?")
    assert await dana.hears_text() == ["I will help you myself."]


async def test_a_person_takes_over_with_a_summary_and_the_customer_is_told(lumen, model, dana):
    await hire(lumen, model, supportTools=[{"message": "A colleague will help you.", "minutes": 60}])
    model.script = [lambda body: {"tool": tool(model, "ask_a_person"), "args": {"summary": "Dana's bread was stale"}}]
    await dana.says("My bread was stale! I want to talk to someone?")
    assert await dana.hears_text() == ["A colleague will help you."]

    async def taken():
        conversation = await lumen.conversation()
        return conversation if conversation["isHumanTakeover"] else None

    await until(taken, "a person has the conversation")
    await dana.says("Hello?")
    rows = await lumen.rows("select kind, details from happenings where kind = 'handed_to_person'")
    assert rows[0]["details"]["summary"] == "Dana's bread was stale"
    assert len(model.requests) == 1


async def test_outside_business_hours_the_customer_hears_that_nobody_is_there(lumen, model, dana):
    await hire(lumen, model, supportTools=[{"hours": {}, "closedMessage": "We are closed now."}])
    model.script = [lambda body: {"tool": tool(model, "ask_a_person"), "args": {"summary": "x"}}]
    await dana.says("Is anybody there?")
    assert await dana.hears_text() == ["We are closed now."]


async def test_an_agent_of_another_business_cannot_be_handed_to(lumen, model):
    status, body = await lumen.call(
        "POST", "/agents/", {"name": "A", "handoffTools": [{"childAgentId": "01890000-0000-7000-8000-000000000000", "description": ""}]}
    )
    assert status == 400
    assert "handoffTools[0].childAgentId" in body["error"]
