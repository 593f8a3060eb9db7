"""The OpenAPI document as callers know this dialect: full addresses, `..._create`-style operation ids, 400 instead of 422."""

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

PREFIX = "/api/v1"
# FastAPI's own shapes for an answer that this dialect never gives.
UNUSED = ("HTTPValidationError", "ValidationError")
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of up to 255 printable ASCII characters. The same request with the same key is done once, and answered alike for 48 hours",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}
REUSED = {
    "description": "This Idempotency-Key came with another body before",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
VERBS = {"POST": "create", "PUT": "update", "PATCH": "partial_update", "DELETE": "destroy"}


def operation_id(route: APIRoute) -> str:
    """`POST /agents/byoa/` is `api_v1_agents_byoa_create`, `GET /agents/{agent_id}/` is `api_v1_agents_retrieve`."""
    words = [part.replace("-", "_") for part in route.path.split("/") if part and not part.startswith("{")]
    method = sorted(route.methods or {"GET"})[0]
    verb = VERBS.get(method) or ("retrieve" if route.path.endswith("}/") else "list")
    return "_".join(["api_v1", *words, verb])


def served_document(app: FastAPI, public_url: str) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = _document(app, public_url)
    return app.openapi_schema


def _document(app: FastAPI, public_url: str) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    document["servers"] = [{"url": public_url}]
    document["paths"] = {PREFIX + path: operations for path, operations in document["paths"].items()}
    for operations in document["paths"].values():
        for method, operation in operations.items():
            operation["responses"].pop("422", None)
            if method == "post" and "multipart/form-data" not in operation.get("requestBody", {}).get("content", {}):
                operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
                operation["responses"]["422"] = REUSED
    schemas = document["components"]["schemas"]
    for name in UNUSED:
        schemas.pop(name, None)
    for schema in schemas.values():
        for part in schema.get("properties", {}).values():
            part.pop("title", None)  # "Systemprompt" for systemPrompt tells nobody anything
    return _well_named(document)


def _well_named(document: dict[str, Any]) -> dict[str, Any]:
    """`Page_Union_Agent__AgentObject__` under its title, `AgentPage`."""
    schemas = document["components"]["schemas"]
    text = msgspec.json.encode(document)
    for name, schema in schemas.items():
        if name.startswith("Page_"):
            text = text.replace(f'schemas/{name}"'.encode(), f'schemas/{schema["title"]}"'.encode())
            text = text.replace(f'"{name}":'.encode(), f'"{schema["title"]}":'.encode())
    named: dict[str, Any] = msgspec.json.decode(text)
    return named
