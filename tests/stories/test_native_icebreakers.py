"""An agent's icebreakers stand on its number at WhatsApp."""

from native import change


async def offered(lumen):
    url = f"{lumen.url}/sandbox/graph/v26.0/106540000000001?fields=conversational_automation"
    token = lumen.services.vault.derive("sandbox", "access token").hex()
    async with lumen.session.get(url, headers={"Authorization": f"Bearer {token}"}) as answer:
        return (await answer.json())["conversational_automation"].get("prompts")


async def test_they_are_set_when_the_agent_is_connected_and_when_they_change(lumen):
    agent = await lumen.post("/agents/", {"name": "Lumi", "icebreakers": ["Are you open?"]})
    await lumen.post("/phone-numbers/15550001234/connect-agent/", {"agentId": agent["id"]})
    assert await offered(lumen) == ["Are you open?"]
    await change(lumen, agent, icebreakers=["What bread is there?"])
    assert await offered(lumen) == ["What bread is there?"]
