"""Whether the arguments of a call fit the tool's schema. Schemas come from tenants and from other people's servers."""

import json
import math
import re
from functools import lru_cache
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import msgspec
import referencing
import referencing.exceptions

from dragoman.agents.tools import Json, Tool

# What a schema itself may be to blame for: a reference that leads nowhere, a pattern that is none, a division by nothing.
_OF_THE_SCHEMA = (
    RecursionError,
    ArithmeticError,
    re.error,
    jsonschema.exceptions.UnknownType,
    referencing.exceptions.Unresolvable,
    jsonschema.exceptions._WrappedReferencingError,
)


_UNKEPT = re.compile("[\0\ud800-\udfff]")


def kept(value: Any) -> Any:
    """`value`, of a model's JSON, as a database keeps it: without U+0000 and halves of surrogate pairs, null for what is no number."""
    if isinstance(value, str):
        return _UNKEPT.sub("", value)
    if isinstance(value, dict):
        return {kept(name): kept(one) for name, one in value.items()}
    if isinstance(value, list):
        return [kept(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def misfit(tool: Tool, args: Json) -> str | None:
    """How `args` break the tool's schema, in one sentence; None when they fit."""
    try:
        error = next(iter(_validator(msgspec.json.encode(tool.parameters)).iter_errors(args)), None)
    except _OF_THE_SCHEMA:
        return "the arguments cannot be checked against the tool's schema"
    if error is None:
        return None
    where = ".".join(str(part) for part in error.absolute_path)
    return f"{where or 'the arguments'}: {error.message[:300]}"


@lru_cache(maxsize=1024)
def _validator(schema: bytes) -> Any:
    # With a registry of its own it fetches nothing: a reference may only lead into the schema itself.
    return jsonschema.Draft202012Validator(json.loads(schema), registry=referencing.Registry())
