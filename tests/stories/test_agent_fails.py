"""When the agent fails: it is asked again, in order, and nobody else notices."""

import asyncio
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from aiohttp import web
from hook import arrives, calls, causes, moment, rested, says
from stage import free_socket

SCHEDULE = (2, 10, 30, 120, 600)
SLACK = 5  # seconds that a busy machine may take


def waits(call):
    """How long after this call the agent is asked again."""
    return moment(call["retryAt"]) - moment(call["startedAt"]) - call["durationMs"] / 1000


def later(header):
    return web.Response(status=429, headers={"Retry-After": header})


async def never(_delivery):
    await asyncio.sleep(1.3)
    return "too late"


def hung_up(_delivery):
    raise web.HTTPInternalServerError(text="oven too hot")


FAILURES = {
    "did not answer in time": (lambda delivery: never(delivery), None),
    "status 500": (hung_up, 500),
    "status 502": (502, 502),
    "status 503": (503, 503),
    "status 429": (later("1"), 429),
    "status 408": (408, 408),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_an_agent_that_fails_is_asked_again(lumen, echo, dana, failure):
    answer, status = FAILURES[failure]
    await lumen.change_agent(echo, timeoutSeconds=1)
    echo.script = [answer]
    await dana.says("Hello")
    (call,) = await calls(lumen, echo)
    assert (call["outcome"], call["status"], call["turnState"]) == ("failed", status, "open")
    assert failure in call["cause"]
    assert 2 - 0.01 <= waits(call) < 2 + SLACK
    await lumen.skip(seconds=2)
    assert await dana.hears_text() == ["You said: Hello"]
    _, second = await calls(lumen, echo, 2)
    assert (second["attempt"], second["outcome"], second["turnId"]) == (2, "answered", call["turnId"])
    assert (await causes(lumen, "agent_called"))[0] == call["cause"]


async def test_an_agent_that_cannot_be_reached_is_asked_at_its_new_address(lumen, echo, dana):
    closed = free_socket()
    await lumen.change_agent(echo, webhookUrl=f"http://127.0.0.1:{closed.getsockname()[1]}/hook")
    await dana.says("Hello")
    (call,) = await calls(lumen, echo)
    assert (call["outcome"], call["status"]) == ("failed", None)
    assert "127.0.0.1 could not be reached: connection refused." in call["cause"]
    await lumen.change_agent(echo, webhookUrl=f"{echo.url}/hook")
    await lumen.skip(seconds=2)
    assert await dana.hears_text() == ["You said: Hello"]
    closed.close()


async def test_it_is_asked_at_2_s_10_s_30_s_2_min_and_10_min_while_later_messages_wait(lumen, echo, dana, zoe):
    echo.answer = lambda delivery: 500 if delivery["message"] == "one" else {"content": f"You said: {delivery['message']}"}
    await dana.says("one")
    for n, pause in enumerate(SCHEDULE, 1):
        recorded = await calls(lumen, echo, n)
        assert pause - 0.01 <= waits(recorded[-1]) < pause + SLACK
        if n == 1:
            await says(dana, "two", "three")
        await lumen.skip(seconds=pause)
    assert await dana.hears_text(2) == ["You said: two", "You said: three"]
    assert [delivery["message"] for delivery in echo.deliveries] == ["one"] * 6 + ["two", "three"]

    recorded = (await calls(lumen, echo, 8))[:6]
    assert [call["attempt"] for call in recorded] == [1, 2, 3, 4, 5, 6]
    started = [moment(call["startedAt"]) for call in recorded]
    for pause, (before, after) in zip(SCHEDULE, pairwise(started), strict=True):
        assert pause <= after - before < pause + SLACK
    assert (recorded[-1]["turnState"], recorded[-1]["retryAt"]) == ("failed", None)
    closed = [entry for entry in (await lumen.timeline())["entries"] if entry["kind"] == "turn_closed"]
    assert closed[0]["summary"] == "Echo gave no answer after 6 tries. The delivery can be replayed."


async def test_other_customers_do_not_notice(lumen, echo, dana, zoe):
    echo.answer = lambda delivery: 500 if delivery["context"]["contact"]["name"] == "Dana" else {"content": "Welcome"}
    await dana.says("Hello")
    await calls(lumen, echo)
    for n in range(1, 4):
        await zoe.says("Hello")
        await zoe.hears(n)
    assert await dana.heard() == []


@pytest.mark.parametrize(("given", "waited"), [("60", 60), ("1", 2), ("86400", 3600), ("soon", 2)])
async def test_an_agent_says_itself_after_how_many_seconds_to_come_back(lumen, echo, dana, given, waited):
    echo.script = [later(given)]
    await dana.says("Hello")
    (call,) = await calls(lumen, echo)
    assert waited - 0.01 <= waits(call) < waited + SLACK
    await lumen.skip(seconds=waited)
    assert await dana.hears_text() == ["You said: Hello"]


async def test_an_agent_names_the_moment_to_come_back_at(lumen, echo, dana):
    then = (lumen.services.clock.now() + timedelta(seconds=60)).replace(microsecond=0)
    echo.script = [later(format_datetime(then, usegmt=True))]
    await dana.says("Hello")
    (call,) = await calls(lumen, echo)
    assert -0.01 <= moment(call["retryAt"]) - then.timestamp() < SLACK
    await lumen.skip(seconds=60)
    assert await dana.hears_text() == ["You said: Hello"]


async def test_the_pauses_are_the_agents_own_to_choose(lumen, echo, dana):
    await lumen.change_agent(echo, retryDelays=[5])
    echo.script = [500, 500]
    await dana.says("one")
    (call,) = await calls(lumen, echo)
    assert 5 - 0.01 <= waits(call) < 5 + SLACK
    await lumen.skip(seconds=5)
    _, last = await calls(lumen, echo, 2)
    assert (last["turnState"], last["retryAt"]) == ("failed", None)
    await lumen.change_agent(echo, retryDelays=[])
    echo.script = [500]
    await dana.says("two")
    assert [(await calls(lumen, echo, 3))[2][name] for name in ("turnState", "retryAt")] == ["failed", None]


async def test_a_failed_question_can_be_asked_again(lumen, echo, dana):
    await lumen.change_agent(echo, retryDelays=[])
    echo.script = [500]
    await dana.says("one")
    (failed,) = await calls(lumen, echo)
    await dana.says("two")
    await dana.hears()
    turn = await lumen.post(f"/agents/{echo.id}/deliveries/{failed['id']}/replay/", expect=202)
    assert await dana.hears_text(2) == ["You said: two", "You said: one"]
    replayed = (await calls(lumen, echo, 3))[2]
    assert (replayed["turnId"], replayed["replayOf"], replayed["attempt"]) == (turn["turnId"], failed["turnId"], 1)
    assert replayed["turnId"] != failed["turnId"]  # an agent that remembers ids must not take it for a repetition
    assert echo.headers[2]["webhook-id"] == f"turn_{turn['turnId']}"
    await rested(lumen)
    assert len(echo.deliveries) == 3


async def test_a_replay_says_why_it_cannot_be(lumen, echo, dana):
    echo.script = [500, 500]
    await dana.says("Hello")
    (call,) = await calls(lumen, echo)
    replay = f"/agents/{echo.id}/deliveries/{call['id']}/replay/"
    status, body = await lumen.call("POST", replay)
    assert (status, body["code"]) == (409, "turn_open")
    conversation = await lumen.conversation()
    await lumen.post(f"/conversations/{conversation['id']}/takeover/", {})
    status, body = await lumen.call("POST", replay)
    assert (status, body["code"]) == (409, "not_with_agent")
    status, body = await lumen.call("POST", f"/agents/{echo.id}/deliveries/{conversation['id']}/replay/")
    assert (status, body["code"]) == (404, "not_found")


async def test_the_fallback_is_said_once_after_the_first_failure(lumen, echo, dana):
    await lumen.change_agent(echo, fallbackMessage="One moment, please.", retryDelays=[2, 10])
    echo.script = [500, 500, 500]
    await dana.says("Hello")
    assert await dana.hears_text() == ["One moment, please."]
    for n, pause in ((1, 2), (2, 10)):
        await calls(lumen, echo, n)
        await lumen.skip(seconds=pause)
    await calls(lumen, echo, 3)
    await rested(lumen)
    assert await dana.hears_text() == ["One moment, please."]
    assert [message["source"] for message in await lumen.messages()] == ["customer", "system"]


async def test_after_the_fallback_comes_the_answer(lumen, echo, dana):
    await lumen.change_agent(echo, fallbackMessage="One moment, please.")
    echo.script = [500]
    await dana.says("Hello")
    await dana.hears()
    await lumen.skip(seconds=2)
    assert await dana.hears_text(2) == ["One moment, please.", "You said: Hello"]


async def test_messages_of_a_burst_are_asked_one_by_one(lumen, echo, dana):
    echo.script = [500]
    await dana.says("one")
    await calls(lumen, echo)
    await says(dana, "two", "three")
    await lumen.skip(seconds=2)
    await dana.hears(3)
    assert [d["message"] for d in echo.deliveries] == ["one", "one", "two", "three"]


async def test_messages_of_a_burst_can_be_asked_together(lumen, echo, dana):
    await lumen.change_agent(echo, burst="merge")
    echo.script = [500]
    first = await dana.says("one")
    await calls(lumen, echo)
    wamids = [*await says(dana, "two"), await arrives(dana, dana.sends(type="image", caption="three")), *await says(dana, "four")]
    await lumen.skip(seconds=2)
    assert await dana.hears_text(2) == ["You said: one", "You said: two\nthree\nfour"]
    assert [d["message"] for d in echo.deliveries] == ["one", "one", "two\nthree\nfour"]
    context = echo.deliveries[-1]["context"]
    assert [message["whatsapp_id"] for message in context["messages"]] == wamids
    assert [message["text"] for message in context["messages"]] == ["two", "three", "four"]
    assert context["whatsapp_id"] == wamids[-1]
    assert echo.deliveries[-1]["image"] == context["messages"][1]["media"][0]["url"]
    assert echo.deliveries[1]["context"]["whatsapp_id"] == first
