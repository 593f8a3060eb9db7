"""Every error of this dialect, made here and nowhere else. What is wrong with a request is a 400, never a 422."""

from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from dragoman.api.dialect import methods_of
from dragoman.api.v2.envelope import Fault, failed
from dragoman.errors import Problem, RateLimited

log = structlog.get_logger()


class NotServed(Problem):
    """Something that the other service does and this one does not."""

    status, code = 501, "not_served"


def add_to(app: FastAPI) -> None:
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _misshapen)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(psycopg.OperationalError, _database)


def _problem(_request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, Problem)  # noqa: S101
    status = 400 if problem.status == 422 else problem.status
    headers = {"Retry-After": str(max(1, round(problem.retry_after)))} if isinstance(problem, RateLimited) else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    # "webhook.url: it is …" says its field once, in `field`.
    message = problem.message.removeprefix(f"{problem.field}: ") if problem.field else problem.message
    return failed(status, problem.message, [Fault(field=problem.field or "", message=message)], headers=headers)


def _misshapen(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = error.errors()
    if any(one["loc"][0] == "path" for one in found):
        if request.method not in (methods := methods_of(request)):
            return _wrong_method(methods)
        return failed(404, "there is nothing at this address; check the id in it", [Fault(field="", message="no such id")])
    # The first part of each place is ours ("body", "query").
    errors = [_in_words(one, place(one["loc"][1:])) for one in found[:50]]
    first = errors[0]
    return failed(400, f"{first.field}: {first.message}" if first.field else first.message, errors)


def place(loc: Any) -> str:
    """`("sms", "to", "value", 0)` is sms.to.value[0]."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _in_words(error: dict[str, Any], field: str) -> Fault:
    if not field:
        return Fault(field="", message="the request needs a JSON object as its body")
    match error["type"]:
        case "missing":
            return Fault(field=field, message="it is missing")
        case "extra_forbidden":
            return Fault(field=field, message="it is not a field of this request")
        case "value_error":
            return Fault(field=field, message=str(error["ctx"]["error"]))
    return Fault(field=field, message=f"{error['msg'][:1].lower()}{error['msg'][1:]}")


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    match error.status_code:
        case 404:
            return failed(404, "there is nothing at this address; /v2/docs/ lists what there is", [])
        case 405:
            return _wrong_method(methods_of(request))
    return failed(400 if error.status_code == 422 else error.status_code, str(error.detail), [], headers=dict(error.headers or {}))


def _wrong_method(methods: list[str]) -> JSONResponse:
    allowed = ", ".join(methods)
    return failed(405, f"this address takes only {allowed}", [], headers={"Allow": allowed})


def _database(_request: Request, error: Exception) -> JSONResponse:
    log.warning("the database did not answer", error=type(error).__name__)
    return failed(503, "the database did not answer in time; try again", [], headers={"Retry-After": "2"})
