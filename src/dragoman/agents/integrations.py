"""Integrations: the organisation's accounts at others that its actions work with. Calendars, a mail server, a text message service."""

from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb
from pydantic import Field

from dragoman.agents import integrations_queries as queries
from dragoman.agents import masks
from dragoman.agents.kit import Kit
from dragoman.agents.schema import Form
from dragoman.agents.tools import Json
from dragoman.errors import Invalid, NotFound
from dragoman.http.answers import Refused
from dragoman.http.guarded import check_url
from dragoman.ids import new_id
from dragoman.store.database import Row

Text = Annotated[str, Field(min_length=1, max_length=4096)]
Url = Annotated[str, Field(min_length=1, max_length=2048)]
# One line, which becomes a header; plain ASCII in the address.
_ADDRESS = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+"
_SENDER = rf"""^({_ADDRESS}|("[^"\\\x00-\x1f\x7f]*" *|[^"<>@,;:()\\\x00-\x1f\x7f]*)<{_ADDRESS}>)$"""


class Calendar(Form):
    """An OAuth client, and a refresh token that was given to it."""

    client_id: Text
    client_secret: Text
    refresh_token: Text


class Google(Calendar):
    """A Google calendar; the refresh token has the scope https://www.googleapis.com/auth/calendar."""

    base_url: Url = "https://www.googleapis.com/calendar/v3"
    token_url: Url = "https://oauth2.googleapis.com/token"  # noqa: S105


class Outlook(Calendar):
    """An Outlook calendar; the client is an app registration, the refresh token has the scopes Calendars.ReadWrite and offline_access."""

    base_url: Url = "https://graph.microsoft.com/v1.0"
    token_url: Url = "https://login.microsoftonline.com/common/oauth2/v2.0/token"  # noqa: S105


class Smtp(Form):
    """A mail server. `sender` is whom messages are from, as an address or `Name <address>`."""

    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Annotated[str, Field(max_length=255)] = ""
    password: Annotated[str, Field(max_length=4096)] = ""
    sender: Annotated[str, Field(max_length=320, pattern=_SENDER)]


class Twilio(Form):
    """Twilio, or a service with the same API at `base_url`. `sender` is the number that messages are from, unless the action says."""

    account_sid: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    auth_token: Text
    sender: Annotated[str, Field(pattern=r"^\+?[0-9]{3,15}$")] = ""
    base_url: Url = "https://api.twilio.com"


Kind = Literal["google", "outlook", "smtp", "twilio"]
SCHEMAS: dict[str, type[Form]] = {"google": Google, "outlook": Outlook, "smtp": Smtp, "twilio": Twilio}
_SECRET = ("client_secret", "refresh_token", "password", "auth_token")
_ADDRESSES = ("base_url", "token_url")


class Integration(NamedTuple):
    """`config` is an instance of its kind's schema, with its secrets in clear; it never leaves the process like that."""

    organisation_id: UUID
    id: UUID
    number: int
    kind: Kind
    name: str
    config: Any
    created_at: datetime


async def add(kit: Kit, organisation_id: UUID, kind: Kind, name: str, config: Form, at: str = "settings") -> Json:
    """Keep an account; as `listing` shows it. Raises Invalid, below `at`, for an address that is never called."""
    plain = config.model_dump(mode="json")
    for field in _ADDRESSES:
        if field in plain:
            _check(kit, f"{at}.{field}", plain[field])
    secrets = masks.take_out(plain, [(field,) for field in _SECRET if field in plain], {}, "")
    new = new_id()
    values = {"organisation_id": organisation_id, "id": new, "kind": kind, "name": name, "config": Jsonb(plain), "now": kit.clock.now()}
    row = await kit.db.fetch_one(queries.CREATE, {**values, "secrets": masks.sealed(kit.vault, secrets, _place(organisation_id, new))})
    assert row is not None  # noqa: S101
    return _shown(row)


async def listing(kit: Kit, organisation_id: UUID) -> list[Json]:
    """All of an organisation, oldest first, secrets masked."""
    return [_shown(row) for row in await kit.db.fetch(queries.LISTING, {"organisation_id": organisation_id})]


async def get(kit: Kit, organisation_id: UUID, integration_id: UUID) -> Json:
    row = await kit.db.fetch_one(queries.GET, {"organisation_id": organisation_id, "id": integration_id})
    if row is None:
        raise NotFound(f"there is no integration {integration_id}")
    return _shown(row)


async def find(kit: Kit, organisation_id: UUID, kind: Kind, integration_id: UUID | None = None) -> Integration | None:
    """The account of this kind with this id, or the oldest one there is; None when there is none."""
    row = await kit.db.fetch_one(queries.OF_KIND, {"organisation_id": organisation_id, "kind": kind, "id": integration_id})
    if row is None:
        return None
    config = SCHEMAS[kind].model_validate(
        masks.put_back(row["config"], masks.opened(kit.vault, row["secrets"], _place(organisation_id, row["id"])))
    )
    return Integration(row["organisation_id"], row["id"], row["number"], kind, row["name"], config, row["created_at"])


async def renew(kit: Kit, integration: Integration, refresh_token: str) -> None:
    """Keep the refresh token that came in place of the old one."""
    secrets = {name: getattr(integration.config, name) for name in _SECRET if getattr(integration.config, name, None)}
    secrets["refresh_token"] = refresh_token
    scope = {"organisation_id": integration.organisation_id, "id": integration.id, "now": kit.clock.now()}
    sealed = masks.sealed(kit.vault, secrets, _place(integration.organisation_id, integration.id))
    await kit.db.execute(queries.RENEW, {**scope, "secrets": sealed, "mask": masks.masked(refresh_token)})


async def delete(kit: Kit, organisation_id: UUID, integration_id: UUID) -> None:
    if await kit.db.fetch_one(queries.DELETE, {"organisation_id": organisation_id, "id": integration_id}) is None:
        raise NotFound(f"there is no integration {integration_id}")


def _check(kit: Kit, field: str, url: str) -> None:
    try:
        check_url(url, kit.settings.allow_private_urls)
    except Refused as refused:
        raise Invalid(f"{field}: {refused.reason}", field=field) from None


def _shown(row: Row) -> Json:
    return {name: row[name] for name in ("id", "number", "kind", "name", "config", "created_at")}


def _place(organisation_id: UUID, row_id: UUID) -> tuple[str, ...]:
    return str(organisation_id), "integrations", "secrets", str(row_id)
