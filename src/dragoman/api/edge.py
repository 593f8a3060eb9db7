"""What the outermost layer of each dialect does with a request: its id goes with the answer and the log line, and there is no bare 500."""

from collections.abc import Callable
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dragoman.api.problems import where

REQUEST_ID = "X-Request-Id"

log = structlog.get_logger()


async def answered(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, answer_id: str, failed: Callable[[], ASGIApp], **logged: Any
) -> None:
    """Let `app` answer. When it fails before it began to, `failed()` answers; `logged` goes into the log line."""
    begun = False

    async def marked(message: Message) -> None:
        nonlocal begun
        if message["type"] == "http.response.start":
            begun = True
            MutableHeaders(scope=message)[REQUEST_ID] = answer_id
        await send(message)

    try:
        await app(scope, receive, marked)
    except Exception as error:
        log.error("an API request failed", error=type(error).__name__, where=where(error), **logged)
        if begun:
            raise
        await failed()(scope, receive, marked)
