"""Actions: what assistants may do. One address for all ten types; `type` says which fields a body has."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from dragoman.agents.actions import TYPES, records
from dragoman.agents.actions.records import NewAction
from dragoman.agents.schema import Form
from dragoman.api.v2.auth import Authenticated, Wired
from dragoman.api.v2.envelope import Deleted, Got, Made, got, made
from dragoman.api.v2.models import Shape, fitted, undotted
from dragoman.api.v2.paging import Listed, Paged
from dragoman.api.v2.routing import router
from dragoman.errors import Invalid

routes = router("Actions")

COMMON = ("name", "description", "action_timing", "type", "is_active")


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


class ActionInput(BaseModel):
    """The fields that all types have; the others are the type's own (see docs/contactswing.md) and are checked against it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=255)]
    description: Annotated[str, Field(max_length=10_000, description="When the action is to be used, in plain words")] = ""
    action_timing: Annotated[
        Literal["BEFORE", "DURING", "AFTER"], BeforeValidator(_upper), Field(description="In capitals or small letters")
    ]
    type: Annotated[
        str, BeforeValidator(_upper), Field(json_schema_extra={"enum": list(TYPES)}, description="In capitals or small letters")
    ]
    is_active: Annotated[bool, Field(strict=True)] = True

    @model_validator(mode="before")
    @classmethod
    def _undotted(cls, sent: Any) -> Any:
        return undotted(sent)


class ActionRef(Shape):
    action_id: UUID
    name: str
    type: str


class Action(BaseModel):
    """The type's own fields stand beside these, as they were sent; secrets are shown as •••• and their last four characters."""

    model_config = ConfigDict(extra="allow")

    id: UUID
    name: str
    description: str
    type: str
    action_timing: Literal["BEFORE", "DURING", "AFTER"]
    is_active: bool
    webhook: Any = Field(None, description="The type's own block, where it has one of this name")
    created_at: datetime
    updated_at: datetime


@routes.post("/_actions", status_code=201, summary="Create an action")
async def create_action(new: ActionInput, caller: Authenticated, services: Wired) -> Made[ActionRef]:
    """WEBHOOK, SEND_WHATSAPP, SEND_EMAIL, SEND_SMS, APPOINTMENT, SINGLEDATAEXTRACTION and SHOPIFY run on WhatsApp. CALL_TRANSFER,
    DTMF_ACTION and AIRCALL are kept, and never offered to an assistant there."""
    action = await records.put(services.kit, caller.organisation_id, _read(new))
    return made(ActionRef(action_id=action.id, name=action.name, type=action.type))


@routes.get("/_actions", summary="List actions")
async def list_actions(caller: Authenticated, services: Wired, paged: Paged) -> Got[Listed[Action]]:
    """Newest first."""
    rows, total = await records.listing(services.kit, caller.organisation_id, paged.limit, paged.offset)
    return paged.listed([_shown(row) for row in rows], total)


@routes.get("/_actions/{action_id}", summary="Read an action")
async def read_action(action_id: UUID, caller: Authenticated, services: Wired) -> Got[Action]:
    return got(_shown(await records.get(services.kit, caller.organisation_id, action_id)))


@routes.put("/_actions/{action_id}", summary="Change an action")
async def update_action(action_id: UUID, sent: ActionInput, caller: Authenticated, services: Wired) -> Got[ActionRef]:
    """What is sent replaces the action; a secret may be sent back as it is shown."""
    action = await records.put(services.kit, caller.organisation_id, _read(sent), action_id)
    return got(ActionRef(action_id=action.id, name=action.name, type=action.type))


@routes.delete("/_actions/{action_id}", summary="Delete an action")
async def delete_action(action_id: UUID, caller: Authenticated, services: Wired) -> Got[Deleted]:
    """For every assistant that it was linked to."""
    await records.delete(services.kit, caller.organisation_id, action_id)
    return got(Deleted(id=str(action_id)))


def _read(sent: ActionInput) -> NewAction:
    if sent.type not in TYPES:
        raise Invalid(f"type: {sent.type} is not known; there are {', '.join(TYPES)}", field="type")
    config: Form = fitted(TYPES[sent.type].schema, sent.model_extra or {})
    return NewAction(
        name=sent.name, description=sent.description, type=sent.type, timing=sent.action_timing, is_active=sent.is_active, config=config
    )


def _shown(row: dict[str, Any]) -> Action:
    fields = {name: row[name] for name in ("id", "name", "description", "type", "is_active", "created_at", "updated_at")}
    return Action(**{**row["config"], **fields, "action_timing": row["timing"]})
