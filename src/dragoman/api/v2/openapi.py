"""The OpenAPI document as callers know this dialect: full addresses in the spelling of the reference, 400 instead of 422."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

PREFIX = "/v2"
# FastAPI's own shapes for an answer that this dialect never gives.
UNUSED = ("HTTPValidationError", "ValidationError")
# The reference spells the same thing in two ways.
SPELLED = {"/_knowledge_base/": "/_knowledgebase/"}
VERBS = {"POST": "create", "PUT": "update", "DELETE": "delete"}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of up to 255 printable ASCII characters. The same request with the same key is done once, and answered alike for 48 hours",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}


def operation_id(route: APIRoute) -> str:
    """`POST /_new_assistants` is `v2_new_assistants_create`, `GET /_actions/{action_id}` is `v2_actions_retrieve`."""
    words = [part.strip("_") for part in route.path.split("/") if part and not part.startswith("{")]
    method = sorted(route.methods or {"GET"})[0]
    verb = VERBS.get(method) or ("retrieve" if route.path.endswith("}") else "list")
    return "_".join(["v2", *words, verb])


def served_document(app: FastAPI, public_url: str) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = _document(app, public_url)
    return app.openapi_schema


def _document(app: FastAPI, public_url: str) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    document["servers"] = [{"url": public_url}]
    document["paths"] = {PREFIX + _spelled(path): operations for path, operations in document["paths"].items()}
    for operations in document["paths"].values():
        for method, operation in operations.items():
            operation["responses"].pop("422", None)
            if (
                method == "post"
                and "security" in operation
                and "multipart/form-data" not in operation.get("requestBody", {}).get("content", {})
            ):
                operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    schemas = document["components"]["schemas"]
    for name in UNUSED:
        schemas.pop(name, None)
    for schema in schemas.values():
        for part in schema.get("properties", {}).values():
            part.pop("title", None)
    return document


def _spelled(path: str) -> str:
    for ours, theirs in SPELLED.items():
        path = path.replace(ours, theirs)
    return path
