"""A business comes from ContactSwing: a token from the command line, the request of the documentation, and its number answers."""

import json
import re
from pathlib import Path

import pytest
from cast import NUMBER, until
from native import SECRET_KEY
from program import run

PAGE = (Path(__file__).parents[2] / "docs" / "contactswing.md").read_text()


@pytest.fixture
def dragoman(database_uri, tmp_path):
    settings = {"database_url": database_uri, "secret_key": SECRET_KEY, "data_dir": tmp_path}

    async def dragoman(*words, **more):
        code, out, complaint = await run(*words, **more, **settings)
        assert (code, complaint) == (0, ""), complaint
        return out.strip()

    return dragoman


async def called(lumen, method, path, token, body=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with lumen.session.request(method, f"{lumen.url}/v2{path}", json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_the_request_of_the_page_makes_an_assistant_that_answers(lumen, dana, dragoman):
    token = await dragoman("tokens", "create", "--name", "shop", "--permission", "assistants:write")
    [documented] = re.findall(r"_new_assistants .*? -d '(\{.*?\})'", PAGE, re.DOTALL)
    status, made = await called(lumen, "POST", "/_new_assistants", token, json.loads(documented) | {"phone_number": NUMBER})
    assert (status, set(made["data"])) == (201, {"assistant_id", "name"})
    await dana.says("Hello?")
    assert await dana.hears_text(2) == ["Welcome to Lumen!", "I am not sure I understood. Could you say it in other words?"]
    assert (await called(lumen, "GET", "/_customers", token))[0] == 403
    await dragoman("tokens", "call-back")
    assert (await called(lumen, "GET", "/_new_assistants", token))[0] == 401


async def test_a_member_is_added_and_logs_in(lumen, dragoman):
    assert await dragoman("members", "add", "--email", "maya@lumen.example", said="a long password\n") == "maya@lumen.example can log in"
    status, answer = await called(lumen, "POST", "/_login", None, {"email": "maya@lumen.example", "password": "a long password"})
    assert status == 200
    assert (await called(lumen, "GET", "/_phone_numbers", answer["data"]["token"]))[0] == 200
    assert "maya@lumen.example" in await dragoman("members", "list")
    await dragoman("members", "remove", "--email", "maya@lumen.example")
    assert (await called(lumen, "GET", "/_phone_numbers", answer["data"]["token"]))[0] == 401


async def test_a_knowledge_base_is_what_it_answers_from(lumen, dana, dragoman):
    token = await dragoman("tokens", "create")
    kb = (await called(lumen, "POST", "/_knowledge_base", token, {"name": "Menu"}))[1]["data"]["id"]
    faqs = {"faqs": ["Q: Are you open on Sundays?|A: Yes, from 8 to 13."]}
    await called(lumen, "PUT", f"/_knowledgebase/{kb}", token, faqs)
    new = {"name": "Maya", "type": "WHATSAPP", "model": "cw-llm-1", "instructions": "x", "phone_number": NUMBER, "kb_id": kb}
    assert (await called(lumen, "POST", "/_new_assistants", token, new))[0] == 201
    await lumen_reads(lumen, token, kb)
    await dana.says("Are you open on Sundays?")
    assert await dana.hears_text() == ["Yes, from 8 to 13."]


async def lumen_reads(lumen, token, kb):
    async def ready():
        return (await called(lumen, "GET", f"/_knowledge_base/{kb}", token))[1]["data"]["status"] == "ready"

    await until(ready, "the knowledge base is read")
