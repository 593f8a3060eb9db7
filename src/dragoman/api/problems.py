"""What is told of a problem: to the caller of a door that belongs to no dialect, and to the log."""

import traceback
from collections.abc import Mapping

from starlette.responses import JSONResponse

from dragoman.errors import Problem, RateLimited


def told(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    body = {"error": problem.message, "code": problem.code, **({"field": problem.field} if problem.field else {})}
    more = {"Retry-After": str(int(problem.retry_after))} if isinstance(problem, RateLimited) else {}
    return JSONResponse(body, problem.status, {**(headers or {}), **more})


def where(error: Exception) -> list[str]:
    """Only where it happened: the text of an exception may quote what a customer wrote."""
    return [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-6:]]
