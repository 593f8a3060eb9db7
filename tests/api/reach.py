"""How each route of /api/v1 is reached, for the tests that try every door with every key.

A new route needs a row here, or the tenancy test fails. `body` is a good request where the route takes one, `query` the
filters that name other rows. Names in braces, here and in the path, stand for rows that the test makes (see `CAST`).
"""

from typing import Any, NamedTuple

CAST = (
    "agent_id",
    "number",
    "prefix",
    "conversation_id",
    "contact_id",
    "delivery_id",
    "memory_key_id",
    "tool_id",
    "connector_id",
    "provider",
    "wakeup_id",
    "session_id",
    "call_id",
    "document_id",
    "erasure_id",
)


class Reach(NamedTuple):
    body: Any = None
    query: str = ""
    status: int = 200


REACH = {
    ("POST", "/agents/{agent_id}/documents/"): Reach({"text": "We are open on Sundays.", "name": "Hours"}, status=201),
    ("GET", "/agents/{agent_id}/documents/"): Reach(),
    ("POST", "/agents/{agent_id}/files/"): Reach({"not": "a form"}, status=400),
    ("GET", "/agents/{agent_id}/documents/{document_id}/"): Reach(),
    ("DELETE", "/agents/{agent_id}/documents/{document_id}/"): Reach(status=204),
    ("POST", "/agents/{agent_id}/documents/{document_id}/reindex/"): Reach(status=202),
    ("GET", "/model-providers/"): Reach(),
    ("PUT", "/model-providers/{provider}/"): Reach({"apiKey": "sk-0123456789"}),
    ("DELETE", "/model-providers/{provider}/"): Reach(status=204),
    ("POST", "/conversations/{conversation_id}/prompt/"): Reach({"prompt": "Say hello."}, status=409),  # its agent is no native one
    ("GET", "/conversations/{conversation_id}/wakeups/"): Reach(),
    ("DELETE", "/conversations/{conversation_id}/wakeups/{wakeup_id}/"): Reach(status=204),
    ("GET", "/conversations/{conversation_id}/confirmations/"): Reach(),
    ("POST", "/conversations/{conversation_id}/confirmations/{call_id}/"): Reach({"approve": False}, status=409),  # the same
    ("GET", "/sessions/{session_id}/"): Reach(),
    ("GET", "/usage/"): Reach(query="?agent={agent_id}"),
    ("POST", "/agents/{agent_id}/paywall/{contact_id}/"): Reach({"paid": True}, status=204),
    ("GET", "/agents/{agent_id}/credits/{contact_id}/"): Reach(),
    ("POST", "/agents/{agent_id}/credits/{contact_id}/"): Reach({"amount": 5}),
    ("GET", "/agents/"): Reach(),
    ("POST", "/agents/"): Reach({"name": "Baker"}, status=201),
    ("POST", "/agents/byoa/"): Reach({"webhookUrl": "https://echo.lumen.example/hook"}, status=201),
    ("GET", "/agents/{agent_id}/"): Reach(),
    ("PUT", "/agents/{agent_id}/"): Reach({"name": "Echo 2"}),
    ("PATCH", "/agents/{agent_id}/"): Reach({"description": "Repeats"}),
    ("DELETE", "/agents/{agent_id}/"): Reach(status=204),
    ("POST", "/agents/{agent_id}/duplicate/"): Reach(status=201),
    ("POST", "/agents/{agent_id}/rotate-secret/"): Reach(),
    ("POST", "/agents/{agent_id}/test/"): Reach(),
    ("GET", "/agents/{agent_id}/deliveries/"): Reach(query="?conversation={conversation_id}"),
    ("POST", "/agents/{agent_id}/deliveries/{delivery_id}/replay/"): Reach(status=202),
    ("POST", "/agents/{agent_id}/tools/{tool_id}/run/"): Reach({"arguments": {"order": "1041"}}),
    ("POST", "/agents/{agent_id}/tools/from-curl/"): Reach({"curl": "curl https://api.lumen.example/orders/1041"}),
    ("POST", "/agents/{agent_id}/tools/from-openapi/"): Reach({"document": {"openapi": "3.1.0", "paths": {}}}),
    ("GET", "/api-keys/"): Reach(),
    ("POST", "/api-keys/"): Reach({"name": "Till"}, status=201),
    ("POST", "/api-keys/{prefix}/revoke/"): Reach(),
    ("GET", "/integrations/connectors/"): Reach(),
    ("POST", "/integrations/connectors/"): Reach({"name": "CRM", "url": "https://crm.lumen.example/mcp", "auth": "oauth"}, status=201),
    ("GET", "/integrations/connectors/public/"): Reach(),
    ("GET", "/integrations/connectors/{connector_id}/"): Reach(),
    ("PUT", "/integrations/connectors/{connector_id}/"): Reach({"name": "CRM 2"}),
    ("PATCH", "/integrations/connectors/{connector_id}/"): Reach({"description": "Our customers"}),
    ("DELETE", "/integrations/connectors/{connector_id}/"): Reach(status=204),
    ("POST", "/integrations/connectors/{connector_id}/refresh/"): Reach(),
    ("POST", "/integrations/connectors/{connector_id}/approve/"): Reach({"tools": []}),
    ("POST", "/integrations/connectors/{connector_id}/authorize/"): Reach(status=409),  # its server cannot be reached
    ("GET", "/phone-numbers/"): Reach(),
    ("GET", "/phone-numbers/{number}/"): Reach(),
    ("POST", "/phone-numbers/{number}/connect-agent/"): Reach({"agentId": "{agent_id}"}),
    ("POST", "/phone-numbers/{number}/unsubscribe/"): Reach({"applyToExisting": True}),
    ("GET", "/conversations/"): Reach(query="?agent={agent_id}&contact={contact_id}&whatsappNumber={number}"),
    ("POST", "/conversations/"): Reach(
        {
            "toNumber": "+15550007777",
            "fromNumber": "{number}",
            "agentId": "{agent_id}",
            "message": {"type": "template", "template": {"name": "hi"}},
        },
        status=201,
    ),
    ("GET", "/conversations/{conversation_id}/"): Reach(),
    ("GET", "/conversations/{conversation_id}/messages/"): Reach(),
    ("POST", "/conversations/{conversation_id}/messages/"): Reach({"type": "text", "text": {"body": "Good morning!"}}, status=201),
    ("POST", "/conversations/{conversation_id}/read/"): Reach(),
    ("POST", "/conversations/{conversation_id}/typing/"): Reach(),
    ("POST", "/conversations/{conversation_id}/takeover/"): Reach({"durationMinutes": 5}),
    ("POST", "/conversations/{conversation_id}/handback/"): Reach(),
    ("POST", "/conversations/{conversation_id}/routing/"): Reach({"mode": "agent", "agentId": "{agent_id}"}),
    ("GET", "/conversations/{conversation_id}/timeline/"): Reach(),
    ("GET", "/contacts/"): Reach(),
    ("POST", "/contacts/"): Reach({"phoneNumber": "+15550006666", "name": "Max"}, status=201),
    ("POST", "/contacts/bulk/"): Reach({"contacts": [{"phoneNumber": "+15550005555"}]}, status=201),
    ("GET", "/contacts/{contact_id}/"): Reach(),
    ("PATCH", "/contacts/{contact_id}/"): Reach({"name": "Dana B."}),
    ("POST", "/contacts/{contact_id}/erase/"): Reach(status=202),
    ("GET", "/erasures/"): Reach(),
    ("GET", "/erasures/{erasure_id}/"): Reach(),
    ("GET", "/contacts/{contact_id}/memory/"): Reach(query="?agent={agent_id}"),
    ("PUT", "/contacts/{contact_id}/memory/{memory_key_id}/"): Reach({"value": "rye"}),
    ("DELETE", "/contacts/{contact_id}/memory/{memory_key_id}/"): Reach(status=204),
    ("GET", "/contacts/{contact_id}/memory/{memory_key_id}/history/"): Reach(),
}
