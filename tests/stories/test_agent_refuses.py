"""When the agent says no for good, or must not be called at all; and how its owner tries it."""

import pytest
from aiohttp import web
from cast import Agent
from hook import calls, causes, rested, says
from stage import serving


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])  # 410 switches the webhook off: faults/test_switched_off.py
async def test_a_4xx_is_final(lumen, echo, dana, status):
    echo.script = [web.Response(status=status, text="no such hook")]
    await says(dana, "one", "two")
    assert await dana.hears_text() == ["You said: two"]
    refused, _ = await calls(lumen, echo, 2)
    assert (refused["outcome"], refused["status"], refused["turnState"], refused["retryAt"]) == ("refused", status, "failed", None)
    assert refused["cause"] == f"The agent refused the message with status {status}. It is not asked again."
    assert refused["responseHead"] == "no such hook"
    assert (await causes(lumen, "agent_called"))[0] == refused["cause"]


async def test_a_refusal_calls_for_the_fallback_too_and_can_be_replayed(lumen, echo, dana):
    await lumen.change_agent(echo, fallbackMessage="Somebody will write to you.")
    echo.script = [403]
    await dana.says("Hello")
    assert await dana.hears_text() == ["Somebody will write to you."]
    (refused,) = await calls(lumen, echo)
    await rested(lumen)
    await lumen.post(f"/agents/{echo.id}/deliveries/{refused['id']}/replay/", expect=202)
    assert await dana.hears_text(2) == ["Somebody will write to you.", "You said: Hello"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(lumen, echo, dana, status):
    reached = []

    async def elsewhere(request):
        reached.append(request.path)
        return web.Response(text="Welcome")

    async with serving(elsewhere) as url:
        echo.script = [web.Response(status=status, headers={"Location": f"{url}/hook"})]
        await dana.says("Hello")
        (call,) = await calls(lumen, echo)
        await rested(lumen)
    assert (call["outcome"], call["status"], call["turnState"]) == ("refused", status, "failed")
    assert call["cause"] == "The agent answered with a redirect. Redirects are not followed; enter the final address."
    assert reached == []
    assert await dana.heard() == []


@pytest.mark.parametrize("overrides", [{"allow_private_urls": ""}, {"allow_private_urls": "10.0.0.0/8"}])
@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/hook", "https://169.254.169.254/latest", "https://[::1]/hook"])
async def test_an_agent_on_a_private_address_cannot_be_made(lumen, url):
    status, body = await lumen.call("POST", "/agents/byoa/", {"webhookUrl": url})
    assert (status, body["code"], body["field"]) == (400, "invalid", "webhookUrl")
    assert "DRAGOMAN_ALLOW_PRIVATE_URLS" in body["error"]


@pytest.mark.parametrize("overrides", [{"allow_private_urls": "10.0.0.0/8"}])
async def test_a_name_that_leads_to_a_private_address_is_not_called_and_the_timeline_says_why(lumen, dana):
    inside = Agent()
    await lumen.connect(inside, "https://localhost")
    await dana.says("Hello")
    (call,) = await calls(lumen, inside)
    await rested(lumen)
    assert (call["outcome"], call["status"], call["turnState"]) == ("refused", None, "failed")
    assert call["cause"].startswith("The webhook was not called: localhost leads into ")
    assert "DRAGOMAN_ALLOW_PRIVATE_URLS" in call["cause"]
    assert await causes(lumen, "agent_called") == [call["cause"]]
    assert await causes(lumen, "turn_closed") == [call["cause"]]


async def test_a_test_shows_what_the_agent_makes_of_it_and_reaches_nobody(lumen, echo, dana):
    echo.answer = {"content": "I am well"}
    result = await lumen.post(f"/agents/{echo.id}/test/")
    assert (result["outcome"], result["status"], result["cause"]) == ("answered", 200, None)
    assert result["responseHead"] == '{"content": "I am well"}'
    assert result["durationMs"] > 0
    assert echo.genuine()
    (delivery,) = echo.deliveries
    assert set(delivery) == {"message", "image", "phone_number", "reply_callback", "context"}
    assert (delivery["context"]["event"], delivery["reply_callback"], delivery["phone_number"]) == ("test", None, None)
    (call,) = await calls(lumen, echo)
    assert (call["id"], call["conversationId"], call["outcome"]) == (result["deliveryId"], None, "answered")
    assert await lumen.ledger() == []


async def test_a_test_of_a_broken_agent_says_what_is_wrong(lumen, echo):
    echo.script = [500, {"foo": "bar"}, web.Response(status=401), web.Response(status=302, headers={"Location": "/login"})]
    results = [await lumen.post(f"/agents/{echo.id}/test/") for _ in range(4)]
    assert [result["outcome"] for result in results] == ["failed", "unrecognised", "refused", "refused"]
    for result, words in zip(results, ("status 500", "none of the keys", "status 401", "redirect"), strict=True):
        assert words in result["cause"]
    await rested(lumen)
    assert len(echo.deliveries) == 4  # a test is not repeated


async def test_a_test_during_a_rotation_is_signed_with_both_secrets(lumen, echo):
    await lumen.post(f"/agents/{echo.id}/rotate-secret/")
    await lumen.post(f"/agents/{echo.id}/test/")
    assert len(echo.headers[0]["webhook-signature"].split()) == 2
    assert echo.genuine()  # by the old one, which the agent still has
