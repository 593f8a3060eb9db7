"""Signing in at an MCP server with OAuth 2.1, and staying signed in.

    begin   asks the server who signs people in for it (RFC 9728), asks that one how (RFC 8414), makes itself known there (RFC 7591 or
            a client metadata document), and gives the address at which a person agrees, with PKCE and a state
    finish  takes the state back, once and within ten minutes, and brings the code to where it was begun
    token   the access token to send, renewed when it has run out

The messages and the checks of the specification are the mcp library's; its own flow waits for the person inside one process, and ours
may end in another. Every request goes through the guarded door, so a metadata document leads nowhere that a tenant may not go: public
https, or the networks that the operator opened. What a sign-in gave us is for one connector at one url, is asked for with that url as
audience (RFC 8707), and is sent nowhere else.
"""

import asyncio
import base64
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import structlog
from mcp.client.auth import OAuthFlowError, PKCEParameters
from mcp.client.auth.utils import validate_authorization_response_iss
from mcp.shared.auth import OAuthClientInformationFull, OAuthMetadata, OAuthToken
from pydantic import ValidationError

from dragoman.agents.kit import Kit
from dragoman.agents.mcp import connectors, queries, sign_in_place
from dragoman.agents.mcp.about_us import redirect_uri
from dragoman.agents.mcp.connectors import Connector
from dragoman.agents.mcp.failed import Failed, NeedsSignIn
from dragoman.agents.mcp.watched import Watched
from dragoman.errors import Conflict, Gone, Invalid
from dragoman.http.answers import Refused
from dragoman.http.sdk import client
from dragoman.http.urls import check_url
from dragoman.ids import new_id

log = structlog.get_logger()

LIFETIME = timedelta(minutes=10)
EARLY = timedelta(seconds=30)  # a token is renewed this long before it runs out
REQUEST_SECONDS = 10.0
ALL_SECONDS = 30.0
LARGEST = 256 * 1024
RENEWAL = timedelta(seconds=15)  # whoever renews a grant has it for himself for so long
LOOK_AGAIN_SECONDS = 0.2

_ERROR = re.compile(r"[a-z_]{1,60}")
_TOKEN = re.compile(r"[\x21-\x7e]{1,8000}")


class Flow(msgspec.Struct, frozen=True):
    """A sign-in that was begun. `metadata` and `client` are the library's objects as JSON."""

    verifier: str
    metadata: str
    client: str
    resource: str
    scope: str | None


