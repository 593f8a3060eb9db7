"""The sandbox as one ASGI application, to mount in the product or to serve alone (`python -m dragoman.sandbox`)."""

import asyncio
import os
from datetime import timedelta
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from dragoman.clock import Clock
from dragoman.sandbox import control, endpoints, saving, starting, statuses
from dragoman.sandbox.box import Box
from dragoman.sandbox.faults import Faults
from dragoman.sandbox.graph import Graph
from dragoman.sandbox.media import Shelf
from dragoman.sandbox.rates import Rates
from dragoman.sandbox.timers import Timers
from dragoman.sandbox.web import Web
from dragoman.sandbox.webhooks import Postman
from dragoman.sandbox.world import DEFAULT_APP, App, World

STATIC = Path(__file__).parent / "static"
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self'; script-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class Sandbox:
    """`app` serves `/graph`, `/control`, `/phone` and `/lookaside`, relative to where it is mounted.

    `own_url` is how others reach that place (media links start with it); `callback_url` is where the default app's
    webhooks go. Nothing runs before the first request that needs it, or `start()`, which takes up what an earlier run
    left in `state_file`; `close()` ends the background tasks and saves.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        app_secret: str,
        verify_token: str,
        access_token: str,
        callback_url: str,
        own_url: str,
        state_file: Path | None = None,
    ) -> None:
        state = saving.load(state_file)
        # Time does not go back at a restart: what was stored under a moved clock would lie in the future.
        clock.advance(max(timedelta(seconds=state.clock_offset) - clock.offset, timedelta(0)))
        world = World(state, int(clock.timestamp() * 1000))
        starting.furnish(world, App(DEFAULT_APP, app_secret, verify_token, callback_url), access_token)
        timers, faults, web = Timers(clock), Faults(), Web()
        postman = Postman(clock, world, timers, faults, web)
        folder = state_file.with_suffix(".media") if state_file else None
        shelf = Shelf(world, web, own_url.rstrip("/"), folder)
        saver = saving.Saver(state, state_file)
        self.box = Box(clock, world, timers, faults, web, postman, shelf, Rates(), saver, own_url.rstrip("/"))
        postman.acknowledged = partial(acknowledged, self.box)
        self.app = Starlette(routes=_routes(self.box))
        self.app.state.sandbox = self

    async def start(self) -> None:
        """Take up undelivered webhooks and half-way statuses of an earlier run. Needed only with a state file."""
        self.box.postman.resume()
        statuses.resume(self.box)

    async def close(self) -> None:
        box = self.box
        box.closed = True
        for watchers in box.watchers.values():
            for event in watchers:
                event.set()
        await box.timers.close()
        for task in list(box.tasks):
            task.cancel()
        await asyncio.gather(*box.tasks, return_exceptions=True)
        await box.postman.close()
        await box.web.close()
        box.saver.close()


def build(
    clock: Clock, *, app_secret: str, verify_token: str, access_token: str, callback_url: str, own_url: str, state_file: Path | None = None
) -> Starlette:
    """The application of a new `Sandbox`, which is `app.state.sandbox`."""
    return Sandbox(
        clock,
        app_secret=app_secret,
        verify_token=verify_token,
        access_token=access_token,
        callback_url=callback_url,
        own_url=own_url,
        state_file=state_file,
    ).app


def acknowledged(box: Box, wamid: str) -> None:
    """The business has the person's message: the second tick on the phone."""
    message = box.world.state.messages.get(wamid)
    if message and message.by == "person" and message.status == "sent":
        message.status = "delivered"
        box.changed(message.number_id, message.person_id)


def _routes(box: Box) -> list[Route | Mount]:
    return [
        Mount("/graph", app=Graph(box, endpoints.find, endpoints.whose)),
        Mount("/lookaside", app=Graph(box, lambda call: (endpoints.download, "media_download"), endpoints.whose)),
        Mount("/control", routes=control.routes(box)),
        Route("/phone", _page),
        Mount("/static", app=Pieces(directory=STATIC)),
    ]


async def _page(request: Request) -> Response:
    return FileResponse(STATIC / "phone.html", headers=PAGE_HEADERS)


class Pieces(StaticFiles):
    """The page's styles, scripts and pictures, under the page's own strict headers."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        answer = super().file_response(full_path, stat_result, scope, status_code)
        answer.headers.update(PAGE_HEADERS)
        return answer
