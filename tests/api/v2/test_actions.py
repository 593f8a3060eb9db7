"""Actions of all types as the reference shows them: what is kept, what is refused, what is never shown."""

import json

import pytest

NUMBER = "650175178190170"
COMMON = {"name": "Do it", "description": "When it is time.", "action_timing": "DURING"}
BODIES = {
    "WEBHOOK": {
        "webhook": {
            "url": "https://shop.lumen.example/orders",
            "method": "POST",
            "mandatory": False,
            "headers": {"Authorization": "Bearer of-the-shop-0123456789"},
            "body": [{"type": "static", "values": {"shop": "Lumen"}}],
            "static_body": "",
            "required": ["order"],
            "response": {"prompt": "Say it."},
            "run_before_call": False,
            "type": "static",
        }
    },
    "SEND_WHATSAPP": {
        "is_active": True,
        "webhook": {
            "to": "12817126508",
            "from": NUMBER,
            "template_name": "call_permession_request",
            "body_params": ["Dana"],
            "header_params": [],
            "button_params": [],
            "language_code": "en",
            "mandatory": True,
        },
    },
    "SINGLEDATAEXTRACTION": {
        "webhook": {
            "mandatory": True,
            "name": "zone",
            "description": "The time zone",
            "type": "yes/no",
            "sync_data": True,
            "sync_module": "customers",
            "sync_field": "customer_timezone",
        }
    },
    "SEND_SMS": {
        "webhook": {"mandatory": True},
        "sms": {
            "to": {"value": ["+12817126508"]},
            "provider": "TWILIO",
            "from": "+15550001234",
            "cc": [],
            "body": {"value": "Hello {{name}}"},
            "response_message_context": "Say that it was sent.",
        },
    },
    "SEND_EMAIL": {
        "email": {
            "to": ["baker@lumen.example"],
            "cc": [],
            "subject": "Welcome",
            "body": "<p>Hello</p>",
            "send_static_contect": True,
            "response_message_context": "Say that it was sent.",
            "a field of a page that we could not read": 1,
        }
    },
    "SHOPIFY": {"webhook": {"type": "contactswing_shopify_search", "mandatory": False, "url": "https://shop.lumen.example"}},
    "CALL_TRANSFER": {
        "phone_number": "12817126508",
        "webhook": {"extension_enabled": False},
        "speech": "One moment.",
        "runBeforeCall": False,
    },
    "DTMF_ACTION": {"webhook": {"mandatory": False, "description": "Press 1."}},
    "AIRCALL": {"webhook": {"from": 1, "to": 2, "mandatory": False}, "tags": ["vip"]},
}


@pytest.fixture
async def number(lumen):
    return await lumen.add_number("+12817126508", phone_number_id=NUMBER)


@pytest.mark.parametrize("kind", BODIES)
async def test_every_type_is_kept_as_it_was_sent(lumen, number, kind):
    for spelled in (kind, kind.lower()):
        made = await lumen.made("/_actions", {**COMMON, "action_timing": "after", "type": spelled, **BODIES[kind]})
        assert (made["name"], made["type"]) == ("Do it", kind)
        shown = await lumen.got(f"/_actions/{made['action_id']}")
        assert (shown["id"], shown["action_timing"], shown["is_active"]) == (made["action_id"], "AFTER", True)
        text = json.dumps(shown)
        assert "of-the-shop" not in text
        sent = json.loads(json.dumps(BODIES[kind]).replace("Bearer of-the-shop-0123456789", "••••6789"))
        assert {name: shown[name] for name in sent} == sent


async def test_dotted_names_are_read_as_nested_ones(lumen):
    webhook = {"webhook.url": "https://shop.lumen.example/a", "webhook.method": "post", "webhook.response.prompt": "Say it."}
    made = await lumen.made("/_actions", {**COMMON, "type": "WEBHOOK", "webhook": webhook})
    shown = await lumen.got(f"/_actions/{made['action_id']}")
    assert shown["webhook"] == {"url": "https://shop.lumen.example/a", "method": "POST", "response": {"prompt": "Say it."}}


async def test_an_action_is_changed_listed_and_deleted(lumen, number):
    made = await lumen.made("/_actions", {**COMMON, "type": "WEBHOOK", **BODIES["WEBHOOK"]})
    path = f"/_actions/{made['action_id']}"
    shown = await lumen.got(path)
    back = {name: shown[name] for name in ("name", "description", "action_timing", "type", "webhook")}
    await lumen.got(path, "PUT", {**back, "name": "Renamed", "is_active": False})
    page = await lumen.got("/_actions")
    assert [(one["name"], one["is_active"]) for one in page["data"]] == [("Renamed", False)]
    assert page["pagination"]["total_pages"] == 1
    moved = {**back, "webhook": {**back["webhook"], "url": "https://elsewhere.example/"}}
    refused = await lumen.call("PUT", path, moved)
    assert (refused.status, refused["errors"][0]["field"]) == (400, "webhook.headers.Authorization")
    await lumen.add_number("+15550001234", phone_number_id="2")
    assistant = await lumen.assistant("2", action_ids=[made["action_id"]])
    await lumen.got(path, "DELETE")
    assert (await lumen.got(f"/_new_assistants/{assistant}"))["action_ids"] == []
    assert (await lumen.get(path)).status == 404


WRONG = {
    "type": {"type": "CUSTOM"},
    "action_timing": {"action_timing": "LATER"},
    "description": {"description": " "},
    "webhook.url": {"webhook": {"url": "https://10.0.0.1/", "method": "POST"}},
    "webhook.method": {"webhook": {"url": "https://shop.lumen.example/", "method": "TRACE"}},
    "webhook.headers": {"webhook": {"url": "https://shop.lumen.example/", "method": "GET", "headers": {"Host": "x"}}},
    "webhook.static_body": {"webhook": {"url": "https://shop.lumen.example/", "method": "POST", "static_body": "text", "required": ["a"]}},
    "webhook.body[0].type": {"webhook": {"url": "https://shop.lumen.example/", "method": "POST", "body": [{"type": "dynamic"}]}},
    "webhook.colour": {"webhook": {"url": "https://shop.lumen.example/", "method": "POST", "colour": "red"}},
    "webhook": {"webhook": None},
    "sms": {"sms": {}},
}


@pytest.mark.parametrize("field", WRONG)
async def test_what_cannot_work_is_refused_and_says_where(lumen, field):
    body = {**COMMON, "type": "WEBHOOK", "webhook": {"url": "https://shop.lumen.example/", "method": "POST"}, **WRONG[field]}
    answer = await lumen.post("/_actions", body)
    assert (answer.status, [one["field"] for one in answer["errors"]]) == (400, [field])


@pytest.mark.parametrize(
    ("field", "change"),
    {
        "webhook.to": {"to": "Dana"},
        "webhook.from": {"from": "99999999"},
        "webhook.template_name": {"template_name": ""},
        "webhook.body_params[0]": {"body_params": [""]},
    }.items(),
)
async def test_a_template_goes_where_it_can(lumen, number, field, change):
    block = {"to": "12817126508", "from": NUMBER, "template_name": "x", **change}
    answer = await lumen.post("/_actions", {**COMMON, "type": "SEND_WHATSAPP", "webhook": block})
    assert (answer.status, [one["field"] for one in answer["errors"]]) == (400, [field])
