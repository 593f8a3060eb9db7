"""Every error of this dialect is `{"error": "<plain words>", "code": "<for machines>"}`, made here and nowhere else.

`field` names the field that was wrong, `retry_after` (429) says in how many seconds to come back.
"""

from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from dragoman.api.dialect import methods_of
from dragoman.errors import Problem, RateLimited

log = structlog.get_logger()


class Error(BaseModel):
    """The body of every answer that is not a success."""

    error: str = Field(description="What was wrong and what to do, in plain words")
    code: str = Field(description="The same for programs, e.g. `not_found`")
    field: str | None = Field(None, description="The field that was wrong, if it was one")
    retry_after: float | None = Field(None, description="429: seconds until the next request is let in")


def add_to(app: FastAPI) -> None:
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _misshapen)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(psycopg.OperationalError, _database)


def answer(
    status: int,
    message: str,
    code: str,
    *,
    field: str | None = None,
    retry_after: float | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    body: dict[str, Any] = {"error": message, "code": code}
    headers = dict(headers or {})
    if field:
        body["field"] = field
    if retry_after is not None:
        body["retry_after"] = retry_after
        headers["Retry-After"] = str(max(1, round(retry_after)))
    return JSONResponse(body, status, headers)


def _problem(_request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, Problem)  # noqa: S101
    wait = problem.retry_after if isinstance(problem, RateLimited) else None
    return answer(problem.status, problem.message, problem.code, field=problem.field, retry_after=wait)


def _misshapen(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    first = error.errors()[0]
    where, *path = first["loc"]
    if where == "path":
        if request.method not in (methods := methods_of(request)):
            return _wrong_method(methods)
        return answer(404, "there is nothing at this address; check the id in it", "not_found")
    field = ".".join(str(part) for part in path)
    return answer(400, _in_words(first, field), "invalid", field=field or None)


def _in_words(error: dict[str, Any], field: str) -> str:
    if not field:
        return "the request needs a JSON object as its body"
    match error["type"]:
        case "missing":
            return f"{field} is missing"
        case "extra_forbidden":
            return f"{field} is not a field of this request"
        case "value_error":
            return f"{field}: {error['ctx']['error']}"
    return f"{field}: {error['msg'][:1].lower()}{error['msg'][1:]}"


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    headers = dict(error.headers or {})
    match error.status_code:
        case 404:
            return answer(404, "there is nothing at this address; /api/v1/docs/ lists what there is", "not_found")
        case 405:
            return _wrong_method(methods_of(request))
    return answer(error.status_code, str(error.detail), "invalid" if error.status_code < 500 else "error", headers=headers)


def _wrong_method(methods: list[str]) -> JSONResponse:
    allowed = ", ".join(methods)
    return answer(405, f"this address takes only {allowed}", "method_not_allowed", headers={"Allow": allowed})


def _database(_request: Request, error: Exception) -> JSONResponse:
    log.warning("the database did not answer", error=type(error).__name__)
    return answer(503, "the database did not answer in time; try again", "unavailable", headers={"Retry-After": "2"})
