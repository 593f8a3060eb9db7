"""F-26, F-27: an agent's webhook that is gone, or that has failed for days, is not called any more until somebody switches it on."""

import asyncio

import pytest
import structlog
from aiohttp import web
from cast import until
from hook import calls, causes, rested
from meta import counted

from dragoman.accounts import keys, organisations
from dragoman.agents import records
from dragoman.cli.doctor.command import examine

SORRY = "One moment, please."
COUNTER = "dragoman_agents_switched_off_total"
GONE = "it answered with status 410 (gone)"
DAY = 24  # hours


async def byoa(lumen, agent):
    return (await lumen.get(f"/agents/{agent.id}/"))["byoa"]


async def off(lumen, agent):
    """Wait until the agent's webhook is switched off; why."""
    return (await until(lambda: switched(lumen, agent), "it is switched off"))["disabledCause"]


async def switched(lumen, agent):
    shown = await byoa(lumen, agent)
    return shown if shown["disabledAt"] else None


async def failing(lumen, agent):
    [row] = await lumen.rows("select failing_since from agents where id = %(id)s", id=agent.id)
    return row["failing_since"]


async def test_a_webhook_that_says_it_is_gone_is_called_no_more_and_its_owner_sees_why(lumen, echo, dana, clock):
    await lumen.change_agent(echo, fallbackMessage=SORRY)
    before = await counted(lumen, COUNTER)
    echo.script = [410]
    with structlog.testing.capture_logs() as logged:
        await dana.says("Bread?")
        assert await dana.hears_text() == [SORRY]
        assert await off(lumen, echo) == GONE
    assert await counted(lumen, COUNTER) == before + 1
    [warning] = [entry for entry in logged if "switched off" in entry["event"]]
    assert warning == {
        "event": "an agent's webhook is switched off",
        "log_level": "warning",
        "organisation_id": str(lumen.organisation_id),
        "agent_id": echo.id,
        "reason": "gone",
    }

    await dana.says("Cake?")
    assert await dana.hears_text(2) == [SORRY, SORRY]
    await rested(lumen)
    assert [delivery["message"] for delivery in echo.deliveries] == ["Bread?"]
    first, second = await calls(lumen, echo, 2)
    assert first["cause"] == "The agent answered with status 410 (gone), which means: call this address no more."
    assert (second["status"], second["turnState"], second["retryAt"]) == (None, "failed", None)
    at = (await byoa(lumen, echo))["disabledAt"][:16].replace("T", " ")
    why = f"switched off on {at} UTC because {GONE}"
    assert second["cause"] == f"The agent's webhook was {why}. It was not called. Set its address again or switch it on, then replay this."
    assert (await causes(lumen, "turn_closed"))[-1] == second["cause"]
    [line] = [f.line for f in await examine(lumen.services.settings, clock) if f.about == "agents"]
    assert line == f'✗ Echo: its webhook was {why} → mend it, then PATCH /api/v1/agents/{echo.id}/ {{"byoa": {{"enabled": true}}}}'


@pytest.mark.parametrize("how", ["its address again", "enabled"])
async def test_it_is_switched_on_again_and_what_was_not_answered_can_be_asked_again(lumen, echo, dana, how):
    echo.script = [410]
    await dana.says("Bread?")
    await off(lumen, echo)
    await dana.says("Cake?")
    _, failed = await calls(lumen, echo, 2)
    for wrong in ({"enabled": False}, {"webhookUrl": "not an address"}):
        status, _ = await lumen.call("PATCH", f"/agents/{echo.id}/", {"byoa": wrong})
        assert status in (400, 422)
    await lumen.change_agent(echo, timeoutSeconds=7)
    assert await switched(lumen, echo), "only its address or the word itself switches it on"
    await lumen.change_agent(echo, **({"enabled": True} if how == "enabled" else {"webhookUrl": f"{echo.url}/hook"}))
    shown = await byoa(lumen, echo)
    assert (shown["disabledAt"], shown["disabledCause"], shown["timeoutSeconds"]) == (None, None, 7)
    await lumen.post(f"/agents/{echo.id}/deliveries/{failed['id']}/replay/", expect=202)
    assert await dana.hears_text() == ["You said: Cake?"]
    await dana.says("Pie?")
    assert (await dana.hears_text(2))[1] == "You said: Pie?"


