"""A member's token, for an e-mail address and a password. The only address of this dialect that is open to everybody."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError

from dragoman.accounts import members
from dragoman.api.body import read_body
from dragoman.api.v2.auth import Wired
from dragoman.api.v2.envelope import Got, got
from dragoman.api.v2.models import Input, Shape
from dragoman.api.v2.openapi import operation_id
from dragoman.api.v2.routing import ANSWERS

LARGEST = 16 * 1024

routes = APIRouter(
    tags=["Login"],
    responses={status: ANSWERS[status] for status in (400, 401, 413, 429)},
    redirect_slashes=False,
    generate_unique_id_function=operation_id,
)


class LoginInput(Input):
    email: Annotated[str, Field(min_length=1, max_length=320)]
    password: Annotated[str, Field(min_length=1, max_length=members.LONGEST_PASSWORD)]


class LoggedIn(Shape):
    token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_at: datetime


BODY = {"required": True, "content": {"application/json": {"schema": LoginInput.model_json_schema()}}}


@routes.post("/_login", summary="Log in", openapi_extra={"requestBody": BODY})
async def log_in(request: Request, services: Wired) -> Got[LoggedIn]:
    """Our addition: how a token is come by is not in the other service's reference. `dragoman members add` makes a member."""
    try:
        sent = LoginInput.model_validate_json(await read_body(request, LARGEST))
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]) from None
    token = await members.log_in(services.db, services.vault, services.clock, sent.email, sent.password)
    return got(LoggedIn(token=token.text, expires_at=token.expires_at))
