"""`/connect:<agent id>`, sent to the sandbox number, puts that agent on the conversation: what an agent's connectUrl does."""

from urllib.parse import parse_qs, urlsplit

import pytest
from cast import Agent
from hook import rested
from stage import serving

from dragoman.accounts import organisations
from dragoman.agents import records


@pytest.fixture
async def second(lumen, echo):
    """Another agent of Lumen's, on no number."""
    agent = Agent(answer={"content": "Second speaking"})
    async with serving(agent.handle) as url:
        made = await lumen.post("/agents/byoa/", {"webhookUrl": f"{url}/hook", "name": "Second"})
        agent.id, agent.connect_url = made["id"], made["connectUrl"]
        yield agent


def command(agent):
    return parse_qs(urlsplit(agent.connect_url).query)["text"][0]


async def test_the_connect_url_opens_the_phone_with_the_command_in_it(lumen, second):
    assert second.connect_url == f"{lumen.url}/sandbox/phone?text=/connect:{second.id}"
    async with lumen.session.get(second.connect_url) as page:
        assert page.status == 200


async def test_whoever_sends_it_talks_to_that_agent_from_then_on(lumen, echo, second, dana, zoe):
    await dana.says(command(second))
    assert await dana.hears_text() == ["You are connected to Second. Say something!"]
    await dana.says("Hello")
    assert (await dana.hears_text(2))[1] == "Second speaking"
    await zoe.says("Hello")
    assert await zoe.hears_text() == ["You said: Hello"]
    assert [delivery["message"] for delivery in second.deliveries] == ["Hello"]
    assert [delivery["message"] for delivery in echo.deliveries] == ["Hello"]  # Zoë's; no agent is asked about the command
    conversation = await lumen.conversation()
    assert (conversation["activeAgent"]["id"], conversation["owner"]["kind"]) == (second.id, "agent")


async def test_an_agent_that_has_a_first_message_says_it(lumen, second, dana):
    status, _ = await lumen.call("PATCH", f"/agents/{second.id}/", {"firstMessage": "Welcome to Lumen's second oven"})
    assert status == 200
    await dana.says(command(second))
    assert await dana.hears_text() == ["Welcome to Lumen's second oven"]


async def test_an_agent_of_another_business_is_not_found(lumen, echo, dana):
    services = lumen.services
    rival = await organisations.create(services.db, services.clock, "Rival")
    theirs, _ = await records.create(services.db, services.vault, services.clock, rival, "Mallory", webhook_url="http://127.0.0.1:9/hook")
    for unknown in (str(theirs.id), "00000000-0000-7000-8000-000000000000", "", "x' or 1=1"):
        await dana.says(f"/connect:{unknown}")
    heard = await dana.hears_text(4)
    assert set(heard) == {"There is no agent with this id here. Copy the connect link of the agent again."}
    await dana.says("Hello")
    assert (await dana.hears_text(5))[4] == "You said: Hello"
    await rested(lumen)
    assert len(echo.deliveries) == 1
