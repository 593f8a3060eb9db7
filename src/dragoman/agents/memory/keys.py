"""A memory key: what an agent keeps about each of its customers under one name, and which values fit it."""

import math
import re
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, ValidationInfo, WithJsonSchema, field_validator

from dragoman.agents.parts import named
from dragoman.agents.schema import Schema

LARGEST = 4096  # bytes of one value as JSON
DEEPEST = 32

Kind = Literal["string", "number", "boolean", "json"]

_KINDS = {"string": "a text", "number": "a number", "boolean": "true or false", "json": "JSON"}
_NUL = re.compile(rb"(?<!\\)(\\\\)*\\u0000")


class MemoryKey(Schema):
    """`initial_value` is text, as the published document types it: of a string the string itself, else JSON. Empty is no value."""

    key: Annotated[str, Field(min_length=1, max_length=255, pattern=r"\S", description="The name of what is remembered")]
    type: Annotated[Kind, Field(description="Of the values")]
    initial_value: Annotated[
        str,
        Field(description="The value while nothing is remembered, as text"),
        WithJsonSchema({"description": "The value while nothing is remembered: as text, or as what it is"}, mode="validation"),
    ] = ""
    when_to_update: Annotated[str, Field(max_length=2000, description="Tells the model when to change the value")] = ""

    @field_validator("initial_value", mode="before")
    @classmethod
    def _as_text(cls, value: object, info: ValidationInfo) -> str:
        kind: Kind | None = info.data.get("type")
        if kind is None or value is None or value == "":  # without a type, the type is what was wrong
            return ""
        if kind == "string":
            return str(checked(kind, value))
        if isinstance(value, str):
            value = _read(value, kind)
        return _text(checked(kind, value)) if value is not None else ""

    @property
    def initial(self) -> Any:
        """The initial value as it is meant; None for no value."""
        if self.type == "string":
            return self.initial_value or None
        return msgspec.json.decode(self.initial_value) if self.initial_value else None


def checked(kind: Kind, value: Any) -> Any:
    """`value`, when it can be kept under a key of this kind. Raises ValueError with what is wrong, to be put after its name."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("is not a finite number; send another one")
    if not _fits(kind, value):
        raise ValueError(f"is {named(value)}; it must be {_KINDS[kind]}")
    if _depth(value) > DEEPEST:
        raise ValueError(f"is nested more than {DEEPEST} levels deep")
    try:
        written = msgspec.json.encode(value)
    except UnicodeEncodeError:
        raise ValueError("holds half of a character; send whole ones") from None
    except (OverflowError, ValueError):
        raise ValueError("holds a number that is too large") from None
    if len(written) > LARGEST:
        raise ValueError(f"is larger than {LARGEST} bytes; keep the essence only")
    if _NUL.search(written):
        raise ValueError("holds a NUL character (\\u0000), which cannot be kept")
    return value


def suits(kind: Kind, value: Any) -> bool:
    """Whether a value that was kept once still fits: the type of a key can be changed."""
    return value is not None and _fits(kind, value)


def _fits(kind: Kind, value: Any) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
    return value is not None


def _depth(value: object, so_far: int = 0) -> int:
    if so_far > DEEPEST or not isinstance(value, dict | list):
        return so_far
    parts = value.values() if isinstance(value, dict) else value
    return max((_depth(part, so_far + 1) for part in parts), default=so_far + 1)


def _read(text: str, kind: Kind) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise ValueError(f"is text, but not the text of {_KINDS[kind]}") from None


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