async def test_a_question_that_waits_for_its_retry_ends_with_the_webhook(lumen, echo, dana, zoe):
    echo.script = [500, 410]
    await dana.says("Bread?")
    await calls(lumen, echo)
    await zoe.says("Cake?")
    await off(lumen, echo)
    await lumen.skip(seconds=2)
    *_, last = await calls(lumen, echo, 3)
    assert (last["attempt"], last["turnState"]) == (2, "failed")
    assert GONE in last["cause"]
    await rested(lumen)
    assert [delivery["message"] for delivery in echo.deliveries] == ["Bread?", "Cake?"]


async def test_what_the_old_address_says_does_not_switch_off_the_new_one(lumen, echo, dana):
    moved = asyncio.Event()

    async def gone(_delivery):
        await moved.wait()
        return 410

    echo.script = [lambda delivery: gone(delivery)]
    await dana.says("Bread?")
    await echo.delivered()
    await lumen.change_agent(echo, webhookUrl=f"{echo.url}/new")
    moved.set()
    await calls(lumen, echo)
    await rested(lumen)
    assert not await switched(lumen, echo)


async def test_a_test_event_switches_nothing_off_and_another_business_at_the_same_address_is_left_alone(lumen, echo, dana):
    services = lumen.services
    echo.script = [410, 410]
    await lumen.post(f"/agents/{echo.id}/test/", {})
    assert not await switched(lumen, echo)
    rival = await organisations.create(services.db, services.clock, "Rival")
    url = (await byoa(lumen, echo))["webhookUrl"]
    theirs, _ = await records.create(services.db, services.vault, services.clock, rival, "Mallory", webhook_url=url)
    await dana.says("Bread?")
    await off(lumen, echo)
    assert (await records.get(services.db, rival, theirs.id)).disabled_at is None
    _, key = await keys.create(services.db, services.vault, services.clock, rival, "Mallory")
    status, _ = await lumen.call("PATCH", f"/agents/{echo.id}/", {"byoa": {"enabled": True}}, headers={"X-API-Key": key})
    assert status == 404
    assert await switched(lumen, echo)


async def test_a_webhook_of_which_nothing_but_failures_came_for_five_days_is_switched_off(lumen, echo, dana):
    await lumen.change_agent(echo, retryDelays=[2])
    echo.answer = 503
    await dana.says("Monday")
    await calls(lumen, echo)
    since = await until(lambda: failing(lumen, echo), "its first failure is noted")
    await lumen.skip(seconds=2)
    await calls(lumen, echo, 2)
    await lumen.skip(hours=5 * DAY)
    await dana.says("Saturday")
    await calls(lumen, echo, 3)
    assert not await switched(lumen, echo), "one failure may be a hiccup"
    await lumen.skip(seconds=2)
    assert await off(lumen, echo) == f"all its deliveries have failed since {since:%Y-%m-%d %H:%M} UTC"
    await dana.says("Sunday")
    *_, last = await calls(lumen, echo, 5)
    assert "all its deliveries have failed" in last["cause"]
    assert [delivery["message"] for delivery in echo.deliveries] == ["Monday", "Monday", "Saturday", "Saturday"]


async def test_one_delivery_that_succeeds_begins_the_five_days_anew(lumen, echo, dana):
    await lumen.change_agent(echo, retryDelays=[])
    echo.script = [503, "", 404, web.Response(status=500)]
    for text, hours in (("Monday", 4 * DAY), ("Friday", 2 * DAY), ("Sunday", 4 * DAY)):
        await dana.says(text)
        await rested_after(lumen, echo, text)
        assert bool(await failing(lumen, echo)) == (text != "Friday")
        await lumen.skip(hours=hours)
    await dana.says("Thursday")
    await rested_after(lumen, echo, "Thursday")
    assert not await switched(lumen, echo)
    assert await failing(lumen, echo)


async def rested_after(lumen, agent, text):
    await until(lambda: any(delivery["message"] == text for delivery in agent.deliveries), f"{text} is asked")
    await rested(lumen)


async def test_a_success_beside_the_first_failure_counts_though_it_did_not_know_of_it(lumen, echo, dana, zoe):
    await lumen.change_agent(echo, retryDelays=[])
    failed = asyncio.Event()

    async def slow(_delivery):
        await failed.wait()
        return "Here you are."

    echo.script = [lambda delivery: slow(delivery), 503, 503]
    await zoe.says("Cake?")
    await echo.delivered()
    await dana.says("Bread?")
    await until(lambda: failing(lumen, echo), "Dana's question has failed")
    first = await failing(lumen, echo)
    failed.set()
    assert await zoe.hears_text() == ["Here you are."]
    await lumen.skip(hours=5 * DAY)
    await dana.says("Still no bread?")
    await rested_after(lumen, echo, "Still no bread?")
    assert not await switched(lumen, echo)
    assert await failing(lumen, echo) > first
