"""The OpenAPI document as callers know this dialect: full addresses, `..._create`-style operation ids, 400 instead of 422."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

PREFIX = "/api/v1"
# FastAPI's own shapes for an answer that this dialect never gives.
UNUSED = ("HTTPValidationError", "ValidationError")
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
        for operation in operations.values():
            operation["responses"].pop("422", None)
    schemas = document.get("components", {}).get("schemas", {})
    for name in UNUSED:
        schemas.pop(name, None)
    return document
