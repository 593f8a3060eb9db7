"""API keys with permissions. They are good for both dialects."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from dragoman.accounts import callers, keys
from dragoman.api.times import MomentInZone
from dragoman.api.v2.auth import Authenticated, Wired
from dragoman.api.v2.envelope import Deleted, Got, Made, got, made
from dragoman.api.v2.models import Input, Shape
from dragoman.api.v2.paging import Listed, Paged
from dragoman.api.v2.routing import router

routes = router("API keys")


class NewApiKey(Input):
    name: Annotated[str, Field(min_length=1, max_length=255)]
    description: Annotated[str, Field(max_length=2000)] = ""
    permissions: Annotated[
        list[str] | None, Field(max_length=100, description="`resource:verb`, such as `actions:read`; left out: all that you may do")
    ] = None
    expires_at: Annotated[MomentInZone | None, Field(description="ISO 8601, with its zone; left out: never")] = None


class ApiKey(Shape):
    id: str = Field(description="The key's beginning, which lists and logs may show")
    name: str
    description: str
    permissions: list[str] | None = Field(description="null is everything")
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class FreshApiKey(ApiKey):
    api_key: str = Field(description="The key itself. It is not shown again")


def _shown(key: keys.ApiKey) -> dict[str, object]:
    fields = ("name", "description", "permissions", "created_at", "last_used_at", "expires_at", "revoked_at")
    return {"id": key.prefix, **{name: getattr(key, name) for name in fields}}


@routes.post("/_api_keys", status_code=201, summary="Create an API key")
async def create_api_key(new: NewApiKey, caller: Authenticated, services: Wired) -> Made[FreshApiKey]:
    """Nobody gives a key more than he may do himself."""
    allowed = callers.checked(new.permissions, caller)
    office = (services.db, services.vault, services.clock, caller.organisation_id)
    key, text = await keys.create(*office, new.name, new.expires_at, permissions=allowed, description=new.description)
    return made(FreshApiKey(**_shown(key), api_key=text))


@routes.get("/_api_keys", summary="List API keys")
async def list_api_keys(caller: Authenticated, services: Wired, paged: Paged) -> Got[Listed[ApiKey]]:
    """Oldest first, revoked ones too."""
    found = await keys.listing(services.db, caller.organisation_id)
    return paged.listed([ApiKey(**_shown(key)) for key in found[paged.offset : paged.offset + paged.limit]], len(found))


@routes.delete("/_api_keys/{key_id}", summary="Revoke an API key")
async def revoke_api_key(key_id: str, caller: Authenticated, services: Wired) -> Got[Deleted]:
    """It opens nothing from now on."""
    key = await keys.revoke(services.db, services.clock, caller.organisation_id, key_id)
    return got(Deleted(id=key.prefix))
