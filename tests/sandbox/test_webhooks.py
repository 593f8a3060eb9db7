"""Webhooks: retried until they are taken, batched, spoiled on request, and never in the way of a send."""

import json
from pathlib import Path

import msgspec
from business import DANA, NUMBER, WABA, text

PAYLOADS = Path(__file__).parents[1] / "fixtures" / "payloads"


async def test_a_webhook_is_retried_with_growing_pauses_until_it_is_answered_200(town, lumen, dana):
    lumen.answers = [500, 503, 302]
    wamid = await town.says(dana, "Hi")
    await lumen.until(lambda lumen: len(lumen.bodies) == 1)
    town.later(seconds=1.1)
    await lumen.until(lambda lumen: len(lumen.bodies) == 2)
    town.later(seconds=5.1)
    await lumen.until(lambda lumen: len(lumen.bodies) == 3)
    assert (await town.bubble(dana, wamid))["ticks"] == "sent"
    town.later(seconds=15.1)
    await lumen.message(wamid)
    assert len(set(lumen.bodies)) == 1
    [delivery] = await town.control("GET", "/deliveries")
    assert delivery["url"] == f"{lumen.origin}/hook"


async def test_the_second_tick_means_that_the_business_has_it(town, lumen, dana):
    wamid = await town.says(dana, "Hi")
    await lumen.message(wamid)
    while (await town.bubble(dana, wamid))["ticks"] != "delivered":
        pass


async def test_a_webhook_nobody_takes_is_given_up_after_seven_days(town, lumen, dana):
    lumen.answers = [500] * 100
    await town.says(dana, "Hi")
    await lumen.until(lambda lumen: len(lumen.bodies) == 1)
    town.later(days=8)
    await lumen.until(lambda lumen: len(lumen.bodies) == 2)
    while town.sandbox.box.world.state.undelivered:
        await town.control("GET", "/deliveries")
    town.later(days=8)
    lumen.answers = []
    await lumen.message(await town.says(dana, "Again"))
    assert len(lumen.bodies) == 3


async def test_sends_go_on_while_nobody_takes_webhooks(town, lumen, dana):
    lumen.answers = [500] * 1000
    await town.says(dana, "Hi")
    for _ in range(20):
        await town.text()
    assert len(await town.ledger()) == 20


async def test_a_delivery_can_be_repeated_byte_for_byte(town, lumen, dana):
    await lumen.message(await town.says(dana, "Hi"))
    [delivery] = await town.control("GET", "/deliveries")
    repeated = await town.control("POST", f"/deliveries/{delivery['id']}/repeat", {})
    assert repeated["status"] == 200
    assert lumen.bodies[0] == lumen.bodies[1]


async def test_an_app_may_get_its_updates_in_batches(town, lumen, dana):
    await town.control("POST", "/numbers", {"phone_number_id": NUMBER, "batch": 1000})
    await town.says(dana, "Hi")
    wamids = [await town.text(str(n)) for n in range(10)]
    town.later(milliseconds=1)
    town.later(seconds=1)
    for wamid in wamids:
        await lumen.status("delivered", wamid)
    largest = max(lumen.bodies, key=len)
    [entry] = msgspec.json.decode(largest)["entry"]
    assert entry["id"] == WABA
    statuses = entry["changes"][0]["value"]["statuses"]
    assert len(statuses) > 1
    assert len(entry["changes"][0]["value"]["contacts"]) <= 2


async def test_slashes_are_escaped_when_the_app_wants_it(town, lumen, dana):
    await town.control("POST", "/numbers", {"phone_number_id": NUMBER, "escape_slashes": True})
    message = await lumen.message(await town.says(dana, "half/half"))
    assert message["text"]["body"] == "half/half"
    assert b"half\\/half" in lumen.bodies[0]


async def test_any_event_can_be_posted_and_its_writer_gets_answers(town, lumen):
    message = {"from": DANA[1:], "from_user_id": "US.1", "id": "wamid.RAW1", "type": "text", "text": {"body": "é"}, "timestamp": "1"}
    value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001234", "phone_number_id": NUMBER}}
    value |= {"contacts": [{"profile": {"name": "Dana"}, "wa_id": DANA[1:], "user_id": "US.1"}], "messages": [message]}
    body = {"object": "whatsapp_business_account", "entry": [{"id": WABA, "changes": [{"value": value, "field": "messages"}]}]}
    answer = await town.control("POST", "/webhooks/raw", {"body": body})
    assert answer["status"] == 200
    assert (await lumen.message("wamid.RAW1"))["text"]["body"] == "é"
    receipt = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.RAW1"}
    assert (await town.graph("POST", f"{NUMBER}/messages", receipt))[0] == 200
    wamid = await town.text()
    town.later(seconds=1)
    assert (await lumen.status("delivered", wamid))["recipient_user_id"] == "US.1"

    await town.control("POST", "/webhooks/raw", {"body": body, "legacy": "no_bsuid"})
    assert b"US.1" not in lumen.bodies[-1]
    await town.control("POST", "/webhooks/raw", {"body": body, "legacy": "bsuid_only"})
    assert [b'"wa_id"' in lumen.bodies[-1], b'"from"' in lumen.bodies[-1]] == [False, False]


