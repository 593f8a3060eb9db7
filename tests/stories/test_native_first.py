"""The first words of a native agent."""


async def test_the_builtin_agent_asks_to_rephrase_when_it_knows_nothing(lumen, dana):
    agent = await lumen.post("/agents/", {"name": "Lumi"})
    await lumen.post("/phone-numbers/15550001234/connect-agent/", {"agentId": agent["id"]})
    await dana.says("Where is my order?")
    assert await dana.hears_text() == ["I am not sure I understood. Could you say it in other words?"]
