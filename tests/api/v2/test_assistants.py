"""Assistants as ContactSwing's clients make them: the reference's own request, and every field's effect on the agent."""

import json
from pathlib import Path

import pytest

SEED = json.loads((Path(__file__).parents[2] / "fixtures" / "seeds" / "contactswing_create_whatsapp_agent.json").read_text())
NUMBER = "650175178190170"


@pytest.fixture
async def number(lumen):
    return await lumen.add_number("+12817126508", phone_number_id=NUMBER)


async def test_the_references_request_with_real_values_works(lumen, number):
    kb = await lumen.made("/_knowledge_base", {"name": "Menu"})
    action = await lumen.made("/_actions", ACTION)
    integration = await lumen.made(
        "/_integrations", {"type": "twilio", "name": "Texts", "settings": {"account_sid": "AC1", "auth_token": "x" * 32}}
    )
    real = SEED["request"] | {
        "name": "My WhatsApp AI Agent",
        "type": "WHATSAPP",
        "model": "cw-llm-1",
        "api_keys": [str(integration["number"])],
        "instructions": "Take orders.",
        "prompts": {"agent": "You are Maya.", "goal": "A complete order."},
        "phone_number": NUMBER,
        "kb_id": kb["id"],
        "action_ids": [action["action_id"]],
        "additional_settings": {"idle_time": 24, "max_messages": 10},
        "incoming_call_greeting": "Welcome to Lumen!",
    }
    assert set(real) == set(SEED["request"])
    answer = await lumen.post("/_new_assistants", real)
    assert answer.status == 201
    assert set(answer.body) == set(SEED["answer"])
    assert set(answer["data"]) == set(SEED["answer"]["data"])
    assert answer["data"]["name"] == "My WhatsApp AI Agent"
    shown = await lumen.got(f"/_new_assistants/{answer['data']['assistant_id']}")
    assert {name: shown[name] for name in real if name != "additional_settings"} == {
        name: value for name, value in real.items() if name != "additional_settings"
    }
    assert (shown["additional_settings"]["idle_time"], shown["additional_settings"]["max_messages"]) == (24, 10)


async def test_the_request_without_every_optional_field_works(lumen, number):
    required = {"name": "Baker", "type": "WHATSAPP", "model": "cw-llm-1", "instructions": "Sell bread.", "phone_number": NUMBER}
    made = await lumen.made("/_new_assistants", required)
    shown = await lumen.got(f"/_new_assistants/{made['assistant_id']}")
    assert (shown["kb_id"], shown["action_ids"], shown["api_keys"], shown["incoming_call_greeting"]) == (None, [], [], "")
    assert shown["additional_settings"] == {"idle_time": 24, "max_messages": None, "closing_message": "", "link_domains": None}
    for field in required:
        answer = await lumen.post("/_new_assistants", {name: value for name, value in required.items() if name != field})
        assert answer.status == 400
        assert answer["errors"] == [{"field": field, "message": "it is missing"}]


async def test_the_other_dialect_shows_the_same_agent(lumen, number):
    await lumen.assistant(
        NUMBER,
        prompts={"agent": "You are Maya.", "goal": "An order."},
        additional_settings={"idle_time": 2, "max_messages": 5},
        incoming_call_greeting="Hi!",
    )
    [agent] = (await lumen.first.get("/agents/?representation=object"))["results"]
    assert (agent["systemPrompt"], agent["firstMessage"], agent["llmModel"]) == ("Sell bread.", "Hi!", "cw-llm-1")
    native = agent["native"]
    assert (native["persona"], native["goal"], native["idleHours"], native["maxMessages"]) == ("You are Maya.", "An order.", 2, 5)
    assert native["closingText"]
    shown = (await lumen.first.get("/phone-numbers/12817126508/")).body
    assert shown["activeAgent"]["name"] == "Baker"


async def test_a_copy_made_by_the_other_dialect_has_the_same_actions_and_knowledge(lumen, number):
    kb = (await lumen.made("/_knowledge_base", {"name": "Menu"}))["id"]
    action = (await lumen.made("/_actions", ACTION))["action_id"]
    await lumen.assistant(NUMBER, kb_id=kb, action_ids=[action])
    [agent] = (await lumen.first.get("/agents/"))["results"]
    await lumen.first.post(f"/agents/{agent['id']}/duplicate/")
    copied, original = (await lumen.got("/_new_assistants"))["data"]
    assert (copied["name"], copied["kb_id"], copied["action_ids"]) == ("Copy of Baker", kb, [action])
    assert (copied["phone_number"], original["phone_number"]) == (None, NUMBER)


async def test_both_spellings_and_a_last_slash_are_the_same_address(lumen, number):
    await lumen.assistant(NUMBER)
    for path in ("/_new_assistants", "/new_assistants", "/_new_assistants/", "/new_assistants?page=1"):
        assert (await lumen.got(path))["pagination"]["total_records"] == 1
    await lumen.made("/knowledge_base", {"name": "Menu"})
    for path in ("/_knowledge_base", "/_knowledgebase", "/knowledge_base", "/knowledgebase"):
        assert (await lumen.got(path))["pagination"]["total_records"] == 1


