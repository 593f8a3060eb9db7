"""A native agent comes back by itself: it plans, the time comes, it thinks, and speaks or not."""

from cast import until
from native import change, hire

RULE = {"description": "When somebody leaves an order open, ask again the next morning.", "enabled": True, "forceMessage": False}


def plan(**args):
    return {"tool": "plan_follow_up", "args": {"rule": 1, "reason": "ask about the open order", **args}}


async def wakeups(lumen, state, name="Dana"):
    """Wait until the newest follow-up is in this state; it."""

    async def there():
        conversation = await lumen.conversation(name)
        found = (await lumen.get(f"/conversations/{conversation['id']}/wakeups/"))["results"]
        return found[0] if found and found[0]["state"] == state else None

    return await until(there, f"the follow-up is {state}")


async def test_a_follow_up_is_planned_and_said_at_its_time(lumen, model, dana):
    await hire(lumen, model, wakeUpConfigs=[RULE])
    model.script = [plan(in_minutes=120), "I will ask you again.", "Do you still want the bread?"]
    await dana.says("Can I decide later?")
    await dana.hears(1)
    assert (await wakeups(lumen, "pending"))["forceMessage"] is False
    await lumen.skip(hours=2)
    assert (await dana.hears_text(2))[1] == "Do you still want the bread?"
    assert "ask about the open order" in model.prompt(2)
    assert "stay_silent" in model.tools(2)
    await wakeups(lumen, "said")


async def test_an_agent_that_has_nothing_to_say_at_its_time_stays_silent(lumen, model, dana):
    await hire(lumen, model, wakeUpConfigs=[RULE])
    model.script = [plan(in_minutes=60), "Fine.", {"tool": "stay_silent"}]
    await dana.says("Can I decide later?")
    await dana.hears(1)
    await lumen.skip(hours=1)
    await wakeups(lumen, "silent")
    assert len(await dana.heard()) == 1


async def test_a_rule_that_forces_a_message_offers_no_silence(lumen, model, dana):
    await hire(lumen, model, wakeUpConfigs=[{**RULE, "forceMessage": True}])
    model.script = [plan(in_minutes=60), "Fine.", "Here I am."]
    await dana.says("Can I decide later?")
    await dana.hears(1)
    await lumen.skip(hours=1)
    await dana.hears(2)
    assert "stay_silent" not in model.tools(2)


async def test_after_the_24_hours_a_follow_up_without_a_template_is_held_and_shown(lumen, model, dana):
    await hire(lumen, model, wakeUpConfigs=[RULE])
    model.script = [plan(in_minutes=60 * 30), "Fine."]
    await dana.says("Can I decide later?")
    await dana.hears(1)
    await lumen.skip(hours=31)
    held = await wakeups(lumen, "held")
    assert "24-hour window" in held["cause"]
    assert len(model.requests) == 2


async def test_after_the_24_hours_the_template_of_the_rule_goes_out(lumen, model, dana):
    await lumen.control("POST", "/templates", {"name": "still_open", "body": "Your order is still open."})
    await hire(lumen, model, wakeUpConfigs=[{**RULE, "templateName": "still_open"}])
    model.script = [plan(in_minutes=60 * 30), "Fine."]
    await dana.says("Can I decide later?")
    await dana.hears(1)
    await lumen.skip(hours=31)
    await wakeups(lumen, "said")
    assert (await dana.hears(2))[1]["type"] == "template"


async def test_no_more_follow_ups_than_a_conversation_may_have(lumen, model, dana):
    await hire(lumen, model, wakeUpConfigs=[RULE])
    model.script = [[plan(in_minutes=60 + n) for n in range(6)], "Done."]
    await dana.says("Remind me often, ok?")
    await dana.hears(1)
    rows = await lumen.rows("select error from tool_calls where error <> ''")
    assert len(rows) == 1
    assert "planned for this customer already" in rows[0]["error"]


async def test_a_follow_up_can_be_cancelled_through_the_api(lumen, model, dana):
    await hire(lumen, model, wakeUpConfigs=[RULE])
    model.script = [plan(in_minutes=60), "Fine."]
    await dana.says("Can I decide later?")
    await dana.hears(1)
    pending = await wakeups(lumen, "pending")
    conversation = await lumen.conversation()
    status, _ = await lumen.call("DELETE", f"/conversations/{conversation['id']}/wakeups/{pending['id']}/")
    assert status == 204
    await lumen.skip(hours=2)
    await wakeups(lumen, "cancelled")


async def test_a_follow_up_of_an_agent_that_is_not_there_any_more_ends(lumen, model, dana):
    await hire(lumen, model, wakeUpConfigs=[RULE])
    model.script = [plan(in_minutes=60), "Fine."]
    await dana.says("Can I decide later?")
    await dana.hears(1)
    await hire(lumen, model)
    await lumen.skip(hours=1)
    assert "not with this agent" in (await wakeups(lumen, "cancelled"))["cause"]


async def test_a_prompt_makes_the_agent_speak(lumen, model, dana):
    await hire(lumen, model)
    await dana.says("Hello?")
    await dana.hears(1)
    conversation = await lumen.conversation()
    model.script = ["Your bread is ready!"]
    await lumen.post(f"/conversations/{conversation['id']}/prompt/", {"prompt": "Tell her that the bread is ready."})
    assert (await dana.hears_text(2))[1] == "Your bread is ready!"
    assert "Tell her that the bread is ready." in model.prompt(1)
    await lumen.skip(hours=25)
    status, body = await lumen.call("POST", f"/conversations/{conversation['id']}/prompt/", {"prompt": "x"})
    assert (status, body["code"]) == (409, "window_closed")


async def test_a_changed_rule_is_offered_in_its_new_words(lumen, model, dana):
    agent = await hire(lumen, model, wakeUpConfigs=[RULE])
    kept = agent["wakeUpConfigs"][0]
    changed = await change(lumen, agent, wakeUpConfigs=[{**kept, "description": "Only for weddings."}, RULE])
    assert changed["wakeUpConfigs"][0]["id"] == kept["id"]
    changed = await change(lumen, agent, wakeUpConfigs=[{**kept, "description": "Only for weddings."}])
    assert len(changed["wakeUpConfigs"]) == 1
    await dana.says("Hello?")
    await dana.hears(1)
    [planner] = [t for t in model.requests[0]["tools"] if t["function"]["name"] == "plan_follow_up"]
    assert "Only for weddings." in planner["function"]["description"]
