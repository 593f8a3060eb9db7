"""A tool as it is proposed to the business from what it has at hand: it looks it over, describes values to the model, and stores it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

Json = dict[str, Any]


class Proposal(NamedTuple):
    """`tool` is an item for `tools[]`; `notes` say what could not be carried over, and what is left to do."""

    tool: Json
    notes: list[str]


def fixed(value: Any, *, secret: bool = False) -> Json:
    """A Param with this value; an object is put together from its own, so that each can be described to the model later."""
    if isinstance(value, dict) and value:
        return {"type": "object", "required": [], "properties": {name: fixed(part) for name, part in value.items() if part is not None}}
    made: Json = {"type": type_of(value), "input": {"type": "value", "value": value}}
    return made | ({"secret": True} if secret else {})


def described(description: str, kind: str = "string") -> Json:
    return {"type": kind, "input": {"type": "description", "description": description}}


def together(properties: Json, required: Sequence[str] = ()) -> Json:
    return {"required": list(required), "properties": properties}


def type_of(value: object) -> str:
    kinds: list[tuple[type, str]] = [(bool, "boolean"), (int, "integer"), (float, "number"), (list, "array"), (dict, "object")]
    return next((name for kind, name in kinds if isinstance(value, kind)), "string")
