"""Every operation of the served document, called with good and with bad data that nobody thought of by hand.

The real program serves, with the sandbox for WhatsApp. Schemathesis reads the document from it, calls, and holds the answers
against what the document says, with every check it has. It runs as a command: its pytest plugin does not know pytest 9.2 yet.
Ids in addresses are those of things that exist, so that calls get further than 404.
"""

import asyncio
import json
import sys

import aiohttp
import pytest
from cast import Lumen, Phone, until
from program import Program
from stage import free_port
from tests.api.story import Story

from dragoman.accounts import keys, numbers, organisations
from dragoman.accounts.secrets import Vault
from dragoman.clock import Clock
from dragoman.ids import new_id

SECRET_KEY = "a secret key for tests, of more than 32 characters"
NOBODY = "http://127.0.0.1:9/"
OWN_NUMBER = "15550002222"
EXAMPLES = 12  # of its fuzzing; what it derives from the schema itself is some 3000 calls

# What a schema cannot say, and these answer with 400: a number that no country gives out, a time in the past, buttons of two
# types, an agent that has nobody to answer, an address that leads nowhere public.
BEYOND_THE_SCHEMA = [
    "POST /api/v1/agents/",
    "POST /api/v1/agents/byoa/",
    "POST /api/v1/agents/{agent_id}/credits/{contact_id}/",
    "POST /api/v1/agents/{agent_id}/documents/",
    "POST /api/v1/agents/{agent_id}/files/",
    "PUT /api/v1/agents/{agent_id}/",
    "PATCH /api/v1/agents/{agent_id}/",
    "POST /api/v1/agents/{agent_id}/tools/from-curl/",
    "POST /api/v1/agents/{agent_id}/tools/from-openapi/",
    "POST /api/v1/agents/{agent_id}/tools/{tool_id}/run/",
    "POST /api/v1/api-keys/",
    "POST /api/v1/contacts/",
    "POST /api/v1/contacts/bulk/",
    "PATCH /api/v1/contacts/{contact_id}/",
    "PUT /api/v1/contacts/{contact_id}/memory/{memory_key_id}/",
    "POST /api/v1/conversations/",
    "POST /api/v1/conversations/{conversation_id}/messages/",
    "POST /api/v1/conversations/{conversation_id}/routing/",
    "POST /api/v1/integrations/connectors/",
    "PUT /api/v1/integrations/connectors/{connector_id}/",
    "PATCH /api/v1/integrations/connectors/{connector_id}/",
    "POST /api/v1/integrations/connectors/{connector_id}/approve/",
    "PUT /api/v1/model-providers/{provider}/",
    "POST /api/v1/phone-numbers/{number}/connect-agent/",
]
# Of both dialects.
COMMON = """
[generation]
allow-x00 = false  # a NUL is refused everywhere, and a schema cannot say so

[phases]
stateful.enabled = false
examples.extra-data-sources.responses = false
coverage.extra-data-sources.responses = false
fuzzing.extra-data-sources.responses = false
"""
CONFIGURATION = f"""{COMMON}
[checks]
# 422: the Idempotency-Key came with another body before
positive_data_acceptance.expected-statuses = ["2xx", "404", "409", "422"]

[parameters]
"body.agentId" = {{ dictionary = "agents", probability = 0.7 }}
"body.toNumber" = {{ dictionary = "phones", probability = 0.7 }}
"body.phoneNumber" = {{ dictionary = "phones", probability = 0.7 }}
"body.contacts[*].phoneNumber" = {{ dictionary = "phones", probability = 0.7 }}
"body.fromNumber" = {{ dictionary = "numbers", probability = 0.7 }}
"""
BEYOND = """
[[operations]]
include-name = "{}"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404", "409", "422"]
"""


