"""The OpenAPI document and the page made from it."""

import json
import re
import shlex

import pytest

from dragoman.errors import Forbidden, Invalid, NotFound, RateLimited, TooLarge, TooSlow, Unauthorized, Unavailable

PARAMETER = re.compile(r"\{(\w+)\}")


@pytest.fixture
async def document(lumen):
    return (await lumen.get("/openapi.json", key=None)).body


async def test_every_operation_is_named_once_and_needs_a_key(document):
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert all(operation["security"] == [{"ApiKeyAuth": []}] for operation in operations)
    assert all(operation["summary"] and operation["tags"] for operation in operations)
    assert all(path.startswith("/api/v1/") and path.endswith("/") for path in document["paths"])
    assert document["servers"] == [{"url": "https://dragoman.example"}]


async def test_every_operation_names_what_may_go_wrong_whatever_it_does(document):
    anywhere = {Invalid, Unauthorized, Forbidden, NotFound, TooSlow, TooLarge, RateLimited, Unavailable}
    for path in document["paths"].values():
        for operation in path.values():
            assert {str(problem.status) for problem in anywhere} <= set(operation["responses"])


async def test_every_reference_in_the_document_leads_somewhere(document):
    text = json.dumps(document)
    for name in set(re.findall(r'"#/components/schemas/([^"]+)"', text)):
        assert name in document["components"]["schemas"]
    assert "HTTPValidationError" not in text
    assert not [name for name in document["components"]["schemas"] if not name.isalnum()]


async def test_no_answer_can_hold_a_secret_but_where_it_is_made(document):
    secrets = {"secret", "key", "webhookSecret", "accessToken", "appSecret", "keyHash", "verifyToken", "password", "token"}
    holders = {
        (name, field)
        for name, schema in document["components"]["schemas"].items()
        for field in schema.get("properties", {})
        if field in secrets
    }
    names = {("Param", "secret")}  # whether it is one
    names |= {("Memory", "key"), ("MemoryKeyInput", "key"), ("MemoryKeyShown", "key")}  # of a memory, and no secret
    names |= {("OutboundTriggerInput", "secret"), ("OutboundTriggerShown", "secret")}  # one that we made: nobody else knows it
    assert holders - names == {("Byoa", "secret"), ("NewApiKey", "key")}


async def test_the_page_shows_every_operation_with_a_line_to_copy(lumen, document):
    page = (await lumen.get("/docs/", key=None)).body.decode()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert f'id="{operation["operationId"]}"' in page
        assert PARAMETER.sub(lambda found: f"${found[1].upper()}", path) in page
    assert page.count("<button") == 1 + sum(len(operations) for operations in document["paths"].values())


async def test_the_page_needs_nothing_from_elsewhere(lumen):
    page = await lumen.get("/docs/", key=None)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    text = page.body.decode()
    loaded = re.findall(r'(?:src|href)="([^"#]+)"', text)
    assert sorted(loaded) == ["../openapi.json", "docs.css", "docs.js"]
    assert "style=" not in text
    for file in ("docs.css", "docs.js"):
        assert (await lumen.get(f"/docs/{file}", key=None)).status == 200
    assert (await lumen.get("/docs", key=None)).status == 200


async def test_a_copied_line_works(lumen, document):
    page = (await lumen.get("/docs/", key=None)).body.decode()
    article = page[page.index('id="api_v1_agents_byoa_create"') :]
    line = article[article.index("<pre>") + 5 : article.index("</pre>")].replace("&#34;", '"').replace("&#39;", "'")
    command = shlex.split(line)
    assert command[:4] == ["curl", "-X", "POST", "https://dragoman.example/api/v1/agents/byoa/"]
    made = await lumen.post("/agents/byoa/", json.loads(command[command.index("-d") + 1]) | {"webhookUrl": "https://echo.lumen.example/"})
    assert made.status == 201
