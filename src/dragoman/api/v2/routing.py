"""The one way to make a router of this dialect."""

from typing import ClassVar

from fastapi import APIRouter

from dragoman.api import route
from dragoman.api.dialect import refusals
from dragoman.api.v2.auth import authenticate
from dragoman.api.v2.envelope import Failed
from dragoman.api.v2.openapi import operation_id

_WORDS: dict[int | str, str] = {
    400: "Something in the request is wrong; `errors` says where",
    401: "No token, or one that opens nothing",
    403: "You may not do that; the message names the permission",
    404: "No such thing, or not yours",
    408: "The body did not come to its end in time",
    409: "The right request at the wrong moment",
    413: "The body is too large",
    415: "The body is of another type",
    429: "Too many requests; `Retry-After` says when to come back",
    503: "The database is away; nothing was done, try again",
}
ANSWERS = refusals(_WORDS, Failed)


class Route(route.Route):
    caller = staticmethod(authenticate)
    resources: ClassVar[dict[str, str]] = {
        "Assistants": "assistants",
        "Actions": "actions",
        "Knowledge bases": "knowledge_base",
        "Customers": "customers",
        "Campaigns": "campaigns",
        "API keys": "api_keys",
        "Token activity": "token_activity",
        "Integrations": "integrations",
        "Phone numbers": "phone_numbers",
        "Calls": "calls",
    }


class FormRoute(Route):
    form = True


class LargeRoute(Route):
    largest = 32 * 1024 * 1024


def router(tag: str, *, form: bool = False, large: bool = False) -> APIRouter:
    """`form`: its functions read the body themselves, because it holds files. `large`: a body may be a long list."""
    kind = FormRoute if form else LargeRoute if large else Route
    return APIRouter(route_class=kind, tags=[tag], responses=ANSWERS, redirect_slashes=False, generate_unique_id_function=operation_id)
