"""The OpenAPI document as callers know this dialect: full addresses in the spelling of the reference, 400 instead of 422."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from dragoman.api import dialect
from dragoman.api.v2.envelope import Failed

PREFIX = "/v2"
# The reference spells the same thing in two ways.
SPELLED = {"/_knowledge_base/": "/_knowledgebase/"}
VERBS = {"POST": "create", "PUT": "update", "DELETE": "delete"}


def operation_id(route: APIRoute) -> str:
    """`POST /_new_assistants` is `v2_new_assistants_create`, `GET /_actions/{action_id}` is `v2_actions_retrieve`."""
    words = [part.strip("_") for part in route.path.split("/") if part and not part.startswith("{")]
    method = sorted(route.methods or {"GET"})[0]
    verb = VERBS.get(method) or ("retrieve" if route.path.endswith("}") else "list")
    return "_".join(["v2", *words, verb])


def document(app: FastAPI, public_url: str) -> dict[str, Any]:
    return dialect.described(app, public_url, lambda path: PREFIX + _spelled(path), Failed)


def _spelled(path: str) -> str:
    for ours, theirs in SPELLED.items():
        path = path.replace(ours, theirs)
    return path
