"""Bakery Lumen's staff and programs act in a conversation."""

from datetime import timedelta

import pytest
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from tests.api.serving import served

from dragoman.settings import Settings


class Outside:
    """The world around us on one server: WhatsApp's Graph API, and the webhook of an agent. Keeps what it was sent."""

    def __init__(self):
        self.heard, self.answer = [], PlainTextResponse("Yes, until noon.")

    async def graph(self, request):
        self.heard.append(await request.json())
        return JSONResponse({"success": True})

    async def hook(self, request):
        self.heard.append((dict(request.headers), await request.body()))
        return self.answer


@pytest.fixture
async def outside():
    outside = Outside()
    routes = [Route("/v26.0/{number}/messages", outside.graph, methods=["POST"]), Route("/hook", outside.hook, methods=["POST"])]
    async with served(Starlette(routes=routes)) as outside.url:
        yield outside


@pytest.fixture
def settings(tmp_path, outside):
    return Settings(
        data_dir=tmp_path,
        public_url="https://dragoman.example",
        api_rate_limit=1000,
        graph_url=outside.url,
        allow_private_urls="127.0.0.0/8",
    )


@pytest.fixture
async def chat(lumen, story):
    """Dana wrote to Bakery Lumen's number, on which Echo answers."""
    echo = await lumen.echo()
    number = await lumen.add_number()
    await lumen.post("/phone-numbers/15550001234/connect-agent/", {"agentId": echo["id"]})
    conversation = await story.conversation(number.id, await story.contact(), agent_id=echo["id"])
    await story.hears(conversation, "Do you have rye bread?", wamid="wamid.dana")
    await story.database.execute("update conversations set last_inbound_wamid = 'wamid.dana'")
    return f"/conversations/{conversation}/"


async def test_reading_shows_blue_ticks_and_clears_the_unread_mark(lumen, chat, outside):
    assert (await lumen.get(chat))["hasUnread"] is True

    read = await lumen.post(f"{chat}read/")

    assert (read.status, read["hasUnread"]) == (200, False)
    assert outside.heard == [{"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.dana"}]


async def test_typing_is_shown(lumen, chat, outside):
    assert (await lumen.post(f"{chat}typing/")).status == 200

    assert outside.heard[0]["typing_indicator"] == {"type": "text"}


async def test_a_person_takes_over_and_hands_back(lumen, chat):
    taken = await lumen.post(f"{chat}takeover/")
    assert (taken.status, taken["isHumanTakeover"]) == (200, True)
    assert taken["owner"] == {"kind": "person", "epoch": 1, "until": None}

    back = await lumen.post(f"{chat}handback/")
    assert (back.status, back["isHumanTakeover"]) == (200, False)
    assert (back["owner"]["kind"], back["owner"]["epoch"]) == ("agent", 2)

    told = await lumen.get(f"{chat}timeline/")
    assert [entry["summary"] for entry in told["entries"][1:]] == ["A person took over; Echo is paused.", "Echo answers from here on."]


async def test_a_take_over_may_end_by_itself(lumen, chat, clock):
    taken = await lumen.post(f"{chat}takeover/", {"durationMinutes": 30})

    until = clock.now() + timedelta(minutes=30)
    assert taken["owner"]["until"][:16] == until.isoformat()[:16]


@pytest.mark.parametrize("minutes", [0, -1, 1.5, "soon", 10**9])
async def test_a_take_over_needs_a_sensible_time(lumen, chat, minutes):
    refused = await lumen.post(f"{chat}takeover/", {"durationMinutes": minutes})

    assert (refused.status, refused["field"]) == (400, "durationMinutes")
    assert (await lumen.get(chat))["isHumanTakeover"] is False