class Grant(msgspec.Struct, frozen=True):
    """What a sign-in gave us, and where it is renewed."""

    access_token: str
    refresh_token: str | None
    expires_at: datetime | None
    token_endpoint: str
    client: str
    resource: str
    scope: str | None

    def good(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at - EARLY


async def begin(kit: Kit, connector: Connector) -> tuple[str, datetime]:
    """The address at which somebody agrees, and until when. Raises Conflict when the server does not let us begin."""
    if connector.auth != "oauth":
        raise Conflict("nobody signs in at this connector: its auth is not oauth", code="not_oauth")
    own = connectors.opened(kit, connector)
    try:
        async with _web(kit) as http:
            place = await sign_in_place.find(http, connector.url, own.headers)
            _check_page(kit, place.metadata)
            known_as = await sign_in_place.introduce(http, kit.settings, place.metadata, own)
    except Failed as failed:
        raise Conflict(f"the sign-in could not begin: {failed.reason}", code="authorization_failed") from None
    pkce, state = PKCEParameters.generate(), secrets.token_urlsafe(32)
    flow = Flow(pkce.code_verifier, place.metadata.model_dump_json(), known_as.model_dump_json(), place.resource, place.scope)
    begun_id, until = new_id(), kit.clock.now() + LIFETIME
    row = {
        "organisation_id": connector.organisation_id,
        "id": begun_id,
        "connector_id": connector.id,
        "state_hash": _hash(kit, state),
        "url": connector.url,
        "flow": kit.vault.seal(msgspec.json.encode(flow), str(connector.organisation_id), "connector_sign_ins", "flow", str(begun_id)),
        "expires_at": until,
    }
    if await kit.db.fetch_one(queries.BEGIN_SIGN_IN, row) is None:
        raise Conflict("the connector was changed meanwhile; begin again", code="connector_changed")
    asked = {
        "response_type": "code",
        "client_id": known_as.client_id,
        "redirect_uri": redirect_uri(kit.settings),
        "state": state,
        "code_challenge": pkce.code_challenge,
        "code_challenge_method": "S256",
        "resource": place.resource,
    }
    return _page(place, asked), until


def _page(place: sign_in_place.Place, asked: dict[str, str]) -> str:
    if place.scope:
        asked["scope"] = place.scope
        if "offline_access" in place.scope.split():
            asked["prompt"] = "consent"  # OpenID Connect Core §11 gives no refresh token without it
    page = str(place.metadata.authorization_endpoint)
    return f"{page}{'&' if '?' in page else '?'}{urlencode(asked)}"


def _check_page(kit: Kit, metadata: OAuthMetadata) -> None:
    try:
        check_url(str(metadata.authorization_endpoint), kit.settings.allow_private_urls)
    except Refused as refused:
        raise Failed(f"the page to sign in at is not one to send people to. {refused.reason}") from None


async def finish(kit: Kit, state: str, code: str | None, issuer: str | None, error: str | None) -> Connector:
    """What the authorization server sent the person back with; the connector, signed in. Raises Invalid, Gone, Conflict."""
    row = await kit.db.fetch_one(queries.TAKE_SIGN_IN, {"state_hash": _hash(kit, state)})
    if row is None:
        raise Invalid("this sign-in is not known: it was used before, or a later one has taken its place", code="unknown_state")
    if row["expires_at"] <= kit.clock.now():
        raise Gone("this sign-in took longer than ten minutes; begin again", code="sign_in_expired")
    context = (str(row["organisation_id"]), "connector_sign_ins", "flow", str(row["id"]))
    flow = msgspec.json.decode(kit.vault.open(row["flow"], *context), type=Flow)
    metadata = OAuthMetadata.model_validate_json(flow.metadata)
    try:
        validate_authorization_response_iss(issuer, metadata)
    except OAuthFlowError:
        raise Conflict("the answer is of another server than the one that was asked", code="authorization_failed") from None
    if error or not code:
        said = error if error and _ERROR.fullmatch(error) else "no code was given"
        raise Conflict(f"the server did not let us in ({said})", code="authorization_failed")
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": flow.verifier, "resource": flow.resource}
    form["redirect_uri"] = redirect_uri(kit.settings)
    try:
        async with _web(kit) as http:
            answer = await _ask_for_tokens(http, str(metadata.token_endpoint), flow.client, form)
        grant = _grant(kit, answer, Grant("", None, None, str(metadata.token_endpoint), flow.client, flow.resource, flow.scope))
    except Failed as failed:
        raise Conflict(f"the sign-in did not succeed: {failed.reason}", code="authorization_failed") from None
    place = {"organisation_id": row["organisation_id"], "id": row["connector_id"], "url": row["url"]}
    signed_in = await kit.db.fetch_one(queries.SIGNED_IN, place | {"grant": _seal(kit, place, grant), "now": kit.clock.now()})
    if signed_in is None:
        raise Conflict("the connector was changed meanwhile; begin again", code="connector_changed")
    return Connector(**signed_in)


async def token(kit: Kit, connector: Connector, *, refused: str | None = None) -> str:
    """The access token of this connector, renewed when it has run out or is the `refused` one. Raises NeedsSignIn, Failed."""
    while True:
        row = await kit.db.fetch_one(queries.GRANT, connector.place)
        grant = _opened(kit, connector, row["grant_held"] if row else None)
        if _usable(kit, grant, refused):
            return grant.access_token
        now = kit.clock.now()
        claimed = await kit.db.fetch_one(queries.CLAIM_RENEWAL, connector.place | {"now": now, "until": now + RENEWAL})
        if claimed is not None:
            return await _renewed(kit, connector, _opened(kit, connector, claimed["grant_held"]), refused)
        await asyncio.sleep(LOOK_AGAIN_SECONDS)  # somebody is renewing it


def _usable(kit: Kit, grant: Grant, refused: str | None) -> bool:
    taken = refused is None or not secrets.compare_digest(grant.access_token, refused)
    return taken and grant.good(kit.clock.now())


async def _renewed(kit: Kit, connector: Connector, grant: Grant, refused: str | None) -> str:
    """Renew the grant, which is ours alone until the claim is given back."""
    renewed = None
    try:
        if _usable(kit, grant, refused):  # between our look and our claim
            return grant.access_token
        if grant.refresh_token is None:
            await _signed_out(kit, connector)
            raise NeedsSignIn
        form = {"grant_type": "refresh_token", "refresh_token": grant.refresh_token, "resource": grant.resource}
        async with _web(kit) as http:
            answer = await _ask_for_tokens(http, grant.token_endpoint, grant.client, form)
        if answer.status_code in (400, 401):
            await _signed_out(kit, connector)
            raise NeedsSignIn
        new = _grant(kit, answer, grant)
        renewed = _seal(kit, connector.place, new)
        return new.access_token
    finally:
        await kit.db.execute(queries.RENEWED, connector.place | {"grant": renewed})


async def _signed_out(kit: Kit, connector: Connector) -> None:
    problem = "The sign-in has run out and could not be renewed. Sign in again: POST …/authorize/."
    await kit.db.execute(queries.SIGNED_OUT, connector.place | {"problem": problem, "now": kit.clock.now()})


async def _ask_for_tokens(http: Any, endpoint: str, known_as: str, form: dict[str, str]) -> Any:
    """POST to a token endpoint as the client that it knows us as (RFC 6749 §2.3)."""
    us = OAuthClientInformationFull.model_validate_json(known_as)
    how = us.token_endpoint_auth_method
    headers = {"Accept": "application/json"}
    form = {**form, "client_id": us.client_id}
    if us.client_secret and how == "client_secret_post":
        form["client_secret"] = us.client_secret
    elif us.client_secret and how != "none":
        pair = f"{quote(us.client_id, safe='')}:{quote(us.client_secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return await http.post(endpoint, data=form, headers=headers)


def _grant(kit: Kit, answer: Any, before: Grant) -> Grant:
    """The grant in a token endpoint's answer. What it leaves out stays as it was (RFC 6749 §5.1, §6)."""
    if answer.status_code not in (200, 201):
        raise Failed(f"the server that signs people in gave no token (status {answer.status_code}{_error_of(answer)})")
    try:
        new = OAuthToken.model_validate_json(answer.content)
    except ValidationError:
        raise Failed("what came back is no token") from None
    if not _TOKEN.fullmatch(new.access_token):
        raise Failed("the token cannot be sent: it is empty, too long, or not printable ASCII")
    seconds = min(max(new.expires_in, 0), 10**9) if new.expires_in is not None else None
    return msgspec.structs.replace(
        before,
        access_token=new.access_token,
        refresh_token=new.refresh_token or before.refresh_token,
        expires_at=None if seconds is None else kit.clock.now() + timedelta(seconds=seconds),
        scope=new.scope or before.scope,
    )


def _error_of(answer: Any) -> str:
    try:
        error = msgspec.json.decode(answer.content, type=dict[str, Any]).get("error")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return f", {error}" if isinstance(error, str) and _ERROR.fullmatch(error) else ""


def _opened(kit: Kit, connector: Connector, sealed: bytes | None) -> Grant:
    if sealed is None:
        raise NeedsSignIn
    return msgspec.json.decode(kit.vault.open(sealed, *_context(connector.place)), type=Grant)


def _seal(kit: Kit, place: Mapping[str, Any], grant: Grant) -> bytes:
    return kit.vault.seal(msgspec.json.encode(grant), *_context(place))


def _context(place: Mapping[str, Any]) -> tuple[str, ...]:
    """The url is part of the seal: moved to a connector of another address, a grant does not open."""
    return str(place["organisation_id"]), "connectors", "grant_held", str(place["id"]), place["url"]


def _hash(kit: Kit, state: str) -> bytes:
    return kit.vault.hash(state, "connector sign-in")


@asynccontextmanager
async def _web(kit: Kit) -> AsyncIterator[Any]:
    """An HTTP client through the guarded door; what keeps an answer from coming is Failed."""
    watched = Watched(kit.guarded)
    try:
        async with asyncio.timeout(ALL_SECONDS), client(watched, timeout=REQUEST_SECONDS, largest=LARGEST) as http:
            http.headers["User-Agent"] = "Dragoman"
            yield http
    except TimeoutError:
        raise Failed(f"the server did not answer within {ALL_SECONDS:.0f} s") from None
    except Failed:
        raise
    except Exception as error:  # the library chokes in many ways on what strangers publish
        log.info("a sign-in failed", error=type(error).__name__)
        raise Failed(watched.reason or "what the server says about signing in cannot be used") from None