@pytest.fixture
async def lumen(database_uri, database, tmp_path):
    """Bakery Lumen on the real program, with a key and a number of its own."""
    port = free_port()
    settings = {"database_url": database_uri, "secret_key": SECRET_KEY, "data_dir": tmp_path, "public_url": f"http://127.0.0.1:{port}"}
    options = {"graph_url": "sandbox", "allow_private_urls": "127.0.0.0/8", "api_rate_limit": 1_000_000}
    program = Program(port, settings | options, tmp_path / "server.log")
    await program.start()
    vault, clock = Vault(SECRET_KEY), Clock()
    organisation_id = await organisations.default(database, clock)
    _, key = await keys.create(database, vault, clock, organisation_id, "Till")
    async with aiohttp.ClientSession() as session:
        lumen = Lumen(program.url, key, session, None, organisation_id)
        made = await lumen.control("POST", "/numbers", {"display_number": OWN_NUMBER, "name": "Lumen"})
        own = {name: made[name] for name in ("app_id", "phone_number_id", "waba_id", "access_token")}
        await numbers.add_number(database, vault, clock, organisation_id, numbers.NewNumber(**own, display_number=OWN_NUMBER))
        yield lumen
    program.terminate()


@pytest.fixture
async def things(lumen, database):
    """What the path parameters of the document stand for, and an agent that may be deleted."""
    echo = await lumen.post("/agents/byoa/", {"webhookUrl": NOBODY, "name": "Echo", "byoa": {"retryDelays": []}})
    await lumen.post(f"/phone-numbers/{OWN_NUMBER}/connect-agent/", {"agentId": echo["id"]})
    number = (await lumen.get(f"/phone-numbers/{OWN_NUMBER}/"))["whatsappPhoneNumberId"]
    await (await Phone.of(lumen, name="Dana", phone="+15550007890")).says("Hello", number=number)

    async def called():
        return (await lumen.get(f"/agents/{echo['id']}/deliveries/"))["results"]

    [delivery] = await until(called, "Echo is called")
    conversation = await lumen.conversation("Dana")
    cook = await lumen.post("/agents/", {"name": "Cook"})  # Echo's keys are replaced by what comes with PATCH
    memory_key = await Story(database, Clock(), lumen.organisation_id).memory_key(cook["id"], "notes", type="json")
    tool = await Story(database, Clock(), lumen.organisation_id).api_tool(cook["id"])
    return {
        "agent_id": echo["id"],
        "number": OWN_NUMBER,
        "prefix": (await lumen.post("/api-keys/", {"name": "Spare"}))["prefix"],
        "conversation_id": conversation["id"],
        "contact_id": conversation["contact"]["id"],
        "delivery_id": delivery["id"],
        "connector_id": str(await Story(database, Clock(), lumen.organisation_id).connector()),
        "memory_key_id": str(memory_key),
        "tool_id": str(tool),
    }


def configuration(lumen, things, spare):
    """What schemathesis.toml says."""
    words = {"agents": [things["agent_id"]], "numbers": [OWN_NUMBER, "15550001234"], "phones": ["+15550007890", "15550006666"]}
    lines = [
        f"base-url = {json.dumps(lumen.url)}",
        f"headers.X-API-Key = {json.dumps(lumen.key)}",
        *(f"dictionaries.{name}.values = {json.dumps(values)}" for name, values in words.items()),
        CONFIGURATION,
        *(f'"path.{name}" = {json.dumps(value)}' for name, value in things.items()),
        *(BEYOND.format(name) for name in BEYOND_THE_SCHEMA),
        '[[operations]]\ninclude-name = "DELETE /api/v1/agents/{agent_id}/"',
        f'parameters."path.agent_id" = {json.dumps(spare["id"])}',
        '[[operations]]\ninclude-name = "DELETE /api/v1/integrations/connectors/{connector_id}/"',
        f'parameters."path.connector_id" = {json.dumps(str(new_id()))}',  # none: the one that there is stays
    ]
    return "\n".join(lines)


async def test_every_operation_does_what_the_document_says(lumen, things, tmp_path):
    spare = await lumen.post("/agents/", {"name": "Spare"})
    config = tmp_path / "schemathesis.toml"
    config.write_text(configuration(lumen, things, spare))
    await held_to(f"{lumen.url}/api/v1/openapi.json", config)


async def held_to(document, config):
    """Run schemathesis against a served document; what it found wrong is the error."""
    options = ["--max-examples", str(EXAMPLES), "--generation-deterministic", "--continue-on-failure", "--no-color"]
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", document]
    output = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.STDOUT}
    process = await asyncio.create_subprocess_exec(*command, *options, cwd=config.parent, **output)
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