class TestRouting:
    async def test_to_another_agent(self, lumen, chat):
        oven = await lumen.echo(name="Oven")

        routed = await lumen.post(f"{chat}routing/", {"mode": "agent", "agentId": oven["id"]})

        assert routed["activeAgent"] == {"id": oven["id"], "name": "Oven"}
        assert (routed["routing"], routed["routingOverride"], routed["owner"]["kind"]) == ("agent", True, "agent")

    async def test_to_nobody_and_back_to_the_agent(self, lumen, chat):
        nobody = await lumen.post(f"{chat}routing/", {"mode": None})
        assert (nobody["routing"], nobody["routingOverride"], nobody["owner"]["kind"]) == (None, True, "nobody")
        assert nobody["activeAgent"] is None

        refused = await lumen.post(f"{chat}routing/", {"mode": "agent"})
        assert (refused.status, refused["field"]) == (400, "agentId")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "mode"),
            ({"mode": "sandbox"}, "mode"),
            ({"mode": "telepathy"}, "mode"),
            ({"mode": "webhook"}, "webhookId"),
            ({"mode": "webhook", "webhookId": "1b4e28ba-2fa1-41d2-883f-0016d3cca427"}, "webhookId"),
            ({"mode": "agent", "agentId": "echo"}, "agentId"),
            ({"mode": "agent", "webhookId": "1b4e28ba-2fa1-41d2-883f-0016d3cca427"}, "webhookId"),
            ({"mode": None, "agentId": "1b4e28ba-2fa1-41d2-883f-0016d3cca427"}, "agentId"),
        ],
    )
    async def test_what_makes_no_sense_is_refused(self, lumen, chat, body, field):
        refused = await lumen.post(f"{chat}routing/", body)

        assert (refused.status, refused["field"]) == (400, field)
        assert (await lumen.get(chat))["owner"]["epoch"] == 0

    async def test_an_agent_of_another_business_is_not_found(self, lumen, rival, chat):
        theirs = await rival.echo(name="Spy")

        assert (await lumen.post(f"{chat}routing/", {"mode": "agent", "agentId": theirs["id"]})).status == 404
        assert (await lumen.get(chat))["activeAgent"]["name"] == "Echo"

    async def test_the_sandbox_cannot_be_routed(self, lumen, chat, story):
        await story.database.execute("update numbers set is_sandbox = true")

        refused = await lumen.post(f"{chat}routing/", {"mode": None})

        assert refused.status == 400
        assert "/connect:" in refused["error"]


@pytest.mark.parametrize(
    ("act", "body"),
    [("read", None), ("typing", None), ("takeover", None), ("handback", None), ("routing", {"mode": None}), ("timeline", None)],
)
async def test_another_business_can_do_nothing_here(lumen, rival, chat, outside, act, body):
    before = (await lumen.get(chat)).body

    method = "GET" if act == "timeline" else "POST"
    assert (await rival.call(method, f"{chat}{act}/", body)).status == 404

    after = (await lumen.get(chat)).body
    assert {**after, "chatWindowRemainingTime": 0} == {**before, "chatWindowRemainingTime": 0}
    assert outside.heard == []


class TestOpening:
    TEMPLATE = {"type": "template", "template": {"name": "good_morning"}}  # noqa: RUF012

    async def test_a_conversation_with_a_stranger_begins_with_a_template(self, lumen, chat):
        opened = await lumen.post("/conversations/", {"toNumber": "+1 555 000 7899", "message": self.TEMPLATE})

        assert opened.status == 201
        assert opened["contact"]["phoneNumber"] == "15550007899"
        assert opened["activeAgent"]["name"] == "Echo"
        assert (opened["active"], opened["owner"]["kind"], opened["lastMessage"]["type"]) == (False, "agent", "template")

    async def test_one_that_exists_is_found(self, lumen, chat):
        opened = await lumen.post("/conversations/", {"phoneNumber": "+15550007890", "fromNumber": "15550001234"})

        assert opened.status == 201
        assert f"/conversations/{opened['id']}/" == chat
        assert opened["lastMessage"]["body"] == "Do you have rye bread?"

    async def test_an_agent_may_be_named(self, lumen, chat):
        oven = await lumen.echo(name="Oven")

        opened = await lumen.post("/conversations/", {"toNumber": "+15550007899", "agentId": oven["id"]})

        assert (opened["activeAgent"]["name"], opened["routingOverride"]) == ("Oven", True)

    async def test_words_to_a_stranger_are_refused(self, lumen, chat):
        refused = await lumen.post("/conversations/", {"toNumber": "+15550007899", "message": {"type": "text", "text": {"body": "Hi"}}})

        assert (refused.status, refused["code"]) == (409, "window_closed")

    async def test_with_two_numbers_one_must_be_chosen(self, lumen, chat):
        await lumen.add_number("+15550001235", phone_number_id="2")

        refused = await lumen.post("/conversations/", {"toNumber": "+15550007899"})
        assert (refused.status, refused["field"]) == (400, "fromNumber")
        opened = await lumen.post("/conversations/", {"toNumber": "+15550007899", "fromNumber": "+15550001235"})
        assert (opened["whatsappNumber"]["number"], opened["owner"]["kind"]) == ("15550001235", "nobody")

    async def test_what_is_wrong_is_named(self, lumen, rival, chat):
        theirs = await rival.echo()
        for body, status, field in (
            ({}, 400, "toNumber"),
            ({"toNumber": "Dana"}, 400, "toNumber"),
            ({"phoneNumber": "Dana"}, 400, "phoneNumber"),
            ({"toNumber": "+15550007899", "message": {"type": "template"}}, 400, "message.template"),
            ({"toNumber": "+15550007899", "fromNumber": "+15559999999"}, 404, None),
            ({"toNumber": "+15550007899", "agentId": theirs["id"]}, 404, None),
        ):
            refused = await lumen.post("/conversations/", body)
            assert (refused.status, refused.body.get("field")) == (status, field)
        assert (await lumen.get("/conversations/"))["count"] == 1


