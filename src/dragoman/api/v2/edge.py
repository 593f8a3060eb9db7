"""The outermost layer of this dialect: both spellings of every address, the id of the request, no bare 500."""

from collections.abc import Iterable
from functools import partial
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from dragoman.api.edge import answered
from dragoman.api.v2.envelope import CTX_ID, failed

# Other words for some addresses.
ALIASES = {"campaigns": "_campaign", "assistants": "_new_assistants"}


class Edge:
    """`words` are the first ones of all addresses, as the routes have them; underscores in them may be left out."""

    def __init__(self, app: ASGIApp, words: Iterable[str]) -> None:
        self._app = app
        self._spellings = {word.replace("_", ""): word for word in words} | ALIASES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        ctx_id = str(uuid4())
        reset = CTX_ID.set(ctx_id)
        answer = partial(failed, 500, "this is our mistake; its log line has the ctx_id of this answer", [])
        try:
            with structlog.contextvars.bound_contextvars(ctx_id=ctx_id):
                await answered(self._app, self._spelled(scope), receive, send, ctx_id, answer)
        finally:
            CTX_ID.reset(reset)

    def _spelled(self, scope: Scope) -> Scope:
        root = scope.get("root_path", "")
        path: str = scope["path"][len(root) :] if root and scope["path"].startswith(root) else scope["path"]
        first, slash, rest = path.lstrip("/").partition("/")
        known = self._spellings.get(first.replace("_", ""))
        if known is None:
            return scope
        return {**scope, "path": f"{root}/{known}{slash}{rest}".rstrip("/"), "raw_path": None}
