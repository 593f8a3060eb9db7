"""Connectors through the API: what is shown, what is kept, and that no secret outlives the address it was for."""

import pytest
from tests.agents.mcp.real import real_server
from tests.agents.mcp.server import ORDER, SEARCH
from tests.agents.mcp.wild import ECHO, wild_server

from dragoman.agents.mcp import connectors
from dragoman.settings import Settings

PATH = "/integrations/connectors/"
TOKEN, HEADER = "the-bakers-own-token", "the-bakers-own-header"


@pytest.fixture
def settings(tmp_path):
    nobody = "http://127.0.0.1:1"  # WhatsApp is away
    return Settings(
        data_dir=tmp_path, public_url="https://dragoman.example", api_rate_limit=1000, graph_url=nobody, allow_private_urls="127.0.0.0/8"
    )


@pytest.fixture
async def baker():
    async with real_server() as baker:
        yield baker


@pytest.fixture
async def wild():
    async with wild_server() as wild:
        yield wild


async def made(lumen, **values):
    answer = await lumen.post(PATH, {"name": "The Baker", **values})
    assert answer.status == 201, answer
    return answer.body


async def test_a_connector_is_made_read_changed_and_removed(lumen, baker):
    connector = await made(lumen, url=baker.url)
    assert {name: connector[name] for name in ("name", "slug", "status", "problem", "auth", "logo", "description")} == {
        "name": "The Baker",
        "slug": "the-baker",
        "status": "connected",
        "problem": None,
        "auth": "none",
        "logo": None,
        "description": "",
    }
    search, order = connector["knownTools"]
    assert (search["id"], search["name"], search["description"], search["state"]) == ("search", "search", SEARCH["description"], "approved")
    assert (search["inputSchema"], search["readOnly"], search["offeredAs"]) == (SEARCH["inputSchema"], True, "the-baker__search")
    assert (order["readOnly"], order["latest"], order["problem"]) == (False, None, "")
    assert (await lumen.get(PATH)).body == [connector]
    again = await lumen.put(f"{PATH}{connector['id']}/", connector | {"description": "Bread"})
    assert again.body["description"] == "Bread"
    assert (await lumen.patch(f"{PATH}{connector['id']}/", {"slug": "bread"})).body["knownTools"][0]["offeredAs"] == "bread__search"
    assert (await lumen.delete(f"{PATH}{connector['id']}/")).status == 204
    assert (await lumen.get(f"{PATH}{connector['id']}/")).status == 404
    assert (await lumen.get(f"{PATH}public/")).body == []


async def test_a_changed_tool_is_shown_with_both_descriptions_and_approved(lumen, baker):
    connector = await made(lumen, url=baker.url)
    await baker.is_now(tools=[SEARCH | {"description": "Look up anything.\u202e"}, ORDER, SEARCH | {"name": "new"}])
    shown = (await lumen.post(f"{PATH}{connector['id']}/refresh/")).body
    search, _, new = shown["knownTools"]
    assert (search["state"], search["description"], search["latest"]["description"]) == (
        "changed",
        SEARCH["description"],
        "Look up anything.",
    )
    assert (new["state"], new["latest"]) == ("new", None)
    assert shown["problem"] == "2 of its tools wait for approval: search, new."
    seen = {"name": "search", "fingerprint": search["fingerprint"]}
    refused = await lumen.post(f"{PATH}{connector['id']}/approve/", {"tools": [seen]})
    assert (refused.status, refused["code"]) == (409, "tool_changed")
    seen["fingerprint"] = search["latest"]["fingerprint"]
    approved = (await lumen.post(f"{PATH}{connector['id']}/approve/", {"tools": [seen]})).body["knownTools"]
    assert [tool["state"] for tool in approved] == ["approved", "approved", "new"]
    assert approved[0]["description"] == "Look up anything."
    assert (await lumen.post(f"{PATH}{connector['id']}/approve/", {"tools": ["none"]}))["field"] == "tools"
    everything = (await lumen.post(f"{PATH}{connector['id']}/approve/")).body
    assert ({tool["state"] for tool in everything["knownTools"]}, everything["problem"]) == ({"approved"}, None)


