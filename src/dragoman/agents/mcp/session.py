"""The calls that one turn makes of one server: a line that is opened by the first of them, and stays for the others."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from dragoman.agents.kit import Kit
from dragoman.agents.mcp import connectors
from dragoman.agents.mcp.connectors import Connector
from dragoman.agents.mcp.failed import Failed

if TYPE_CHECKING:
    from dragoman.agents.mcp.wire import Line

CALL_SECONDS = 20.0
IDLE_SECONDS = 20.0

T = TypeVar("T")
Work = Callable[["Line"], Awaitable[T]]

log = structlog.get_logger()


class Session:
    """Made for a turn; opens nothing until something is asked. A new line is opened when the last one has failed or was idle."""

    def __init__(self, kit: Kit, connector: Connector) -> None:
        self._kit, self._connector = kit, connector
        self._held: _Held | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def ask(self, work: Work[T]) -> T:
        """What `work(line)` returns, within CALL_SECONDS. Raises Failed."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await self._ask_with_a_good_grant(work)
        except TimeoutError:
            raise Failed(f"the server did not answer within {CALL_SECONDS:.0f} s", unknown=True) from None

    def close(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        held, self._held = self._held, None
        if held is not None:
            held.task.cancel()

    async def _ask_with_a_good_grant(self, work: Work[T]) -> T:
        """An access token may be taken back before its time: it is renewed once when the server does not take it."""
        held = self._line(None)
        try:
            return await self._ask(held, work)
        except Failed as failed:
            if not failed.unauthorized or held.token is None:
                raise
        return await self._ask(self._line(held.token), work)

    def _line(self, refused: str | None) -> "_Held":
        if self._held is None or self._held.task.done():
            self._held = _Held(self._kit, self._connector, refused)
        return self._held

    async def _ask(self, held: "_Held", work: Work[T]) -> T:
        if self._idle is not None:
            self._idle.cancel()
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        held.asked.put_nowait((work, answer))
        try:
            result = await answer
        except BaseException:
            self.close()
            raise
        self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self.close)
        return result


class _Held:
    """A line in a task of its own, because whoever opens one must be the one who closes it. `token` is what it came in with."""

    def __init__(self, kit: Kit, connector: Connector, refused: str | None) -> None:
        self._kit, self._connector, self._refused = kit, connector, refused
        self.asked: asyncio.Queue[tuple[Work[Any], asyncio.Future[Any]]] = asyncio.Queue()
        self.token: str | None = None
        self._answering: asyncio.Future[Any] | None = None
        self.task = asyncio.create_task(self._hold())
        _alive.add(self.task)
        self.task.add_done_callback(_alive.discard)

    async def _hold(self) -> None:
        failed = Failed("the connection was closed")
        try:
            await self._answer_all()
        except Failed as why:
            failed = why
        except Exception as error:
            log.exception("a connector failed", connector_id=str(self._connector.id))
            failed = Failed(f"Dragoman could not make this call ({type(error).__name__})")
        finally:
            left = [self._answering] if self._answering else []
            while not self.asked.empty():
                left.append(self.asked.get_nowait()[1])
            for answer in left:
                if not answer.done():
                    answer.set_exception(failed)

    async def _answer_all(self) -> None:
        from dragoman.agents.mcp.wire import opened

        async with opened(self._kit.guarded, self._connector.url, await self._headers()) as line:
            while True:
                work, self._answering = await self.asked.get()
                result = await work(line)
                if not self._answering.done():
                    self._answering.set_result(result)
                self._answering = None

    async def _headers(self) -> dict[str, str]:
        """Who we are at this server: its own credentials, and nothing of anybody else's."""
        secrets = connectors.opened(self._kit, self._connector)
        headers = dict(secrets.headers)
        if self._connector.auth == "bearer":
            headers["Authorization"] = f"Bearer {secrets.bearer_token}"
        if self._connector.auth == "oauth":
            from dragoman.agents.mcp.oauth import token

            self.token = await token(self._kit, self._connector, refused=self._refused)
            headers["Authorization"] = f"Bearer {self.token}"
        return headers


_alive: set[asyncio.Task[None]] = set()  # the event loop itself keeps no task alive
