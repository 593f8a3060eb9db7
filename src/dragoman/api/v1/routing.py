"""The one way to make a router of this dialect."""

from typing import Any

from fastapi import APIRouter

from dragoman.api.v1.errors import Error
from dragoman.api.v1.idempotency import Route

_WORDS = {
    400: "A field is wrong; `field` names it",
    401: "No API key, or one that opens nothing",
    404: "No such thing, or not yours",
    409: "The right request at the wrong moment",
    413: "The body is too large",
    415: "The body is not JSON",
    429: "Too many requests; `retry_after` says when to come back",
}


ANSWERS: dict[int | str, dict[str, Any]] = {status: {"model": Error, "description": text} for status, text in _WORDS.items()}


def router(tag: str) -> APIRouter:
    return APIRouter(
        route_class=Route,
        tags=[tag],
        responses=ANSWERS,
        redirect_slashes=False,
    )
