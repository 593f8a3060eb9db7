"""Who is asking. Every route of this dialect needs an API key; there is no other way in."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from dragoman.accounts import keys
from dragoman.accounts.callers import Caller
from dragoman.api.route import services_of
from dragoman.conversations.services import Services
from dragoman.errors import Unauthorized

HEADER = "X-API-Key"

scheme = APIKeyHeader(
    name=HEADER,
    scheme_name="ApiKeyAuth",
    description="API key authentication. Pass your API key in the X-API-Key header.",
    auto_error=False,
)


async def authenticate(request: Request) -> Caller:
    """The caller of this request, found out (and counted) once however often it is asked for."""
    if not hasattr(request.state, "caller"):
        key = request.headers.get(HEADER)
        if not key:
            raise Unauthorized("send your API key in the X-API-Key header; `dragoman keys create --name NAME` makes one")
        services = services_of(request)
        request.state.caller = await keys.authenticate(services.db, services.vault, services.clock, key, services.settings.api_rate_limit)
    caller: Caller = request.state.caller
    return caller


async def _caller(request: Request, _key: Annotated[str | None, Security(scheme)]) -> Caller:
    return await authenticate(request)


Authenticated = Annotated[Caller, Depends(_caller)]
Wired = Annotated[Services, Depends(services_of)]
