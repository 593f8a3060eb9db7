"""A customer decides whether the business may write first."""

from cast import until
from native import hire


async def contact(lumen, name="Dana"):
    return (await lumen.conversation(name))["contact"]


async def test_stop_is_confirmed_once_and_the_agent_is_not_asked(lumen, model, dana):
    await hire(lumen, model)
    await dana.says(" Stop! ")
    assert "no more messages" in (await dana.hears_text())[0]
    assert model.requests == []
    assert (await contact(lumen))["optedOutAt"] is not None
    await dana.says("START")
    assert (await dana.hears_text(2))[1] == "Good to have you back."
    assert (await contact(lumen))["optedOutAt"] is None


async def test_stop_in_a_sentence_is_a_question_for_the_agent(lumen, model, dana):
    await hire(lumen, model)
    await dana.says("Can you stop the delivery?")
    assert await dana.hears_text() == ["You said: Can you stop the delivery?"]
    assert (await contact(lumen))["optedOutAt"] is None


async def test_templates_and_follow_ups_are_refused_and_answers_are_not(lumen, model, dana):
    await hire(lumen, model, wakeUpConfigs=[{"description": "Always.", "forceMessage": True}])
    model.script = [{"tool": "plan_follow_up", "args": {"rule": 1, "in_minutes": 60, "reason": "ask"}}, "Fine."]
    await dana.says("Later?")
    await dana.hears(1)
    await dana.says("STOP")
    await dana.hears(2)
    conversation = await lumen.conversation()
    template = {"type": "template", "template": {"name": "order_ready"}}
    status, body = await lumen.call("POST", f"/conversations/{conversation['id']}/messages/", template)
    assert (status, body["code"]) == (409, "opted_out")
    status, body = await lumen.call("POST", f"/conversations/{conversation['id']}/prompt/", {"prompt": "Say hi."})
    assert (status, body["code"]) == (409, "opted_out")
    await lumen.skip(hours=1)

    async def cancelled():
        return (await lumen.get(f"/conversations/{conversation['id']}/wakeups/"))["results"][0]["state"] == "cancelled"

    await until(cancelled, "the follow-up is cancelled")
    await dana.says("Is the shop open?")
    assert (await dana.hears_text(3))[2] == "You said: Is the shop open?"


async def test_metas_own_switch_counts_like_the_word(lumen, model, dana):
    await hire(lumen, model)
    await dana.says("Hello?")
    await dana.hears(1)

    async def switch(value):
        preference = {"wa_id": dana.person["phone"].lstrip("+"), "category": "marketing_messages", "value": value, "timestamp": 1771000000}
        metadata = {"display_phone_number": "15550001234", "phone_number_id": "106540000000001"}
        value = {"messaging_product": "whatsapp", "metadata": metadata, "contacts": [], "user_preferences": [preference]}
        entry = {"id": "102290000000001", "changes": [{"field": "user_preferences", "value": value}]}
        answer = await lumen.control("POST", "/webhooks/raw", {"body": {"object": "whatsapp_business_account", "entry": [entry]}})
        assert answer["status"] == 200

    await switch("stop")
    assert (await contact(lumen))["optedOutAt"] is not None
    await switch("resume")
    assert (await contact(lumen))["optedOutAt"] is None


async def test_the_business_may_note_that_it_has_the_persons_word(lumen, model, dana):
    await hire(lumen, model)
    await dana.says("stop")
    await dana.hears(1)
    person = await contact(lumen)
    status, body = await lumen.call("PATCH", f"/contacts/{person['id']}/", {"optedOut": False})
    assert (status, body["optedOutAt"], body["name"]) == (200, None, "Dana")
