"""What the published document of `POST /api/v1/agents/byoa/` promises, checked against that document itself."""

from datetime import datetime
from pathlib import Path

import jsonschema
import pytest
import yaml

SEED = Path(__file__).parent.parent / "fixtures" / "seeds" / "wassist_create_byoa.yaml"
URL = "https://echo.lumen.example/hook"
FORMATS = jsonschema.FormatChecker(["uuid"])


@FORMATS.checks("date-time", raises=ValueError)
def is_a_time(value):
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@pytest.fixture(scope="module")
def document():
    return yaml.safe_load(SEED.read_text())


@pytest.fixture(scope="module")
def checked(document):
    """Check a value against a schema of the document, with the formats (uuid, date-time) checked too."""

    def checked(name, value):
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.Draft202012Validator(schema, format_checker=FORMATS).validate(value)
        return True

    return checked


def test_the_check_itself_finds_faults(checked):
    with pytest.raises(jsonschema.ValidationError, match="is not a 'uuid'"):
        checked("AgentDocument", {"id": "1", "name": "menu", "file": "", "status": "ready"})
    with pytest.raises(jsonschema.ValidationError, match="is not a 'date-time'"):
        jsonschema.validate("yesterday", {"format": "date-time"}, format_checker=FORMATS)


async def test_the_answer_of_create_byoa_is_the_published_agent(lumen, document, checked):
    sent = {"webhookUrl": URL}
    operation = document["paths"]["/api/v1/agents/byoa/"]["post"]
    assert list(operation["responses"]) == ["201"]
    assert checked("CreateBYOAAgentInput", sent)

    created = await lumen.post("/agents/byoa/", sent)

    assert created.status == 201
    assert checked("Agent", created.body)


async def test_so_is_every_agent_on_a_number_with_everything_set(lumen, checked):
    echo = await lumen.echo()
    await lumen.add_number(is_sandbox=True)
    await lumen.post("/phone-numbers/15550001234/connect-agent/", {"agentId": echo["id"]})
    configured = {
        "profilePicture": {"url": "https://lumen.example/e.png"},
        "paywallConfig": {"messageLimit": 3},
        "adConfig": {"everyAnswers": 5, "text": "Bread!"},
        "creditSettings": '{"initialCredits": 5}',
        "voiceCallConfig": None,
        "icebreakers": ["Menu?"],
    }
    changed = await lumen.patch(f"/agents/{echo['id']}/", configured)

    assert changed["phoneNumbers"]
    for agent in (changed, await lumen.get(f"/agents/{echo['id']}/"), await lumen.post(f"/agents/{echo['id']}/duplicate/")):
        assert checked("Agent", agent.body)
    assert all(checked("Agent", agent) for agent in (await lumen.get("/agents/"))["results"])


async def test_our_own_document_publishes_the_same_operation(lumen, document):
    ours = (await lumen.get("/openapi.json", key=None)).body
    theirs = document["paths"]["/api/v1/agents/byoa/"]["post"]
    operation = ours["paths"]["/api/v1/agents/byoa/"]["post"]
    assert operation["operationId"] == theirs["operationId"]
    assert operation["security"] == theirs["security"]
    assert ours["components"]["securitySchemes"]["ApiKeyAuth"] == document["components"]["securitySchemes"]["ApiKeyAuth"]
    assert set(document["components"]["schemas"]["Agent"]["required"]) <= set(ours["components"]["schemas"]["Agent"]["properties"])
