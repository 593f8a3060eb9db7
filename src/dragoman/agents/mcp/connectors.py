"""Connectors as rows: made, read, changed, removed, with their secrets and what is known of their tools.

A secret is for one address. When the url changes, the token, the headers and whatever a sign-in gave us are dropped, and so is all
that is known of the tools.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from dragoman.agents.kit import Kit
from dragoman.agents.masks import MASK
from dragoman.agents.mcp import queries
from dragoman.agents.mcp.tools import Known
from dragoman.errors import Conflict, Invalid, NotFound
from dragoman.http.answers import Refused
from dragoman.http.urls import check_url
from dragoman.ids import new_id
from dragoman.store.database import Connection, Row

MOST = 100  # of one organisation
LONGEST_SLUG = 24
SLUG = re.compile(r"[a-z]([a-z0-9-]{0,22}[a-z0-9])?")
SIGN_IN_FIRST = "Somebody has to sign in at this server first: POST …/authorize/."

# Headers that say how a request is framed, or that are the protocol's own.
_RESERVED = re.compile(
    r"host|content-.*|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|accept|accept-encoding|cookie|proxy-.*"
    r"|mcp-.*|last-event-id|idempotency-key|user-agent"
)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,4094}[\x21-\x7e])?")

Auth = Literal["none", "bearer", "oauth"]
Status = Literal["connected", "needs_authorization", "error"]


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """What we show at the connector's url, in clear; it never leaves the process like that."""

    bearer_token: str | None = None
    headers: dict[str, str] = {}
    oauth_client_id: str | None = None
    oauth_client_secret: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    organisation_id: UUID
    id: UUID
    name: str
    description: str
    slug: str
    url: str
    logo: str | None
    auth: Auth
    status: Status
    problem: str | None
    secrets: bytes | None = field(repr=False)
    grant_held: bytes | None = field(repr=False)
    listed_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def place(self) -> Row:
        """Which row, as long as it leads to the same server."""
        return {"organisation_id": self.organisation_id, "id": self.id, "url": self.url}


async def create(kit: Kit, organisation_id: UUID, values: Mapping[str, Any]) -> Connector:
    """A new connector, not connected yet. `values`: name and url, and any of the fields of `change`."""
    connector_id = new_id()
    secrets = _secrets(Secrets(), values, moved=True)
    auth = values.get("auth") or ("bearer" if secrets.bearer_token else "none")
    _check_url(kit, values["url"])
    _check_token(auth, secrets)
    row = {
        "organisation_id": organisation_id,
        "id": connector_id,
        "name": values["name"],
        "description": values.get("description") or "",
        "slug": values.get("slug") or await _free_slug(kit, organisation_id, values["name"]),
        "url": values["url"],
        "logo": values.get("logo"),
        "auth": auth,
        **_unconnected(auth),
        "secrets": _seal(kit, organisation_id, connector_id, secrets),
        "most": MOST,
        "now": kit.clock.now(),
    }
    made = await kit.db.fetch_one(queries.CREATE, row)
    if made is None:
        await _say_why(kit, row)
    return Connector(**made)  # type: ignore[arg-type]


async def _say_why(kit: Kit, row: Row) -> None:
    if await kit.db.fetch_one(queries.SLUG_IS_TAKEN, row):
        raise _taken(row["slug"])
    raise Conflict(f"an organisation may have {MOST} connectors; remove one first", code="too_many")


async def get(kit: Kit, organisation_id: UUID, connector_id: UUID) -> Connector:
    return _connector(await kit.db.fetch_one(queries.GET, {"organisation_id": organisation_id, "id": connector_id}), connector_id)


async def listing(kit: Kit, organisation_id: UUID) -> list[Connector]:
    """Oldest first."""
    return [Connector(**row) for row in await kit.db.fetch(queries.LISTING, {"organisation_id": organisation_id})]


async def some(kit: Kit, organisation_id: UUID, ids: Collection[UUID]) -> dict[UUID, Connector]:
    found = await kit.db.fetch(queries.SOME, {"organisation_id": organisation_id, "ids": list(ids)})
    return {row["id"]: Connector(**row) for row in found}


async def change(kit: Kit, organisation_id: UUID, connector_id: UUID, values: Mapping[str, Any]) -> tuple[Connector, bool]:
    """Change the fields that are in `values`; the connector, and whether the server is to be asked again."""
    async with kit.db.transaction() as connection:
        scope = {"organisation_id": organisation_id, "id": connector_id}
        old = _connector(await (await connection.execute(queries.GET_FOR_UPDATE, scope)).fetchone(), connector_id)
        url, auth = values.get("url") or old.url, values.get("auth") or old.auth
        moved = url != old.url
        before = opened(kit, old)
        secrets = _secrets(before, values, moved=moved)
        if moved:
            _check_url(kit, url)
        _check_token(auth, secrets)
        if (slug := values.get("slug") or old.slug) != old.slug and await _is_taken(connection, scope | {"slug": slug}):
            raise _taken(slug)
        again = moved or auth != old.auth or secrets != before
        plain = {name: values[name] for name in ("name", "description", "logo") if name in values}
        row = {name: getattr(old, name) for name in ("name", "description", "logo", "status", "problem", "grant_held", "listed_at")}
        row |= plain | scope | {"slug": slug, "url": url, "auth": auth, "now": kit.clock.now()}
        row |= {"secrets": _seal(kit, organisation_id, connector_id, secrets)}
        if moved:
            row["listed_at"] = None
            await connection.execute(queries.FORGET_TOOLS, scope)
        if again:
            row |= {"grant_held": None, **_unconnected(auth)}
            await connection.execute(queries.FORGET_SIGN_INS, scope)
        changed = await (await connection.execute(queries.CHANGE, row)).fetchone()
    return _connector(changed, connector_id), again