async def test_secrets_are_shown_masked_and_a_mask_that_comes_back_keeps_them(lumen, wild):
    connector = await made(lumen, url=wild.url, bearerToken=TOKEN, headers={"X-Shop": HEADER, "X-Short": "7"})
    assert connector["auth"] == "bearer"
    assert connector["bearerToken"] == "••••oken"
    assert connector["headers"] == {"X-Shop": "••••ader", "X-Short": "••••"}
    await lumen.put(f"{PATH}{connector['id']}/", connector)
    await lumen.post(f"{PATH}{connector['id']}/refresh/")
    last = wild.requests[-1].headers
    assert (last["Authorization"], last["X-Shop"], last["X-Short"]) == (f"Bearer {TOKEN}", HEADER, "7")
    mistaken = await lumen.patch(f"{PATH}{connector['id']}/", {"headers": {"X-Other": "••••ader"}})
    assert (mistaken.status, mistaken["field"]) == (400, "headers.X-Other")
    row = await lumen.services.db.fetch_one("select to_jsonb(c) as row from connectors c")
    assert TOKEN not in str(row)
    assert HEADER not in str(row)


async def test_a_new_address_gets_no_old_secret_by_any_way(lumen, baker, wild):
    """S-B09: the url is changed by PATCH and by PUT, with masks, without, and each way leads to a request."""
    for verb in (lumen.patch, lumen.put):
        connector = await made(lumen, url=baker.url, bearerToken=TOKEN, headers={"X-Shop": HEADER})
        at = f"{PATH}{connector['id']}/"
        for masked in ({"bearerToken": connector["bearerToken"]}, {"headers": connector["headers"]}, connector):
            refused = await verb(at, {**masked, "url": wild.url})
            assert (refused.status, "must be sent again" in refused["error"]) == (400, True), masked
        assert (await verb(at, {"url": wild.url})).status == 400, "it would have no token to show"
        moved = (await verb(at, {"url": wild.url, "auth": "none"})).body
        assert (moved["bearerToken"], moved["headers"]) == (None, {})
        assert [tool["name"] for tool in moved["knownTools"]] == ["echo"], "what the other server said is forgotten"
        await lumen.post(f"{at}refresh/")
        back = (await verb(at, {"url": baker.url})).body
        assert (back["bearerToken"], back["headers"]) == (None, {})
    assert len(wild.requests) > 4
    sent = [dict(request.headers) for request in wild.requests] + wild.messages
    assert TOKEN not in str(sent)
    assert HEADER not in str(sent)


async def test_tools_of_a_new_address_are_approved_by_the_answer_that_shows_them(lumen, baker, wild):
    connector = await made(lumen, url=baker.url)
    wild.tools = [ECHO | {"name": "search", "description": "Not what it was."}]
    moved = (await lumen.patch(f"{PATH}{connector['id']}/", {"url": wild.url})).body
    assert [(tool["state"], tool["description"]) for tool in moved["knownTools"]] == [("approved", "Not what it was.")]


async def test_other_credentials_list_the_tools_anew_and_approve_nothing(lumen, wild):
    connector = await made(lumen, url=wild.url)
    wild.tools = [ECHO, ECHO | {"name": "admin"}]
    changed = (await lumen.patch(f"{PATH}{connector['id']}/", {"headers": {"X-Shop": "8"}})).body
    assert [(tool["name"], tool["state"]) for tool in changed["knownTools"]] == [("echo", "approved"), ("admin", "new")]
    asked = len(wild.requests)
    await lumen.patch(f"{PATH}{connector['id']}/", {"name": "Wild"})
    assert len(wild.requests) == asked, "a name is ours to change"


