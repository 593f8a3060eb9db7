"""What is told of a problem: to the caller of a door that belongs to no dialect, and to the log."""

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
import structlog
from starlette.responses import JSONResponse

from dragoman.errors import Problem, RateLimited, Unavailable

log = structlog.get_logger()

AGAIN_SECONDS = "2"


@contextmanager
def database_away() -> Iterator[None]:
    """What the database did not answer to is tried again by whoever asked, not a mistake of ours."""
    try:
        yield
    except psycopg.OperationalError as error:
        log.warning("the database did not answer", error=type(error).__name__)
        raise Unavailable("the database did not answer in time; try again") from None


def told(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    body = {"error": problem.message, "code": problem.code, **({"field": problem.field} if problem.field else {})}
    more = {"Retry-After": str(int(problem.retry_after))} if isinstance(problem, RateLimited) else {}
    if isinstance(problem, Unavailable):
        more = {"Retry-After": AGAIN_SECONDS}
    return JSONResponse(body, problem.status, {**(headers or {}), **more})


def where(error: Exception) -> list[str]:
    """Only where it happened: the text of an exception may quote what a customer wrote."""
    return [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-6:]]
