"""Who is asking: `Authorization: Bearer` with a token, or with an API key."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from dragoman.accounts import keys, tokens
from dragoman.accounts.callers import Caller
from dragoman.api.route import services_of
from dragoman.conversations.services import Services
from dragoman.errors import Unauthorized

scheme = HTTPBearer(
    scheme_name="Bearer",
    bearerFormat="JWT",
    description="A token from `dragoman tokens create` or `_login`, or an API key",
    auto_error=False,
)


async def authenticate(request: Request) -> Caller:
    """The caller of this request, found out (and counted) once however often it is asked for."""
    if not hasattr(request.state, "caller"):
        kind, _, text = request.headers.get("Authorization", "").strip().partition(" ")
        text = text.strip()
        if kind.lower() != "bearer" or not text:
            raise Unauthorized("send a token in the header Authorization: Bearer …; `dragoman tokens create` makes one")
        services = services_of(request)
        door = keys if text.startswith("wak_") else tokens
        request.state.caller = await door.authenticate(services.db, services.vault, services.clock, text, services.settings.api_rate_limit)
    caller: Caller = request.state.caller
    return caller


async def _caller(request: Request, _sent: Annotated[HTTPAuthorizationCredentials | None, Security(scheme)]) -> Caller:
    return await authenticate(request)


Authenticated = Annotated[Caller, Depends(_caller)]
Wired = Annotated[Services, Depends(services_of)]