class TestAgentsWebhook:
    @pytest.fixture
    async def echo(self, lumen, outside):
        return await lumen.echo(webhookUrl=f"{outside.url}/hook")

    async def test_a_test_event_is_signed_and_its_answer_is_shown(self, lumen, outside, echo):
        tested = await lumen.post(f"/agents/{echo['id']}/test/")

        assert tested.status == 200
        assert (tested["outcome"], tested["status"], tested["responseHead"], tested["cause"]) == ("answered", 200, "Yes, until noon.", None)
        headers, body = outside.heard[0]
        event = Webhook(echo["byoa"]["secret"]).verify(body, headers)
        assert event["context"]["event"] == "test"
        listed = (await lumen.get(f"/agents/{echo['id']}/deliveries/"))["results"][0]
        assert (listed["id"], listed["conversationId"], listed["outcome"]) == (tested["deliveryId"], None, "answered")

    async def test_a_test_that_fails_says_why(self, lumen, outside, echo):
        outside.answer = PlainTextResponse("Oops", 500)

        tested = await lumen.post(f"/agents/{echo['id']}/test/")

        assert (tested.status, tested["outcome"], tested["status"], tested["responseHead"]) == (200, "failed", 500, "Oops")
        assert "500" in tested["cause"]

    async def test_an_agent_without_a_webhook_cannot_be_tested(self, lumen):
        agent = await lumen.post("/agents/", {"name": "Plan"})

        refused = await lumen.post(f"/agents/{agent['id']}/test/")

        assert (refused.status, refused["code"]) == (409, "agent_not_ready")

    async def test_a_failed_delivery_is_replayed(self, lumen, story, bakery):
        await story.hears(bakery.chat, "Hello?")
        failed = await story.turn(bakery, state="failed")
        delivery = await story.calls(bakery, failed, outcome="failed", status=500)

        replayed = await lumen.post(f"/agents/{bakery.echo}/deliveries/{delivery}/replay/")

        assert replayed.status == 202
        told = await lumen.get(f"/conversations/{bakery.chat}/timeline/")
        assert told["entries"][-1]["details"].items() >= {"id": replayed["turnId"], "replayOf": str(failed)}.items()
        again = await lumen.post(f"/agents/{bakery.echo}/deliveries/{delivery}/replay/")
        assert (again.status, again["code"]) == (409, "turn_open")

    async def test_another_business_neither_tests_nor_replays(self, rival, outside, echo, story, bakery):
        delivery = await story.calls(bakery, await story.turn(bakery, state="failed"), outcome="failed")

        assert (await rival.post(f"/agents/{echo['id']}/test/")).status == 404
        assert (await rival.post(f"/agents/{bakery.echo}/deliveries/{delivery}/replay/")).status == 404
        assert outside.heard == []