async def test_every_payload_we_know_of_can_be_posted(town, lumen):
    payloads = [json.loads(file.read_text()) for file in sorted(PAYLOADS.glob("*.json"))]
    lumen.reads = False
    for place, body in enumerate(payloads, 1):
        assert (await town.control("POST", "/webhooks/raw", {"body": body}))["status"] == 200
        assert json.loads(lumen.bodies[-1]) == body
        assert len(lumen.bodies) == place
    for person in (await town.control("GET", "/state"))["people"]:
        await town.chat(person)


async def test_malformed_and_forged_webhooks_can_be_posted(town, lumen):
    lumen.answers = [400]
    assert (await town.control("POST", "/webhooks/raw", {"text": "{not json"}))["status"] == 400
    assert lumen.bodies == [b"{not json"]
    assert (await town.control("POST", "/webhooks/raw", {"text": "x" * 3_500_000}))["status"] == 200
    assert len(lumen.bodies[1]) == 3_500_000
    assert (await town.control("POST", "/webhooks/raw", {"body": {}, "signature": "bad"}))["status"] == 401
    assert lumen.forged == 1


async def test_webhooks_are_dropped_duplicated_delayed_and_reordered_on_request(town, lumen, dana):
    await town.fault("webhook", "drop", times=1)
    lost = await town.says(dana, "one")
    await town.fault("webhook", "duplicate", times=1)
    twice = await town.says(dana, "two")
    await lumen.until(lambda lumen: len(lumen.bodies) == 2)
    await town.fault("webhook", "delay", times=1, delay_seconds=60)
    late = await town.says(dana, "three")
    await town.fault("webhook", "reorder", times=1)
    overtaken = await town.says(dana, "four")
    first = await town.says(dana, "five")
    await lumen.message(overtaken)
    town.later(seconds=61)
    await lumen.message(late)
    assert [update["id"] for update in lumen.updates] == [twice, twice, first, overtaken, late]
    assert lost not in {update["id"] for update in lumen.updates}
    assert await town.control("GET", "/faults") == []


async def test_a_webhook_fault_can_wait_for_one_kind_of_status(town, lumen, dana):
    await town.says(dana, "Hi")
    await town.fault("webhook", "drop", status="delivered", times=1)
    wamid = await town.text()
    town.later(seconds=1)
    await town.control("POST", f"/people/{dana['id']}/read", {})
    read = await lumen.status("read", wamid)
    assert [update["status"] for update in lumen.updates if update["id"] == wamid] == ["sent", "read"]
    assert "pricing" not in read


async def test_a_wrongly_signed_webhook_comes_when_asked_for(town, lumen, dana):
    await town.fault("webhook", "bad_signature", times=1)
    await town.says(dana, "Hi")
    await lumen.until(lambda lumen: lumen.forged == 1)
    assert lumen.updates == []


async def test_webhooks_follow_the_override_of_the_number_then_of_the_account(town, lumen, dana):
    override = {"webhook_configuration": {"override_callback_uri": f"{lumen.origin}/hook?level=number"}}
    await town.graph("POST", NUMBER, override)
    body = {"override_callback_uri": f"{lumen.origin}/hook?level=waba", "verify_token": "verify"}
    assert (await town.graph("POST", f"{WABA}/subscribed_apps", body))[0] == 200
    assert lumen.challenges[0]["hub.mode"] == "subscribe"
    await lumen.message(await town.says(dana, "one"))
    await town.graph("POST", NUMBER, {"webhook_configuration": {"override_callback_uri": ""}})
    await lumen.message(await town.says(dana, "two"))
    await town.graph("POST", f"{WABA}/subscribed_apps", {})
    await lumen.message(await town.says(dana, "three"))
    urls = [delivery["url"].partition("/hook")[2] for delivery in await town.control("GET", "/deliveries")]
    assert urls == ["?level=number", "?level=waba", ""]


async def test_a_callback_is_kept_only_when_it_answers_the_challenge(town, lumen):
    subscription = {"object": "whatsapp_business_account", "callback_url": f"{lumen.origin}/hook", "verify_token": "wrong"}
    status, answer = await town.graph("POST", "sandbox/subscriptions", subscription, token="sandbox|lumen-secret")
    assert (status, answer["error"]["code"]) == (400, 2200)
    good = subscription | {"verify_token": "verify"}
    assert (await town.graph("POST", "sandbox/subscriptions", good, token="sandbox|lumen-secret"))[0] == 200
    _, shown = await town.graph("GET", "sandbox/subscriptions", token="sandbox|lumen-secret")
    assert shown["data"][0]["callback_url"] == f"{lumen.origin}/hook"


async def test_every_app_that_is_subscribed_gets_the_webhooks(town, lumen, dana):
    other = {"waba_id": WABA, "app_id": "other", "app_secret": lumen.secret, "callback_url": f"{lumen.origin}/hook"}
    await town.control("POST", "/numbers", other | {"phone_number_id": NUMBER})
    await town.says(dana, "Hi")
    await lumen.until(lambda lumen: len(lumen.updates) == 2)


async def test_the_body_of_a_webhook_is_compact_json(town, lumen, dana):
    await lumen.message(await town.says(dana, "Hi"))
    assert lumen.bodies[0] == json.dumps(json.loads(lumen.bodies[0]), separators=(",", ":")).encode()
    assert await town.refused(text() | {"type": "nothing"}) == (400, 131051)
