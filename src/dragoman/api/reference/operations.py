"""The OpenAPI document as a reader wants it: what to send, a line to copy, what comes back."""

import json
from typing import Any, NamedTuple

DEEPEST_EXAMPLE = 4
# What a field of this name looks like; otherwise its type says it.
LOOKS_LIKE = {
    "webhookUrl": "https://agent.example/hook",
    "name": "Echo",
    "number": "15550001234",
    "phoneNumber": "+15550007890",
    "prefix": "wak_live_3fT9bQx1",
    "key": "wak_live_3fT9bQx1_…",
    "whatsappPhoneNumberId": "106540352242922",
    "connectUrl": "https://wa.me/15550001234?text=/connect:0198c5a2-7c1e-7d4b-9a55-3f0e6b1c2d4e",
    "url": "https://lumen.example/menu",
    "text": "Good morning!",
    "body": "Good morning!",
    "model": "cw-llm-1",
    "instructions": "Take orders for bread.",
    "phone_number": "650175178190170",
    "phone": "+15550007890",
    "agent_id": "1001",
    "totalMessages": "12",
    "totalSessions": "3",
    "ownerActive": "true",
}
UUID = "0198c5a2-7c1e-7d4b-9a55-3f0e6b1c2d4e"
TIME = "2026-05-04T08:30:00Z"


class Field(NamedTuple):
    name: str
    type: str
    required: bool
    description: str


class Operation(NamedTuple):
    id: str
    method: str
    path: str
    summary: str
    paragraphs: list[str]
    parameters: list[Field]
    fields: list[Field]
    curl: str
    status: str
    answer: str


class Section(NamedTuple):
    title: str
    operations: list[Operation]


def sections(document: dict[str, Any]) -> list[Section]:
    found: dict[str, list[Operation]] = {}
    for path, operations in document["paths"].items():
        for method, spec in operations.items():
            found.setdefault(spec["tags"][0], []).append(_Reader(document).operation(method, path, spec))
    return [Section(title, operations) for title, operations in found.items()]


class _Reader:
    def __init__(self, document: dict[str, Any]) -> None:
        self._schemas = document["components"]["schemas"]
        self._server = document["servers"][0]["url"]
        schemes = document["components"].get("securitySchemes", {}).values()
        bearer = any(scheme.get("scheme") == "bearer" for scheme in schemes)
        self._credential = '-H "Authorization: Bearer $TOKEN"' if bearer else '-H "X-API-Key: $API_KEY"'

    def operation(self, method: str, path: str, spec: dict[str, Any]) -> Operation:
        body = _json_schema(spec.get("requestBody", {}))
        status, answer = next((status, answer) for status, answer in spec["responses"].items() if status.startswith("2"))
        shown = _json_schema(answer)
        return Operation(
            id=spec["operationId"],
            method=method.upper(),
            path=path,
            summary=spec["summary"],
            paragraphs=[part for part in spec.get("description", "").split("\n\n") if part],
            parameters=[self._parameter(one) for one in spec.get("parameters", [])],
            fields=self._fields(body),
            curl=self._curl(method, path, body),
            status=status,
            answer=_pretty(self._example(shown)) if shown else "",
        )

    def _parameter(self, one: dict[str, Any]) -> Field:
        where = "" if one["in"] == "path" else f" ({one['in']})"
        return Field(one["name"] + where, self._type(one["schema"]), one.get("required", False), one.get("description", ""))

    def _fields(self, schema: dict[str, Any], before: str = "") -> list[Field]:
        schema = self._resolved(schema)
        rows: list[Field] = []
        for name, part in schema.get("properties", {}).items():
            rows.append(Field(before + name, self._type(part), name in schema.get("required", []), part.get("description", "")))
            if before.count(".") < DEEPEST_EXAMPLE and "properties" in self._resolved(part):
                rows += self._fields(part, f"{before}{name}.")
        return rows

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema itself: references followed, of several choices the first that is not null."""
        while True:
            if "$ref" in schema:
                schema = self._schemas[schema["$ref"].rpartition("/")[2]]
            elif choices := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
                schema = next((choice for choice in choices if choice.get("type") != "null"), {})
            else:
                return schema

    def _type(self, schema: dict[str, Any]) -> str:
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return " or ".join(self._type(choice) for choice in choices)
        if "$ref" in schema:
            return self._type(self._resolved(schema))
        if "enum" in schema:
            return " or ".join(json.dumps(value) for value in schema["enum"])
        if "const" in schema:
            return json.dumps(schema["const"])
        if schema.get("type") == "array":
            return f"list of {self._type(schema.get('items', {}))}"
        return str(schema.get("format") or schema.get("type") or "anything")

    def _curl(self, method: str, path: str, body: dict[str, Any]) -> str:
        how = "" if method == "get" else f"-X {method.upper()} "
        lines = [f'curl {how}"{self._server}{_filled_in(path)}"', self._credential]
        if body:
            text = json.dumps(self._request_example(body), ensure_ascii=False).replace("'", "'\\''")
            lines += ['-H "Content-Type: application/json"', f"-d '{text}'"]
        return " \\\n  ".join(lines)

    def _request_example(self, schema: dict[str, Any]) -> Any:
        """Only what has to be sent; where nothing has to, the first field."""
        schema = self._resolved(schema)
        properties = schema.get("properties", {})
        wanted = schema.get("required") or list(properties)[:1]
        return {name: self._example(properties[name], name) for name in wanted}

    def _example(self, schema: dict[str, Any], name: str = "", depth: int = 0) -> Any:
        schema = self._resolved(schema)
        if "properties" in schema:
            inner = schema["properties"].items()
            return {key: self._example(part, key, depth + 1) for key, part in inner} if depth < DEEPEST_EXAMPLE else {}
        if schema.get("type") == "array":
            empty = schema.get("maxItems") == 0 or depth >= DEEPEST_EXAMPLE
            return [] if empty else [self._example(schema.get("items", {}), name, depth + 1)]
        return _plain_example(schema, name)


def _plain_example(schema: dict[str, Any], name: str) -> Any:
    if name in LOOKS_LIKE and schema.get("type") == "string":
        return LOOKS_LIKE[name]
    if schema.get("default") is not None:
        return schema["default"]
    if choices := schema.get("enum") or ("const" in schema and [schema["const"]]):
        return choices[0]
    by_format = {"uuid": UUID, "date-time": TIME}
    by_type = {"string": "", "integer": 0, "number": 0, "boolean": False, "object": {}}
    return by_format.get(schema.get("format", ""), by_type.get(schema.get("type", "")))


def _json_schema(holder: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = holder.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _filled_in(path: str) -> str:
    """`/agents/{agent_id}/` becomes `/agents/$AGENT_ID/`, for a shell."""
    parts = [f"${part[1:-1].upper()}" if part.startswith("{") else part for part in path.split("/")]
    return "/".join(parts)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
