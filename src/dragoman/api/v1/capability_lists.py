"""The lists of an agent's capabilities, made from the registry: what may be sent under each name, and what is shown."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, create_model
from pydantic.alias_generators import to_camel

from dragoman.agents import configured
from dragoman.agents.capabilities import REGISTRY
from dragoman.agents.capability import Capability
from dragoman.agents.configured import Sent
from dragoman.agents.kit import Kit
from dragoman.api.v1.models import Input, Shape
from dragoman.store.database import Connection

BY_FIELD = {capability.field: capability for capability in REGISTRY}


def _entry(capability: Capability[Any]) -> Any:
    """One entry as it is sent: the capability's own schema and, for one that exists, its id."""
    name = capability.schema.__name__
    model = create_model(f"{name}Input", __base__=capability.schema, id=(UUID | None, None))
    return Annotated[model, BeforeValidator(lambda sent: _without(sent, capability.read_only))]


def _without(sent: object, names: tuple[str, ...]) -> object:
    return {key: value for key, value in sent.items() if key not in names} if isinstance(sent, dict) else sent


def _shown(capability: Capability[Any]) -> Any:
    fields = {"__module__": __name__, "model_config": ConfigDict(extra="allow"), "__annotations__": {"id": UUID}}
    return type(f"{capability.schema.__name__}Shown", (capability.schema,), fields)


def _nothing_yet(value: list[Any] | None) -> list[Any] | None:
    if value:
        raise ValueError("this kind of capability is not served by this version; leave the field out or send []")
    return value


NothingYet = Annotated[Annotated[list[Any], Field(max_length=0)] | None, BeforeValidator(_nothing_yet)]
Nothing = Annotated[list[dict[str, Any]], Field(default_factory=list, max_length=0)]

_PROMISED = (
    "tools",
    "memory_keys",
    "wake_up_configs",
    "outbound_triggers",
    "website_tools",
    "image_generate_tools",
    "handoff_tools",
    "mcp_configs",
    "support_tools",
)


def _inputs() -> dict[str, Any]:
    fields: dict[str, Any] = dict.fromkeys(_PROMISED, (NothingYet, None))
    return fields | {field: (list[_entry(capability)] | None, None) for field, capability in BY_FIELD.items()}  # type: ignore[misc]


def _shapes() -> dict[str, Any]:
    fields: dict[str, Any] = dict.fromkeys(_PROMISED, (Nothing, ...))
    return fields | {field: (list[_shown(capability)], ...) for field, capability in BY_FIELD.items()}  # type: ignore[misc]


if TYPE_CHECKING:

    class ListInputs(Input): ...

    class ListShapes(Shape): ...

else:  # a list that is left out stays; one that is sent replaces the stored one
    ListInputs = create_model("ListInputs", __base__=Input, **_inputs())
    ListShapes = create_model("ListShapes", __base__=Shape, **_shapes())


def sent_lists(sent: Any) -> dict[str, Sent]:
    """The lists that a request holds: (id, config) of each entry."""
    lists: dict[str, Sent] = {}
    for field in sent.model_fields_set & set(BY_FIELD):
        schema = BY_FIELD[field].schema
        entries = getattr(sent, field) or []
        lists[field] = [(entry.id, schema.model_validate(entry.model_dump(by_alias=True, exclude={"id"}))) for entry in entries]
    return lists


async def replace(kit: Kit, connection: Connection, organisation_id: UUID, agent_id: UUID, lists: dict[str, Sent]) -> None:
    for field, entries in lists.items():
        await configured.replace(kit, connection, organisation_id, agent_id, BY_FIELD[field], entries, to_camel(field))
