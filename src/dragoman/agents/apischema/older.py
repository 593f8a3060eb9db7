"""The form of `apiSchema` that an older guide shows: a JSON Schema whose constants are the request.

    {type: "object", properties: {
        endpoint:   {const: "https://…/{id}"},
        method:     {const: "POST"},
        headers:    {properties: {name: {const}}},
        parameters: {type: "object", properties: {name: {type, description} or {const}}, required: [name]}}}

A parameter that stands in the endpoint as {name} goes there, the others into the query of a GET and the body of a POST, PUT or PATCH.
"""

import re
from typing import Any

from dragoman.agents.apischema.proposal import type_of

Json = dict[str, Any]

_PARTS = ("endpoint", "method", "headers", "parameters")
DEEPEST = 8
_KEYWORDS = ("type", "description", "enum", "const", "items", "properties", "required")
_INSTEAD = "write the current form: url, method, path_params, query_params, request_headers, request_body"


def converted(sent: object) -> object:
    """The current form of `sent`; whatever is not of the older form is given back as it is. Raises ValueError when it is ambiguous."""
    if not isinstance(sent, dict) or "url" in sent or not isinstance(sent.get("properties"), dict):
        return sent
    parts: Json = sent["properties"]
    if odd := set(parts) - set(_PARTS):
        raise ValueError(f"looks like the older form, but has {', '.join(sorted(odd))} in its properties; {_INSTEAD}")
    url, method = _constant(parts, "endpoint"), _constant(parts, "method").upper()
    made: Json = {"url": url, "method": method, "path_params": {}}
    made["request_headers"] = {name: _param(schema, name) for name, schema in _properties(parts, "headers").items()}
    required = _required(parts)
    others: Json = {}
    for name, schema in _properties(parts, "parameters").items():
        place = made["path_params"] if f"{{{name}}}" in url else others
        place[name] = _param(schema, name)
    return made | _placed(others, [name for name in required if name in others], method)


def _placed(params: Json, required: list[str], method: str) -> Json:
    together = {"required": required, "properties": params}
    if not params:
        return {}
    if method in ("GET", "HEAD"):
        return {"query_params": together}
    if method in ("POST", "PUT", "PATCH"):
        return {"request_body": {"type": "object", **together}}
    raise ValueError(f"is of the older form, which does not say where the parameters of a {method} go; {_INSTEAD}")


def _constant(parts: Json, name: str) -> str:
    schema = parts.get(name)
    value = schema.get("const") if isinstance(schema, dict) else None
    if not isinstance(value, str):
        raise ValueError(f"is of the older form, but properties.{name}.const is not a text; {_INSTEAD}")
    return value


def _properties(parts: Json, name: str) -> Json:
    schema = parts.get(name) or {}
    found = schema.get("properties", {}) if isinstance(schema, dict) else None
    if not isinstance(found, dict) or not all(isinstance(value, dict) for value in found.values()):
        raise ValueError(f"is of the older form, but properties.{name}.properties is not an object of schemas; {_INSTEAD}")
    return found


def _required(parts: Json) -> list[str]:
    schema = parts.get("parameters")
    found = schema.get("required") if isinstance(schema, dict) else None
    return found if isinstance(found, list) else []


def _param(schema: Json, name: str, depth: int = 1) -> Json:
    if depth > DEEPEST:
        raise ValueError(f"is of the older form and nested more than {DEEPEST} levels deep")
    if odd := set(schema) - set(_KEYWORDS):
        raise ValueError(f"is of the older form, and {name} has {', '.join(sorted(odd))}, which cannot be carried over; {_INSTEAD}")
    if "const" in schema:
        return {"type": type_of(schema["const"]), "input": {"type": "value", "value": schema["const"]}}
    made = {key: schema[key] for key in ("type", "enum", "items") if key in schema}
    if isinstance(children := schema.get("properties"), dict):
        inner = {child: _param(value if isinstance(value, dict) else {}, f"{name}.{child}", depth + 1) for child, value in children.items()}
        return made | {"properties": inner, "required": schema.get("required", [])}
    words = schema.get("description") or re.sub(r"[_-]+", " ", name)
    return made | {"input": {"type": "description", "description": words}}
