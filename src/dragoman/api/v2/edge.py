"""The outermost layer of this dialect: both spellings of every address, the id of the request, no bare 500."""

from uuid import uuid4

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dragoman.api.problems import where
from dragoman.api.v2.envelope import CTX_ID, failed

REQUEST_ID = "X-Request-Id"
# The first word of every address; underscores in it may be left out. `campaigns` are also found as `campaign`.
SEGMENTS = (
    "_actions",
    "_api_keys",
    "_call",
    "_calls",
    "_campaign",
    "_customers",
    "_integrations",
    "_knowledge_base",
    "_login",
    "_new_assistants",
    "_phone_numbers",
    "_token_activity",
)
_SPELLINGS = {segment.replace("_", ""): segment for segment in SEGMENTS} | {"campaigns": "_campaign", "assistants": "_new_assistants"}

log = structlog.get_logger()


class Edge:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        ctx_id, begun = str(uuid4()), False
        reset = CTX_ID.set(ctx_id)

        async def marked(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                MutableHeaders(scope=message)[REQUEST_ID] = ctx_id
            await send(message)

        with structlog.contextvars.bound_contextvars(ctx_id=ctx_id):
            try:
                await self._app(_spelled(scope), receive, marked)
            except Exception as error:
                log.error("an API request failed", error=type(error).__name__, where=where(error))
                if begun:
                    raise
                answer = failed(500, "this is our mistake; its log line has the ctx_id of this answer", [])
                await answer(scope, receive, marked)
            finally:
                CTX_ID.reset(reset)


def _spelled(scope: Scope) -> Scope:
    root = scope.get("root_path", "")
    path: str = scope["path"][len(root) :] if root and scope["path"].startswith(root) else scope["path"]
    first, slash, rest = path.lstrip("/").partition("/")
    known = _SPELLINGS.get(first.replace("_", ""))
    if known is None:
        return scope
    return {**scope, "path": f"{root}/{known}{slash}{rest}".rstrip("/"), "raw_path": None}
