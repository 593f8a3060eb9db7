"""API keys: made, listed, revoked. The text of a key is in the answer that makes it and nowhere else."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from dragoman.accounts import callers, keys
from dragoman.api.times import MomentInZone
from dragoman.api.v1.auth import Authenticated, Wired
from dragoman.api.v1.models import Input
from dragoman.api.v1.routing import router
from dragoman.api.v1.shapes import ApiKey, NewApiKey

routes = router("API keys")


class CreateApiKeyInput(Input):
    name: Annotated[str, Field(min_length=1, max_length=255, description="What the key is for")]
    expires_at: Annotated[MomentInZone | None, Field(description="When it stops working; null is never")] = None
    permissions: Annotated[
        list[str] | None,
        Field(max_length=50, description="Our addition: what it may do, such as `conversations:write`; null is all that you may"),
    ] = None


@routes.get("/api-keys/", summary="List API keys")
async def list_keys(caller: Authenticated, services: Wired) -> list[ApiKey]:
    return [ApiKey.of(row) for row in await keys.listing(services.db, caller.organisation_id)]


@routes.post("/api-keys/", status_code=201, summary="Create an API key")
async def create_key(new: CreateApiKeyInput, caller: Authenticated, services: Wired) -> NewApiKey:
    """The answer holds the key itself, once."""
    expires: datetime | None = new.expires_at
    allowed = callers.checked(new.permissions, caller)
    office = (services.db, services.vault, services.clock, caller.organisation_id)
    row, text = await keys.create(*office, new.name, expires, permissions=allowed)
    return NewApiKey(**ApiKey.of(row).model_dump(), key=text)


@routes.post("/api-keys/{prefix}/revoke/", summary="Revoke an API key")
async def revoke_key(prefix: str, caller: Authenticated, services: Wired) -> ApiKey:
    """It opens nothing from now on; revoking it again changes nothing."""
    return ApiKey.of(await keys.revoke(services.db, services.clock, caller.organisation_id, prefix))
