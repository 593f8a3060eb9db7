"""The one way to make a router of this dialect."""

from typing import ClassVar

from fastapi import APIRouter

from dragoman.api import route
from dragoman.api.dialect import refusals
from dragoman.api.v1.auth import authenticate
from dragoman.api.v1.errors import Error
from dragoman.api.v1.openapi import operation_id

_WORDS: dict[int | str, str] = {
    400: "A field is wrong; `field` names it",
    401: "No API key, or one that opens nothing",
    403: "This key may not do that; the message names the permission",
    404: "No such thing, or not yours",
    408: "The body did not come to its end in time",
    409: "The right request at the wrong moment",
    413: "The body is too large",
    415: "The body is not JSON",
    429: "Too many requests; `retry_after` says when to come back",
    503: "The database is away; nothing was done, try again",
}
ANSWERS = refusals(_WORDS, Error)


class Route(route.Route):
    caller = staticmethod(authenticate)
    resources: ClassVar[dict[str, str]] = {
        "Agents": "assistants",
        "API tools": "actions",
        "API keys": "api_keys",
        "Phone numbers": "phone_numbers",
        "Conversations": "conversations",
        "Contacts": "customers",
        "Connectors": "integrations",
        "Knowledge": "knowledge_base",
        "Model providers": "integrations",
        "Sessions and usage": "token_activity",
        "Paywall and credits": "customers",
        "Dragoman's additions": "conversations",
    }


class FormRoute(Route):
    form = True


def router(tag: str, *, form: bool = False) -> APIRouter:
    return APIRouter(
        route_class=FormRoute if form else Route,
        tags=[tag],
        responses=ANSWERS,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
    )
