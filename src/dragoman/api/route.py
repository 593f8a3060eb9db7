"""What happens around every endpoint of a dialect: who asks and may he, the body is read, a repeated POST is answered from memory."""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

import msgspec
from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from dragoman.accounts.callers import Caller
from dragoman.api import idempotency
from dragoman.api.body import read_body
from dragoman.api.idempotency import HEADER, Claim, Kept
from dragoman.conversations.services import Services
from dragoman.errors import Invalid, Problem, Unavailable

LARGEST_BODY = 1024 * 1024
DEEPEST = 64  # far more than anybody writes; pydantic and PostgreSQL give up at some hundreds
JSON = "application/json"


class UnsupportedMediaType(Problem):
    status, code = 415, "unsupported_media_type"


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


class Route(APIRoute):
    """A route of a dialect, which says who asks (`caller`) and to which part of the permissions each tag's routes belong.

    In this order: 401 and 429, 403, then 413, 415 and broken JSON, then `Idempotency-Key`, then your function.
    """

    form: ClassVar[bool] = False  # the function reads the body itself, because it holds files
    largest: ClassVar[int] = LARGEST_BODY
    resources: ClassVar[dict[str, str]]

    @staticmethod
    async def caller(request: Request) -> Caller:
        """Raises Unauthorized, RateLimited."""
        raise NotImplementedError

    @property
    def permission(self) -> str:
        """What a caller needs for this route, such as `actions:write`."""
        verb = "read" if (self.methods or set()) <= {"GET", "HEAD"} else "write"
        return f"{self.resources[str(self.tags[0])]}:{verb}"

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        work = super().get_route_handler()
        takes_json, who, largest = self.body_field is not None, type(self).caller, self.largest

        async def handle(request: Request) -> Response:
            caller = await who(request)
            caller.expect(self.permission)
            if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
                raise _nul()
            if self.form:
                return await work(request)
            read = await _Read.of(request, takes_json, largest)
            if request.method == "POST" and HEADER in request.headers:
                return await _once(read, caller, work)
            return await work(read)

        return handle


class _Read(Request):
    """A request whose body was read and checked."""

    _bytes: bytes
    _value: Any

    @classmethod
    async def of(cls, request: Request, takes_json: bool, largest: int) -> "_Read":
        read = cls(request.scope, request.receive)
        read._bytes = await read_body(request, largest)
        read._value = _parse(read._bytes, request) if takes_json and read._bytes else None
        return read

    async def body(self) -> bytes:
        return self._bytes

    async def json(self) -> Any:
        return self._value


async def _once(request: Request, caller: Caller, work: Callable[[Request], Coroutine[Any, Any, Response]]) -> Response:
    services = services_of(request)
    key = idempotency.check_key(request.headers[HEADER])
    scope = f"{request.method} {request.url.path}"
    if request.url.query:
        scope += f"?{request.url.query}"
    claim = Claim(caller.organisation_id, scope[:2000], key)
    if kept := await idempotency.begin(services, claim, await request.body()):
        return Response(kept.body, kept.status, {"Idempotent-Replayed": "true"}, JSON if kept.body else None)
    try:
        response = await work(request)
    except Exception as error:
        # A refusal did nothing. After anything else we do not know, and the claim stays, so that it is not done twice.
        if _refused(error):
            await idempotency.release(services, claim)
        raise
    await idempotency.finish(services, claim, Kept(response.status_code, bytes(response.body)))
    return response


def _parse(body: bytes, request: Request) -> Any:
    sent_as = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if sent_as != JSON:
        raise UnsupportedMediaType("send JSON, with the header Content-Type: application/json")
    try:
        # Stricter than json.loads: no NaN, no half of a surrogate pair, UTF-8 only.
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"the body is not valid JSON: {error}", code="invalid_json") from None
    if _too_deep(value):
        raise Invalid(f"the body is nested deeper than {DEEPEST} levels", code="invalid_json")
    if b"\\u0000" in body and _has_nul(value):
        raise _nul()
    return value


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for one in level if isinstance(one, dict | list) for inner in (one.values() if isinstance(one, dict) else one)]
        if not level:
            return False
    return any(isinstance(one, dict | list) for one in level)


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(_has_nul(part) for part in value)


def _nul() -> Invalid:
    # PostgreSQL keeps no NUL character in a text.
    return Invalid("the request holds a NUL character (\\u0000), which cannot be kept")


def _refused(error: Exception) -> bool:
    if isinstance(error, Problem):
        return error.status < 500 or isinstance(error, Unavailable)
    return isinstance(error, RequestValidationError) or (isinstance(error, HTTPException) and error.status_code < 500)