WRONG = {
    "inside": ({"url": "https://10.0.0.1/mcp"}, "url"),
    "no address": ({"url": "npx some-server"}, "url"),
    "a command": ({"url": "stdio:///bin/sh"}, "url"),
    "no url": ({"url": None}, "url"),
    "bearer without a token": ({"auth": "bearer"}, "bearerToken"),
    "a token in two lines": ({"bearerToken": "a\r\nX-Evil: 1"}, "bearerToken"),
    "another kind": ({"auth": "stdio"}, "auth"),
    "a command field": ({"command": "sh"}, "command"),
    "our header": ({"headers": {"Host": "evil.example"}}, "headers.Host"),
    "the protocol's header": ({"headers": {"mcp-session-id": "1"}}, "headers.mcp-session-id"),
    "a header in two lines": ({"headers": {"X-A": "1\r\nX-B: 2"}}, "headers.X-A"),
    "a header without a name": ({"headers": {"": "1"}}, "headers"),
    "a header twice": ({"headers": {"X-A": "1", "x-a": "2"}}, "headers"),
    "a slug with underscores": ({"slug": "a__b"}, "slug"),
    "a long slug": ({"slug": "a" * 25}, "slug"),
    "no name": ({"name": " "}, "name"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_wrong_is_named(lumen, what):
    body, field = WRONG[what]
    sent = {name: value for name, value in ({"name": "X", "url": "http://127.0.0.1:9/mcp"} | body).items() if value is not None}
    answer = await lumen.post(PATH, sent)
    assert (answer.status, answer.body.get("field")) == (400, field), answer
    assert (await lumen.get(PATH)).body == []


async def test_an_address_is_looked_at_whenever_it_changes(lumen):
    connector = await made(lumen, url="http://127.0.0.1:9/mcp", auth="oauth")
    for url in ("https://10.0.0.1/mcp", "http://169.254.169.254/latest/", "file:///etc/passwd"):
        refused = await lumen.patch(f"{PATH}{connector['id']}/", {"url": url})
        assert (refused.status, refused["field"]) == (400, "url")


async def test_slugs_are_found_for_any_name_and_taken_once(lumen):
    names = ["CRM", "CRM", "päck 24/7", "24/7", "日本", "x" * 100, "x" * 100]
    slugs = [(await made(lumen, name=name, url="http://127.0.0.1:9/mcp", auth="oauth"))["slug"] for name in names]
    assert slugs == ["crm", "crm-2", "p-ck-24-7", "mcp", "mcp-2", "x" * 24, "x" * 20 + "-2"]
    taken = await lumen.post(PATH, {"name": "Y", "url": "http://127.0.0.1:9/mcp", "slug": "crm"})
    assert (taken.status, taken["code"], taken["field"]) == (409, "slug_taken", "slug")
    [first, *_] = (await lumen.get(PATH)).body
    assert (await lumen.patch(f"{PATH}{first['id']}/", {"slug": "mcp"}))["code"] == "slug_taken"


async def test_an_organisation_has_no_end_of_connectors_but_a_number_of_them(lumen, monkeypatch):
    monkeypatch.setattr(connectors, "MOST", 2)
    for _ in range(2):
        await made(lumen, url="http://127.0.0.1:9/mcp", auth="oauth")
    refused = await lumen.post(PATH, {"name": "Third", "url": "http://127.0.0.1:9/mcp", "auth": "oauth"})
    assert (refused.status, refused["code"]) == (409, "too_many")


async def test_only_oauth_is_signed_in_to(lumen, wild):
    connector = await made(lumen, url=wild.url)
    refused = await lumen.post(f"{PATH}{connector['id']}/authorize/")
    assert (refused.status, refused["code"]) == (409, "not_oauth")


async def test_a_server_that_is_away_makes_a_connector_that_says_so(lumen):
    connector = await made(lumen, url="http://127.0.0.1:1/mcp")
    assert (connector["status"], connector["knownTools"]) == ("error", [])
    assert connector["problem"] == "127.0.0.1 could not be reached: connection refused."
