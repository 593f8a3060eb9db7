"""How each route of /v2 is reached, for the tests that try every door with every token.

A new route needs a row here, or the tenancy test fails. Names in braces, here and in the path, stand for rows that the test makes.
"""

from typing import Any, NamedTuple

CAST = (
    "assistant_id",
    "action_id",
    "kb_id",
    "document_id",
    "customer_id",
    "key_id",
    "integration_id",
    "phone_number",
    "campaign_id",
    "phone",
)


class Reach(NamedTuple):
    body: Any = None
    query: str = ""
    status: int = 200


ASSISTANT = {
    "name": "Second",
    "type": "WHATSAPP",
    "model": "cw-llm-1",
    "instructions": "x",
    "phone_number": "{phone_number}",
    "force": True,
}
ACTION = {"name": "Status", "description": "x", "action_timing": "DURING", "type": "WEBHOOK"}
WEBHOOK = {"webhook": {"url": "https://shop.lumen.example/", "method": "GET"}}
TWILIO = {"account_sid": "AC1", "auth_token": "0123456789abcdef"}

CAMPAIGN = {
    "name": "Rye day",
    "touchpoint": {
        "name": "First",
        "type": "WHATSAPP",
        "status": "paused",
        "start_at": "2030-01-01T09:00:00Z",
        "assistant_id": "{assistant_id}",
        "customer_details": [{"to_number": "+15550004444"}],
        "additional_settings": {"from_numbers": ["{phone_number}"]},
        "whatsapp_data": {"template": "rye_day"},
    },
}

REACH = {
    ("POST", "/_new_assistants"): Reach({**ASSISTANT, "kb_id": "{kb_id}", "action_ids": ["{action_id}"]}, status=201),
    ("GET", "/_new_assistants"): Reach(),
    ("GET", "/_new_assistants/{assistant_id}"): Reach(),
    ("PUT", "/_new_assistants/{assistant_id}"): Reach(
        {"kb_id": "{kb_id}", "action_ids": ["{action_id}"], "phone_number": "{phone_number}"}
    ),
    ("DELETE", "/_new_assistants/{assistant_id}"): Reach(),
    ("POST", "/_actions"): Reach({**ACTION, **WEBHOOK}, status=201),
    ("GET", "/_actions"): Reach(),
    ("GET", "/_actions/{action_id}"): Reach(),
    ("PUT", "/_actions/{action_id}"): Reach({**ACTION, **WEBHOOK}),
    ("DELETE", "/_actions/{action_id}"): Reach(),
    ("POST", "/_knowledge_base"): Reach({"name": "Hours"}, status=201),
    ("GET", "/_knowledge_base"): Reach(),
    ("GET", "/_knowledge_base/{kb_id}"): Reach(),
    ("PUT", "/_knowledge_base/{kb_id}"): Reach({"name": "Renamed"}),
    ("DELETE", "/_knowledge_base/{kb_id}"): Reach(),
    ("GET", "/_knowledge_base/{kb_id}/documents"): Reach(),
    ("DELETE", "/_knowledge_base/{kb_id}/documents/{document_id}"): Reach(),
    ("GET", "/_customers"): Reach(query="?phone=15550001111"),
    ("POST", "/_customers"): Reach({"phone": "+15550003333"}, status=201),
    ("GET", "/_customers/{customer_id}"): Reach(),
    ("PUT", "/_customers/{customer_id}"): Reach({"name": "Renamed"}),
    ("DELETE", "/_customers/{customer_id}"): Reach(),
    ("POST", "/_call"): Reach({"phone_number": "+15550001111", "agent_id": "{assistant_id}"}, status=501),
    ("GET", "/_calls"): Reach(status=501),
    ("POST", "/_api_keys"): Reach({"name": "Door"}, status=201),
    ("GET", "/_api_keys"): Reach(),
    ("DELETE", "/_api_keys/{key_id}"): Reach(),
    ("GET", "/_token_activity"): Reach(query="?assistant_id={assistant_id}"),
    ("GET", "/_token_activity/totals"): Reach(query="?assistant_id={assistant_id}"),
    ("POST", "/_integrations"): Reach({"type": "twilio", "name": "Texts", "settings": TWILIO}, status=201),
    ("GET", "/_integrations"): Reach(),
    ("GET", "/_integrations/{integration_id}"): Reach(),
    ("DELETE", "/_integrations/{integration_id}"): Reach(),
    ("GET", "/_phone_numbers"): Reach(),
    ("POST", "/_campaign/create_with_touchpoint"): Reach(CAMPAIGN, status=201),
    ("GET", "/_campaign"): Reach(),
    ("GET", "/_campaign/suppressions"): Reach(),
    ("POST", "/_campaign/suppressions"): Reach({"phones": ["+15550004444"]}, status=201),
    ("DELETE", "/_campaign/suppressions/{phone}"): Reach(),
    ("GET", "/_campaign/{campaign_id}"): Reach(),
    ("GET", "/_campaign/{campaign_id}/statistics"): Reach(),
    ("GET", "/_campaign/{campaign_id}/recipients"): Reach(),
    ("POST", "/_campaign/{campaign_id}/pause"): Reach(),
    ("POST", "/_campaign/{campaign_id}/resume"): Reach(),
    ("POST", "/_campaign/{campaign_id}/cancel"): Reach(),
    ("DELETE", "/_campaign/{campaign_id}"): Reach(),
}
