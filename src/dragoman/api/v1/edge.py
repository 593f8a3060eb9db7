"""The outermost layer of this dialect: addresses with and without the last slash, a request id, no bare 500."""

from functools import partial

from starlette.types import ASGIApp, Receive, Scope, Send

from dragoman.api.edge import answered
from dragoman.api.v1 import errors
from dragoman.ids import new_id


class Edge:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request_id = f"req_{new_id().hex}"
        failed = partial(errors.answer, 500, f"this is our mistake; its log line has the id {request_id}", "error")
        return await answered(self._app, _with_slash(scope), receive, send, request_id, failed, request_id=request_id)


def _with_slash(scope: Scope) -> Scope:
    """Every route ends in a slash; an address without it means the same (and is not redirected: a redirected POST is a lost POST)."""
    path: str = scope["path"]
    if path.endswith("/") or "." in path.rpartition("/")[2]:
        return scope
    raw = scope.get("raw_path")
    return {**scope, "path": path + "/", "raw_path": raw + b"/" if raw else raw}
