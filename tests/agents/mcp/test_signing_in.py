"""Signing in at an MCP server: the tokens are for one connector at one address, the state works once, and no document leads astray."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web
from stage import serving
from tests.agents.mcp.acts import connected, offered
from tests.agents.one_turn import call

from dragoman.agents.mcp import connecting, connectors, oauth, queries
from dragoman.errors import Conflict, Gone, Invalid


async def connector_of(lumen, wild, **values):
    return await connectors.create(lumen.kit, lumen.organisation_id, {"name": "Wild", "url": wild.url, "auth": "oauth", **values})


async def finished(lumen, sent):
    return await oauth.finish(lumen.kit, sent["state"], sent.get("code"), sent.get("iss"), sent.get("error"))


async def signed_in(lumen, wild, authority):
    connector = await connector_of(lumen, wild)
    address, _ = await oauth.begin(lumen.kit, connector)
    return await connecting.connect(lumen.kit, await finished(lumen, authority.agree(address)))


async def says(lumen, connector):
    return await (await offered(lumen, connector))["wild__echo"].run(call({"text": "hi"}))


async def status(lumen):
    return (await lumen.kit.db.fetch_one("select status from connectors"))["status"]


async def test_after_signing_in_the_tools_are_there(lumen, wild, authority):
    connector = await connector_of(lumen, wild)
    assert connector.status == "needs_authorization"
    address, until = await oauth.begin(lumen.kit, connector)
    assert until - lumen.kit.clock.now() <= timedelta(minutes=10)
    connector = await connecting.connect(lumen.kit, await finished(lumen, authority.agree(address)))
    assert (connector.status, connector.problem) == ("connected", None)
    assert (await says(lumen, connector)).text == "ok"
    [about] = authority.clients.values()
    assert about["redirect_uris"] == ["https://dragoman.example/api/oauth/callback"]
    assert set(authority.good.values()) == {wild.url}, "the token is for this server"


async def test_before_signing_in_nothing_is_asked(lumen, wild, authority):
    connector = await connecting.connect(lumen.kit, await connector_of(lumen, wild))
    assert (connector.status, wild.requests) == ("needs_authorization", [])


async def test_a_state_works_once(lumen, wild, authority):
    address, _ = await oauth.begin(lumen.kit, await connector_of(lumen, wild))
    sent = authority.agree(address)
    await finished(lumen, sent)
    with pytest.raises(Invalid, match="is not known"):
        await finished(lumen, authority.agree(address) | {"state": sent["state"]})
    with pytest.raises(Invalid, match="is not known"):
        await finished(lumen, sent | {"state": "made-up"})


async def test_a_state_works_for_ten_minutes(lumen, wild, authority):
    address, _ = await oauth.begin(lumen.kit, await connector_of(lumen, wild))
    lumen.kit.clock.advance(timedelta(minutes=10, seconds=1))
    with pytest.raises(Gone, match="ten minutes"):
        await finished(lumen, authority.agree(address))
    assert "/token" not in authority.asked


async def test_a_later_sign_in_takes_the_place_of_an_earlier_one(lumen, wild, authority):
    connector = await connector_of(lumen, wild)
    first, _ = await oauth.begin(lumen.kit, connector)
    second, _ = await oauth.begin(lumen.kit, connector)
    with pytest.raises(Invalid):
        await finished(lumen, authority.agree(first))
    assert (await finished(lumen, authority.agree(second))).status == "connected"


async def test_a_sign_in_is_for_the_address_at_which_it_was_begun(lumen, wild, authority):
    connector = await connector_of(lumen, wild)
    address, _ = await oauth.begin(lumen.kit, connector)
    await lumen.kit.db.execute("update connectors set url = 'http://127.0.0.1:9/mcp'")
    with pytest.raises(Conflict, match="changed meanwhile"):
        await finished(lumen, authority.agree(address))
    assert (await lumen.kit.db.fetch_one("select grant_held from connectors"))["grant_held"] is None


@pytest.mark.parametrize("answer", [{"iss": "https://another.example"}, {"iss": None}, {"error": "access_denied"}, {"code": None}])
async def test_an_answer_of_somebody_else_or_a_no_brings_no_token(lumen, wild, authority, answer):
    address, _ = await oauth.begin(lumen.kit, await connector_of(lumen, wild))
    with pytest.raises(Conflict):
        await finished(lumen, authority.agree(address, **answer))
    assert "/token" not in authority.asked
    assert await status(lumen) == "needs_authorization"


async def test_a_token_is_renewed_when_it_runs_out(lumen, wild, authority):
    connector = await signed_in(lumen, wild, authority)
    first = set(authority.good)
    lumen.kit.clock.advance(timedelta(hours=2))
    authority.good.clear()
    assert (await says(lumen, connector)).text == "ok"
    assert set(authority.good).isdisjoint(first)
    assert authority.asked.count("/token") == 2


async def test_a_token_that_is_taken_back_before_its_time_is_renewed(lumen, wild, authority):
    connector = await signed_in(lumen, wild, authority)
    authority.good.clear()
    assert (await says(lumen, connector)).text == "ok"
    assert authority.asked.count("/token") == 2


async def test_of_many_turns_that_find_a_token_run_out_one_renews_it(lumen, wild, authority):
    connector = await signed_in(lumen, wild, authority)
    lumen.kit.clock.advance(timedelta(hours=2))
    tools = [(await offered(lumen, connector))["wild__echo"] for _ in range(8)]
    results = await asyncio.gather(*(tool.run(call({"text": "hi"})) for tool in tools))
    assert {result.text for result in results} == {"ok"}
    assert authority.asked.count("/token") == 2, "a refresh token works once"


class Between:
    """The database, and another turn that does its work after our look at the grant and before our claim of it."""

    def __init__(self, kit, connector):
        self.kit, self.connector, self.other = kit, connector, None

    async def fetch_one(self, query, params):
        if query is queries.CLAIM_RENEWAL and self.other is None:
            self.other = await oauth.token(self.kit, self.connector)
        return await self.kit.db.fetch_one(query, params)

    async def execute(self, query, params):
        return await self.kit.db.execute(query, params)


async def test_who_comes_late_takes_what_was_renewed_meanwhile(lumen, wild, authority):
    connector = await signed_in(lumen, wild, authority)
    lumen.kit.clock.advance(timedelta(hours=2))
    between = Between(lumen.kit, connector)
    assert await oauth.token(replace(lumen.kit, db=between), connector) == between.other
    assert authority.asked.count("/token") == 2


@pytest.mark.parametrize("lost", ["the refresh token", "everything", "it gave no refresh token"])
async def test_when_it_cannot_be_renewed_somebody_has_to_sign_in_again(lumen, wild, authority, lost):
    if lost == "it gave no refresh token":
        authority.token_answer = {"refresh_token": None}
    connector = await signed_in(lumen, wild, authority)
    authority.refresh_tokens.clear()
    if lost == "everything":
        authority.good.clear()
    else:
        lumen.kit.clock.advance(timedelta(hours=2))
    result = await says(lumen, connector)
    assert result.error == "Wild: the business has to sign in at this server again"
    assert await status(lumen) == "needs_authorization"
    asked = len(authority.asked), len(wild.requests)
    assert (await says(lumen, connector)).error == result.error
    assert (len(authority.asked), len(wild.requests)) == asked, "and nobody is asked any more"
    address, _ = await oauth.begin(lumen.kit, connector)
    await finished(lumen, authority.agree(address))
    assert (await says(lumen, connector)).text == "ok"


async def test_a_sign_in_server_that_is_away_loses_nothing(lumen, wild, authority):
    connector = await signed_in(lumen, wild, authority)
    lumen.kit.clock.advance(timedelta(hours=2))
    gives, authority._token = authority._token, lambda form, request: web.Response(status=500)
    before = await lumen.kit.db.fetch_one("select grant_held, status from connectors")
    assert "gave no token (status 500)" in (await says(lumen, connector)).error
    assert await lumen.kit.db.fetch_one("select grant_held, status from connectors") == before
    authority._token = gives
    assert (await says(lumen, connector)).text == "ok"


async def test_a_grant_does_not_open_in_another_row_or_at_another_address(lumen, wild, authority):
    connector = await signed_in(lumen, wild, authority)
    grant = (await lumen.kit.db.fetch_one("select grant_held from connectors"))["grant_held"]
    assert b"access-" not in grant
    other = await connector_of(lumen, wild)
    for change in ("grant_held = %(grant)s where id = %(other)s", "url = 'http://127.0.0.1:9/mcp' where id = %(one)s"):
        await lumen.kit.db.execute(f"update connectors set {change}", {"grant": grant, "other": other.id, "one": connector.id})
    for one in (connector, other):
        moved = await connectors.get(lumen.kit, lumen.organisation_id, one.id)
        with pytest.raises(Exception, match="does not open"):
            await oauth.token(lumen.kit, moved)


ASTRAY = {
    "metadata inside": ({"authorization_servers": ["https://10.0.0.1"]}, {}, "10.0.0.0/8, a private network"),
    "metadata of the cloud": ({"at": "http://169.254.169.254/latest"}, {}, "169.254.0.0/16"),
    "a token endpoint inside": ({}, {"token_endpoint": "https://192.168.0.1/token"}, "192.168.0.0/16"),
    "registration inside": ({}, {"registration_endpoint": "https://192.168.0.1/register"}, "192.168.0.0/16"),
    "a page inside": ({}, {"authorization_endpoint": "https://[fd00::1]/authorize"}, "fc00::/7"),
    "a page that is a script": ({}, {"authorization_endpoint": "javascript:alert(1)"}, "does not say where to sign in"),
    "another issuer": ({}, {"issuer": "https://elsewhere.example"}, "does not fit together"),
    "another resource": ({"resource": "https://elsewhere.example/mcp"}, {}, "describes https://elsewhere.example/mcp"),
    "no PKCE": ({}, {"code_challenge_methods_supported": ["plain"]}, "PKCE"),
    "no registration": ({}, {"registration_endpoint": None}, "enter it as oauthClientId"),
    "garbage": ({"at": "::"}, {}, "cannot be used"),
}


@pytest.mark.parametrize("what", ASTRAY)
async def test_no_document_leads_astray(lumen, wild, authority, what):
    resource, metadata, why = ASTRAY[what]
    authority.guards(wild, **resource)
    authority.metadata = metadata
    connector = await connector_of(lumen, wild)
    if what == "a token endpoint inside":
        address, _ = await oauth.begin(lumen.kit, connector)
        with pytest.raises(Conflict) as refusal:
            await finished(lumen, authority.agree(address))
    else:
        with pytest.raises(Conflict) as refusal:
            await oauth.begin(lumen.kit, connector)
    assert why in refusal.value.message
    assert await status(lumen) == "needs_authorization"


async def test_a_client_of_the_organisations_own_needs_no_registration(lumen, wild, authority):
    authority.metadata = {"registration_endpoint": None}
    authority.clients["ours"] = {"client_secret": "its-secret", "redirect_uris": ["https://dragoman.example/api/oauth/callback"]}
    connector = await connector_of(lumen, wild, oauth_client_id="ours", oauth_client_secret="its-secret")
    address, _ = await oauth.begin(lumen.kit, connector)
    assert (await finished(lumen, authority.agree(address))).status == "connected"


async def test_where_a_server_reads_our_document_we_are_its_address(lumen, wild, authority):
    authority.metadata = {"client_id_metadata_document_supported": True, "registration_endpoint": None}
    here = "https://dragoman.example/api/oauth/client.json"
    authority.clients[here] = {"client_secret": None, "redirect_uris": ["https://dragoman.example/api/oauth/callback"]}
    address, _ = await oauth.begin(lumen.kit, await connector_of(lumen, wild))
    assert (await finished(lumen, authority.agree(address))).status == "connected"


async def test_a_token_for_one_server_is_no_token_for_another(lumen, wild, authority):
    """The other server names the same authority; it gets a token of its own, or none."""
    await signed_in(lumen, wild, authority)
    heard = []

    async def listen(request):
        heard.append(request.headers.get("Authorization"))
        return await wild.handle(request)

    async with serving(listen) as url:
        other = await connected(lumen, f"{url}/mcp", name="Other", auth="oauth")
        assert (other.status, heard) == ("needs_authorization", [])
        with pytest.raises(Conflict, match="which is another server"):
            await oauth.begin(lumen.kit, other)
    assert set(heard) == {None}


TOKENS = [
    {"access_token": ""},
    {"access_token": "a\r\nX-Evil: 1"},
    {"access_token": "x" * 9000},
    {"token_type": "mac"},
    {"expires_in": "soon"},
]


@pytest.mark.parametrize("answer", TOKENS)
async def test_what_is_no_token_is_not_kept(lumen, wild, authority, answer):
    authority.token_answer = answer
    address, _ = await oauth.begin(lumen.kit, await connector_of(lumen, wild))
    with pytest.raises(Conflict, match="token"):
        await finished(lumen, authority.agree(address))
    assert await status(lumen) == "needs_authorization"
