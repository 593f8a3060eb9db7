"""The OpenAPI document as callers know this dialect: full addresses, `..._create`-style operation ids, 400 instead of 422."""

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.routing import APIRoute

from dragoman.api import dialect
from dragoman.api.v1.errors import Error

PREFIX = "/api/v1"
REUSED = dialect.refusals({422: "This Idempotency-Key came with another body before"}, Error)
VERBS = {"POST": "create", "PUT": "update", "PATCH": "partial_update", "DELETE": "destroy"}


def operation_id(route: APIRoute) -> str:
    """`POST /agents/byoa/` is `api_v1_agents_byoa_create`, `GET /agents/{agent_id}/` is `api_v1_agents_retrieve`."""
    words = [part.replace("-", "_") for part in route.path.split("/") if part and not part.startswith("{")]
    method = sorted(route.methods or {"GET"})[0]
    verb = VERBS.get(method) or ("retrieve" if route.path.endswith("}/") else "list")
    return "_".join(["api_v1", *words, verb])


def document(app: FastAPI, public_url: str) -> dict[str, Any]:
    made = dialect.described(app, public_url, lambda path: PREFIX + path, Error)
    for operation in dialect.once(made):
        operation["responses"]["422"] = REUSED[422]
    return _well_named(made)


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
