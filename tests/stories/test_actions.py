"""What assistants of the second dialect may do: actions before, during and after a conversation, made once and for nobody else."""

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from cast import Phone, until
from native import Second
from stage import serving

NUMBER = "106540000000001"


@dataclass
class Till:
    """The business's own API: answers what it is told to, and remembers what it was asked."""

    url: str = ""
    answer: object = field(default_factory=lambda: {"status": "in the oven"})
    asked: list = field(default_factory=list)

    async def handle(self, request):
        text = await request.text()
        body = json.loads(text) if text and request.content_type == "application/json" else text
        self.asked.append((request.method, request.path_qs, body, dict(request.headers)))
        return web.json_response(self.answer)


@asynccontextmanager
async def till_server():
    till = Till()
    async with serving(till.handle) as url:
        till.url = url
        yield till


@pytest.fixture
async def till():
    async with till_server() as till:
        yield till


@pytest.fixture
def second(lumen):
    return Second(lumen)


def webhook(till, **block):
    return {"webhook": {"url": f"{till.url}/orders", "method": "POST", **block}}


async def test_the_assistant_greets_once_and_answers(lumen, second, model, dana):
    await second.hire(model, incoming_call_greeting="Welcome to Lumen!", prompts={"agent": "You are Maya.", "goal": "Sell rye."})
    model.script = ["Rye, fresh today.", "Until six."]
    await dana.says("What do you have?")
    assert await dana.hears_text(2) == ["Welcome to Lumen!", "Rye, fresh today."]
    await dana.says("Until when?")
    assert (await dana.hears_text(3))[2:] == ["Until six."]
    assert "You are Maya." in model.prompt()
    assert "Sell rye." in model.prompt()


async def test_a_webhook_gets_fixed_values_and_those_that_were_asked_for(lumen, second, model, till, dana):
    block = webhook(
        till,
        headers={"X-Till": "secret-of-the-till"},
        body=[{"type": "static", "values": {"shop": "Lumen", "customer": "%PHONE_NUMBER%"}}],
        required=["order number"],
        response={"prompt": "Say where the order is."},
    )
    action = await second.action("WEBHOOK", **block)
    await second.hire(model, action)
    model.script = [{"tool": "webhook", "args": {"order_number": "77"}}, "It is in the oven."]
    await dana.says("Where is order 77?")
    assert await dana.hears_text() == ["It is in the oven."]
    [(method, path, body, headers)] = till.asked
    assert (method, path) == ("POST", "/orders")
    assert body == {"shop": "Lumen", "customer": "+15550007890", "order number": "77"}
    assert headers["X-Till"] == "secret-of-the-till"
    assert headers["Idempotency-Key"]
    assert "Say where the order is." in json.dumps(model.requests[0]["tools"])
    assert "in the oven" in json.dumps(model.requests[1]["messages"])
    [shown] = (await second.call("GET", "/_actions"))["data"]
    assert "secret-of-the-till" not in json.dumps(shown)


async def test_a_mandatory_webhook_asks_the_customer_first(lumen, second, model, till, dana):
    action = await second.action("WEBHOOK", **webhook(till, mandatory=True, required=["item"]))
    await second.hire(model, action)
    model.script = [{"tool": "webhook", "args": {"item": "rye"}}, "Ordered."]
    await dana.says("One rye please!")
    [asked] = await dana.hears()
    assert till.asked == []
    await dana.taps(asked["id"], button_id=asked["buttons"][0]["id"])
    assert (await dana.hears_text(2))[1] == "Ordered."
    assert len(till.asked) == 1


@pytest.mark.parametrize("early", [{"timing": "BEFORE"}, {"timing": "AFTER", "run_before_call": True}], ids=["BEFORE", "run_before_call"])
async def test_before_is_made_once_for_each_session_and_told_in_each_turn(lumen, second, model, till, dana, early):
    till.answer = {"customer": "a regular, likes rye"}
    timing = early.pop("timing")
    action = await second.action("WEBHOOK", timing, **webhook(till, static_body='{"phone": "%PHONE_NUMBER%"}', **early))
    await second.hire(model, action)
    await dana.says("Hello!")
    await dana.hears(1)
    await dana.says("Is there rye?")
    await dana.hears(2)
    assert [body for _, _, body, _ in till.asked] == [{"phone": "+15550007890"}]
    assert all("a regular, likes rye" in json.dumps(request["messages"]) for request in model.requests)
    assert all("tools" not in request or "webhook" not in json.dumps(request["tools"]) for request in model.requests)


async def test_after_is_made_once_when_the_session_has_ended(lumen, second, model, till, dana):
    note = await second.action("WEBHOOK", "AFTER", **webhook(till, static_body='{"ended": true}'))
    find = await second.action(
        "SINGLEDATAEXTRACTION",
        "AFTER",
        webhook={"name": "wish", "description": "Which bread they want", "type": "text", "sync_data": True, "sync_field": "favourite"},
    )
    await second.hire(model, note, find, additional_settings={"idle_time": 2})
    model.script = ["We have rye."]
    await dana.says("I always want rye!")
    await dana.hears(1)
    await until(lambda: lumen.rows("select id from turns where state = 'answered'"), "the answer is recorded")
    assert till.asked == []
    model.script = [{"tool": "singledataextraction", "args": {"value": "rye"}}, "done"]
    await lumen.skip(hours=2, seconds=1)

    async def noted():
        return (await second.customer())["columns"]

    assert await until(noted, "the favourite is noted") == {"favourite": "rye"}
    assert [body for _, _, body, _ in till.asked] == [{"ended": True}]
    assert "I always want rye!" in json.dumps(model.requests[-1]["messages"])
    assert len(await dana.heard()) == 1


