"""Accounts at others that actions work with: calendars, a mail server, a text message service. Our addition."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from dragoman.agents import integrations
from dragoman.api.v2.auth import Authenticated, Wired
from dragoman.api.v2.envelope import Deleted, Got, Made, got, made
from dragoman.api.v2.models import Input, Shape, fitted
from dragoman.api.v2.paging import Listed, Paged
from dragoman.api.v2.routing import router

routes = router("Integrations")


class NewIntegration(Input):
    type: Literal["google", "outlook", "smtp", "twilio"]
    name: Annotated[str, Field(min_length=1, max_length=255)]
    settings: Annotated[
        dict[str, Any], Field(json_schema_extra={"anyOf": [schema.model_json_schema() for schema in integrations.SCHEMAS.values()]})
    ]


class Integration(Shape):
    id: UUID = Field(description="What `user_id` of an action is")
    number: int = Field(description="The same as a number, for `api_keys` of an assistant")
    name: str
    type: Literal["google", "outlook", "smtp", "twilio"]
    settings: dict[str, Any] = Field(description="Secrets are shown as •••• and their last four characters")
    created_at: datetime


def _shown(row: dict[str, Any]) -> Integration:
    return Integration(
        id=row["id"], number=row["number"], name=row["name"], type=row["kind"], settings=row["config"], created_at=row["created_at"]
    )


@routes.post("/_integrations", status_code=201, summary="Add an integration")
async def create_integration(new: NewIntegration, caller: Authenticated, services: Wired) -> Made[Integration]:
    """A calendar needs an OAuth client and a refresh token that may use it; `base_url` and `token_url` are settable."""
    settings = fitted(integrations.SCHEMAS[new.type], new.settings, "settings")
    return made(_shown(await integrations.add(services.kit, caller.organisation_id, new.type, new.name, settings)))


@routes.get("/_integrations", summary="List integrations")
async def list_integrations(caller: Authenticated, services: Wired, paged: Paged) -> Got[Listed[Integration]]:
    found = await integrations.listing(services.kit, caller.organisation_id)
    return paged.listed([_shown(row) for row in found[paged.offset : paged.offset + paged.limit]], len(found))


@routes.get("/_integrations/{integration_id}", summary="Read an integration")
async def read_integration(integration_id: UUID, caller: Authenticated, services: Wired) -> Got[Integration]:
    return got(_shown(await integrations.get(services.kit, caller.organisation_id, integration_id)))


@routes.delete("/_integrations/{integration_id}", summary="Delete an integration")
async def delete_integration(integration_id: UUID, caller: Authenticated, services: Wired) -> Got[Deleted]:
    """Actions that worked with it say from then on that it is missing."""
    await integrations.delete(services.kit, caller.organisation_id, integration_id)
    return got(Deleted(id=str(integration_id)))
