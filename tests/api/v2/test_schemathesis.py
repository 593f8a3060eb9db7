"""Every operation of the second dialect's document, called with good and with bad data that nobody thought of by hand."""

import json

import pytest
from native import Second
from tests.api.test_schemathesis import COMMON, held_to, lumen  # noqa: F401 - a fixture

from dragoman.ids import new_id

NUMBER = "106540000000001"
# What a schema cannot say, and these answer with 400: a number that no country gives out, an action's own block, a model that nobody
# answers for, an address that leads nowhere public, a number that is taken.
BEYOND_THE_SCHEMA = [
    "POST /v2/_new_assistants",
    "PUT /v2/_new_assistants/{assistant_id}",
    "POST /v2/_actions",
    "PUT /v2/_actions/{action_id}",
    "POST /v2/_knowledge_base",
    "PUT /v2/_knowledgebase/{kb_id}",
    "GET /v2/_customers",
    "POST /v2/_customers",
    "PUT /v2/_customers/{customer_id}",
    "POST /v2/_api_keys",
    "POST /v2/_integrations",
    "POST /v2/_campaign/create_with_touchpoint",
    "POST /v2/_campaign/suppressions",
]
CONFIGURATION = f"""{COMMON}
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "404"]

[parameters]
"body.phone_number" = {{ dictionary = "numbers", probability = 0.7 }}
"body.phone" = {{ dictionary = "phones", probability = 0.7 }}
"""
# 409: an Idempotency-Key came again too early, or the most of something is reached. 400: the same key with another body.
BEYOND = """
[[operations]]
include-name = "{}"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404", "409"]
"""
# Calls are not served, and are refused after a few in each minute.
OTHERS = """
[[operations]]
include-name = "{}"
enabled = false
"""


@pytest.fixture
async def things(lumen):  # noqa: F811
    """What the path parameters of the document stand for."""
    second = Second(lumen)
    kb = await second.call("POST", "/_knowledge_base", {"name": "Menu"})
    await second.call("PUT", f"/_knowledgebase/{kb['id']}", {"faqs": ["Q: Rye?|A: Yes."]})
    action = await second.action("DTMF_ACTION", webhook={})
    new = {"name": "Maya", "type": "WHATSAPP", "model": "cw-llm-1", "instructions": "Sell bread.", "phone_number": NUMBER}
    assistant = (await second.call("POST", "/_new_assistants?force=true", new))["assistant_id"]
    customer = (await second.call("POST", "/_customers", {"phone": "+15550001111", "name": "Dana"}))["id"]
    return {
        "assistant_id": assistant,
        "action_id": action,
        "kb_id": kb["id"],
        "document_id": str(new_id()),
        "customer_id": customer,
        "key_id": "wak_live_00000000",
        "integration_id": str(new_id()),
        "campaign_id": str(new_id()),
        "phone": "15550009999",
    }


def configuration(lumen, things):  # noqa: F811
    words = {"numbers": [NUMBER], "phones": ["+15550007890", "+15550006666"]}
    deleted = {"assistant_id": "_new_assistants", "action_id": "_actions", "kb_id": "_knowledgebase", "customer_id": "_customers"}
    lines = [
        f"base-url = {json.dumps(lumen.url)}",
        f"headers.Authorization = {json.dumps('Bearer ' + Second(lumen).token)}",
        *(f"dictionaries.{name}.values = {json.dumps(values)}" for name, values in words.items()),
        CONFIGURATION,
        *(f'"path.{name}" = {json.dumps(value)}' for name, value in things.items()),
        *(BEYOND.format(name) for name in BEYOND_THE_SCHEMA),
        *(OTHERS.format(name) for name in ("POST /v2/_call", "GET /v2/_calls", "POST /v2/_login")),
    ]
    for name, path in deleted.items():  # none: those that there are stay
        lines += [
            f'[[operations]]\ninclude-name = "DELETE /v2/{path}/{{{name}}}"',
            f'parameters."path.{name}" = {json.dumps(str(new_id()))}',
        ]
    return "\n".join(lines)


async def test_every_operation_does_what_the_document_says(lumen, things, tmp_path):  # noqa: F811
    config = tmp_path / "schemathesis.toml"
    config.write_text(configuration(lumen, things))
    await held_to(f"{lumen.url}/v2/openapi.json", config)