async def remove(kit: Kit, organisation_id: UUID, connector_id: UUID) -> None:
    """It is taken off every agent that had it."""
    if not await kit.db.execute(queries.REMOVE, {"organisation_id": organisation_id, "id": connector_id}):
        raise _unknown(connector_id)


async def tools_of(kit: Kit, organisation_id: UUID, ids: Collection[UUID]) -> dict[UUID, dict[str, Known]]:
    """What is known of the tools of these connectors: by connector and name, in the server's order."""
    found: dict[UUID, dict[str, Known]] = defaultdict(dict)
    for row in await kit.db.fetch(queries.TOOLS, {"organisation_id": organisation_id, "connectors": list(ids)}):
        found[row["connector_id"]][row["name"]] = known(row)
    return found


def known(row: Row) -> Known:
    return msgspec.convert({part: row[part] for part in ("name", "approved", "latest", "listed")}, Known)


def opened(kit: Kit, connector: Connector) -> Secrets:
    if connector.secrets is None:
        return Secrets()
    return msgspec.json.decode(kit.vault.open(connector.secrets, *_place(connector.organisation_id, connector.id)), type=Secrets)


def masked(secret: str | None) -> str | None:
    return secret and MASK + (secret[-4:] if len(secret) >= 12 else "")


def _unconnected(auth: str) -> Row:
    """How a connector stands before its server was asked."""
    if auth == "oauth":
        return {"status": "needs_authorization", "problem": SIGN_IN_FIRST}
    return {"status": "error", "problem": "Not connected yet."}


def _seal(kit: Kit, organisation_id: UUID, connector_id: UUID, secrets: Secrets) -> bytes | None:
    if secrets == Secrets():
        return None
    return kit.vault.seal(msgspec.json.encode(secrets), *_place(organisation_id, connector_id))


def _place(organisation_id: UUID, connector_id: UUID) -> tuple[str, ...]:
    return str(organisation_id), "connectors", "secrets", str(connector_id)


def _secrets(old: Secrets, values: Mapping[str, Any], *, moved: bool) -> Secrets:
    """The secrets after a change. What is left out stays, unless the url has changed; a mask stands for what is stored."""
    before = Secrets() if moved else old
    after = {name: getattr(before, name) for name in ("bearer_token", "oauth_client_id", "oauth_client_secret")}
    for name, shown in (
        ("bearer_token", "bearerToken"),
        ("oauth_client_id", "oauthClientId"),
        ("oauth_client_secret", "oauthClientSecret"),
    ):
        if name in values:
            after[name] = _unmasked(values[name], after[name], getattr(old, name), shown) or None
    headers = dict(before.headers)
    if "headers" in values:
        sent = values["headers"] or {}
        headers = {
            name: _unmasked(value, before.headers.get(name), old.headers.get(name), f"headers.{name}") for name, value in sent.items()
        }
        _check_headers(headers)
    return Secrets(**after, headers=headers)


def _unmasked(sent: str | None, kept: str | None, stored: str | None, at: str) -> str:
    if not sent or not sent.startswith(MASK):
        return sent or ""
    if kept and masked(kept) == sent:
        return kept
    if stored and masked(stored) == sent:
        raise Invalid(f"{at}: the address has changed, so the secret must be sent again", field=at)
    raise Invalid(f"{at} is a mask of no secret that is stored; send the secret itself", field=at)


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise Invalid(f"headers: {name[:100]!r} is not the name of a header", field="headers")
        if _RESERVED.fullmatch(name.lower()):
            raise Invalid(f"headers.{name}: this header is set by Dragoman and cannot be chosen", field=f"headers.{name}")
        if not _HEADER_VALUE.fullmatch(value):
            raise Invalid(f"headers.{name}: a header's value is 1 to 4096 printable ASCII characters", field=f"headers.{name}")
    if len({name.lower() for name in headers}) < len(headers):
        raise Invalid("headers: the same header stands there twice", field="headers")


def _check_url(kit: Kit, url: str) -> None:
    try:
        check_url(url, kit.settings.allow_private_urls)
    except Refused as refused:
        raise Invalid(f"url: {refused.reason}", field="url") from None


def _check_token(auth: str, secrets: Secrets) -> None:
    if auth == "bearer" and not secrets.bearer_token:
        raise Invalid("bearerToken is missing; send the token that the server expects, or auth none or oauth", field="bearerToken")
    if secrets.bearer_token and not _HEADER_VALUE.fullmatch(secrets.bearer_token):
        raise Invalid("bearerToken is 1 to 4096 printable ASCII characters", field="bearerToken")


async def _free_slug(kit: Kit, organisation_id: UUID, name: str) -> str:
    taken = {row["slug"] for row in await kit.db.fetch(queries.SLUGS, {"organisation_id": organisation_id})}
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    plain = re.sub(r"^[0-9-]+", "", plain)[:LONGEST_SLUG].strip("-") or "mcp"
    candidates = (plain, *(f"{plain[: LONGEST_SLUG - 4].rstrip('-')}-{n}" for n in range(2, MOST + 2)))
    return next(slug for slug in candidates if slug not in taken)


async def _is_taken(connection: Connection, row: Row) -> bool:
    return await (await connection.execute(queries.SLUG_IS_TAKEN, row)).fetchone() is not None


def _taken(slug: str) -> Conflict:
    return Conflict(f"another connector has the slug {slug}; choose another one", code="slug_taken", field="slug")


def _connector(row: Row | None, connector_id: UUID) -> Connector:
    if row is None:
        raise _unknown(connector_id)
    return Connector(**row)


def _unknown(connector_id: UUID) -> NotFound:
    return NotFound(f"there is no connector {connector_id}")
