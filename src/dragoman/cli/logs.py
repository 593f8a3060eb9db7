"""What is written to the log: one JSON object a line on standard error, readable lines when a person is watching.

No secret and nothing of what people said. Our own lines name events, ids and types of errors. Exceptions are another matter:
their texts quote what they choked on (PostgreSQL's a whole row), and so do local variables. Of an exception the log has its
type and where it happened.
"""

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from types import TracebackType
from typing import Any

import structlog

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

_LONGEST_LINE = 300  # characters taken of the line of another library


def write_logs(level: str) -> None:
    """Send everything that this process logs, by structlog or by the standard library, to standard error."""
    person = sys.stderr.isatty()
    common: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    last: list[Any] = [structlog.processors.ExceptionRenderer(where), _renderer(person)]
    structlog.configure(
        processors=[*common, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    others = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *common, _first_line],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(others)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def where(exc_info: ExcInfo) -> str:
    """An exception and what led to it: types and places, no texts."""
    return "\n".join(_lines(exc_info[1]))


def _lines(error: BaseException) -> Iterator[str]:
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        yield from _lines(earlier)
        yield "then:"
    state = getattr(error, "sqlstate", None)
    yield type(error).__qualname__ + (f" (SQLSTATE {state})" if state else "")
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
    for one in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _lines(one)


def _first_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """asyncio goes on with the repr of a task and the exception in it."""
    event["event"] = str(event["event"]).partition("\n")[0][:_LONGEST_LINE]
    return event


def _renderer(person: bool) -> Any:
    return structlog.dev.ConsoleRenderer() if person else structlog.processors.JSONRenderer()