async def test_what_is_found_out_is_written_to_the_customer(lumen, second, model, dana):
    zone = await second.action(
        "SINGLEDATAEXTRACTION", webhook={"name": "zone", "type": "text", "sync_data": True, "sync_field": "customer_timezone"}
    )
    await second.hire(model, zone)
    model.script = [{"tool": "singledataextraction", "args": {"value": "Europe/Berlin"}}, "Noted!"]
    await dana.says("I live in Berlin!")
    await dana.hears(1)
    assert (await second.customer())["columns"] == {"customer_timezone": "Europe/Berlin"}
    refused = await second.call(
        "POST",
        "/_actions",
        {
            "name": "x",
            "action_timing": "during",
            "type": "singledataextraction",
            "webhook": {"sync_data": True, "sync_module": "customers", "sync_field": "phone"},
        },
        expect=(400,),
    )
    assert refused["errors"][0]["field"] == "webhook.sync_field"


async def test_a_template_goes_to_the_number_that_the_business_has_set(lumen, second, model, dana, zoe):
    await lumen.control("POST", "/templates", {"name": "new_order", "body": "Order for {{1}}: {{2}}", "language": "en"})
    baker = await Phone.of(lumen, name="Baker", phone="+15550009999")
    block = {"to": "15550009999", "from": NUMBER, "template_name": "new_order", "body_params": ["%PHONE_NUMBER%", "{{order}}"]}
    await lumen.control("POST", "/templates", {"name": "thanks", "body": "Thank you!", "language": "en"})
    thanks = await second.action(
        "SEND_WHATSAPP", "during", webhook={"to": "customer", "from": NUMBER, "template_name": "thanks"}, name="Thank them"
    )
    action = await second.action("SEND_WHATSAPP", "during", webhook=block)
    await second.hire(model, action, thanks)
    call = {"tool": "send_whatsapp", "args": {"order": "two rye, to +15551112222"}}
    model.script = [[call, {"tool": "thank_them", "args": {}}], "Passed on."]
    await dana.says("Two rye please, and tell +15551112222!")
    texts = [message.get("text") or message["type"] for message in await dana.hears(2)]
    assert texts[1:] == ["Passed on."]
    [told] = await baker.hears()
    assert told["type"] == "template"
    assert "two rye, to +15551112222" in json.dumps(told)
    offered = {tool["function"]["name"]: tool["function"]["parameters"]["properties"] for tool in model.requests[0]["tools"]}
    assert (set(offered["send_whatsapp"]), offered["thank_them"]) == ({"order"}, {})
    assert {entry["to"] for entry in await lumen.ledger()} <= {"15550007890", "15550009999"}


async def test_voice_actions_are_kept_and_not_offered(lumen, second, model, dana):
    kept = [
        await second.action("CALL_TRANSFER", phone_number="12817126508", runBeforeCall=True, speech="One moment."),
        await second.action("DTMF_ACTION", webhook={"mandatory": True, "description": "Press 1."}),
        await second.action("AIRCALL", webhook={"from": 1, "to": 2}, tags=["vip"]),
    ]
    await second.hire(model, *kept)
    await dana.says("Hello!")
    await dana.hears(1)
    names = [tool["function"]["name"] for tool in model.requests[0].get("tools", [])]
    assert not {"call_transfer", "dtmf_action", "aircall"} & set(names)
    shown = (await second.call("GET", "/_actions"))["data"]
    assert {one["type"] for one in shown} == {"CALL_TRANSFER", "DTMF_ACTION", "AIRCALL"}
    [transfer] = [one for one in shown if one["type"] == "CALL_TRANSFER"]
    assert (transfer["phone_number"], transfer["runBeforeCall"], transfer["speech"]) == ("12817126508", True, "One moment.")


async def test_an_action_that_is_switched_off_is_not_offered(lumen, second, model, till, dana):
    action = await second.action("WEBHOOK", is_active=False, **webhook(till))
    await second.hire(model, action)
    await dana.says("Hello!")
    await dana.hears(1)
    assert "webhook" not in [tool["function"]["name"] for tool in model.requests[0].get("tools", [])]


async def test_after_so_many_answers_it_closes_and_is_silent_until_the_conversation_ends(lumen, second, model, dana):
    await second.hire(
        model,
        additional_settings={"idle_time": 1, "max_messages": 2, "closing_message": "That is all for now."},
        incoming_call_greeting="Hi!",
    )
    model.script = ["One.", "Two.", "Anew."]
    await dana.says("a?")
    await dana.hears(2)
    await dana.says("b?")
    assert await dana.hears_text(4) == ["Hi!", "One.", "Two.", "That is all for now."]
    await dana.says("c?")
    await until(lambda: lumen.rows("select id from turns where state = 'silent'"), "nothing is said to it")
    await lumen.skip(hours=1, seconds=1)
    await until(lambda: lumen.rows("select id from sessions where closed_at is not null"), "the conversation has ended")
    await dana.says("d?")
    assert (await dana.hears_text(6))[4:] == ["Hi!", "Anew."]
