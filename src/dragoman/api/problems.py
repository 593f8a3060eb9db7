"""A problem as the answer of a door that belongs to no dialect."""

from collections.abc import Mapping

from starlette.responses import JSONResponse

from dragoman.errors import Problem, RateLimited


def told(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    body = {"error": problem.message, "code": problem.code, **({"field": problem.field} if problem.field else {})}
    more = {"Retry-After": str(int(problem.retry_after))} if isinstance(problem, RateLimited) else {}
    return JSONResponse(body, problem.status, {**(headers or {}), **more})