async def test_dotted_names_are_read_as_nested_ones(lumen, number):
    made = await lumen.assistant(NUMBER, additional_settings={"additional_settings.idle_time": 12, "additional_settings.max_messages": 3})
    shown = await lumen.got(f"/_new_assistants/{made}")
    assert (shown["additional_settings"]["idle_time"], shown["additional_settings"]["max_messages"]) == (12, 3)
    changed = await lumen.got(f"/_new_assistants/{made}", "PUT", {"additional_settings.idle_time": 6})
    assert (changed["additional_settings"]["idle_time"], changed["additional_settings"]["max_messages"]) == (6, 3)


async def test_a_number_has_one_assistant_unless_it_is_taken_over(lumen, number):
    first = await lumen.assistant(NUMBER)
    again = {"name": "Second", "type": "WHATSAPP", "model": "cw-llm-1", "instructions": "x", "phone_number": NUMBER}
    refused = await lumen.post("/_new_assistants", again)
    assert (refused.status, refused["errors"][0]["field"]) == (400, "phone_number")
    assert (await lumen.got("/_new_assistants"))["pagination"]["total_records"] == 1
    taken = await lumen.made("/_new_assistants?force=true", again)
    assert (await lumen.got(f"/_new_assistants/{first}"))["phone_number"] is None
    assert (await lumen.got(f"/_new_assistants/{taken['assistant_id']}"))["phone_number"] == NUMBER
    back = await lumen.got(f"/_new_assistants/{first}", "PUT", {"phone_number": int(NUMBER), "force": True})
    assert back["phone_number"] == NUMBER


@pytest.mark.parametrize(
    ("field", "change"),
    {
        "type": {"type": "SMS", "sms_type": "OUTBOUND"},
        "phone_number": {"phone_number": "999999999999999"},
        "kb_id": {"kb_id": "0198c5a2-7c1e-7d4b-9a55-3f0e6b1c2d4e"},
        "action_ids": {"action_ids": ["0198c5a2-7c1e-7d4b-9a55-3f0e6b1c2d4e"]},
        "api_keys[0]": {"api_keys": [{"api_key_id": 134, "type": "MODEL"}]},
        "model": {"model": "openai/gpt-5.4"},
        "additional_settings.idle_time": {"additional_settings": {"idle_time": 0}},
        "additional_settings.max_messages": {"additional_settings": {"max_messages": -1}},
        "additional_settings.link_domains[0]": {"additional_settings": {"link_domains": ["lumen.example/menu"]}},
        "incoming_call_greeting": {"incoming_call_greeting": "x" * 5000},
        "voice_id": {"voice_id": "en-US-LunaNeural"},
    }.items(),
)
async def test_what_cannot_work_is_refused_and_says_where(lumen, number, field, change):
    new = {"name": "Baker", "type": "WHATSAPP", "model": "cw-llm-1", "instructions": "Sell bread.", "phone_number": NUMBER}
    answer = await lumen.post("/_new_assistants", new | change)
    assert answer.status == 400
    assert set(answer.body) == {"ctx_id", "message", "errors"}
    assert [one["field"] for one in answer["errors"]] == [field]
    assert (await lumen.got("/_new_assistants"))["pagination"]["total_records"] == 0


async def test_an_assistant_is_changed_and_deleted(lumen, number):
    made = await lumen.assistant(NUMBER, prompts={"agent": "You are Maya.", "goal": "An order."})
    changed = await lumen.got(f"/_new_assistants/{made}", "PUT", {"name": "Maya", "prompts": {"goal": "A happy guest."}})
    assert (changed["name"], changed["prompts"], changed["instructions"]) == (
        "Maya",
        {"agent": "You are Maya.", "goal": "A happy guest."},
        "Sell bread.",
    )
    assert (await lumen.got(f"/_new_assistants/{made}", "DELETE")) == {"id": made}
    assert (await lumen.get(f"/_new_assistants/{made}")).status == 404
    assert (await lumen.got("/_phone_numbers"))["data"][0]["assistant_id"] is None


ACTION = {
    "name": "Order status",
    "description": "When the customer asks where the order is.",
    "action_timing": "DURING",
    "type": "WEBHOOK",
    "webhook": {"url": "https://shop.lumen.example/status", "method": "POST"},
}


async def test_links_may_lead_to_the_listed_domains_alone(lumen, number):
    made = await lumen.assistant(NUMBER, additional_settings={"link_domains": ["Bücher.example"]})
    assert (await lumen.got(f"/_new_assistants/{made}"))["additional_settings"]["link_domains"] == ["xn--bcher-kva.example"]
    for sent, kept in (({"idle_time": 3}, ["xn--bcher-kva.example"]), ({"link_domains": []}, []), ({"link_domains": None}, None)):
        changed = await lumen.got(f"/_new_assistants/{made}", "PUT", {"additional_settings": sent})
        assert changed["additional_settings"]["link_domains"] == kept
