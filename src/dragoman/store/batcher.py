"""Group commit: calls that arrive while a statement is on its way join the next one."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

import psycopg
from psycopg_pool import PoolTimeout

Item = TypeVar("Item")
Result = TypeVar("Result")


GATHER_SECONDS = 0.002
LOCKED_TRIES = 7


class Batcher(Generic[Item, Result]):
    """Runs `work(items)` for many callers at once; each caller gets its own result back.

    `work` takes the items in the order in which they came and returns one result for each. On an idle server an item
    leaves at once. On a busy one, which is one where the last batch ended a moment ago, the next waits `GATHER_SECONDS` for
    company: a statement for twenty costs little more than one for two.

    When a batch fails, its halves are tried, and theirs, so that one bad item fails alone; one that waits for somebody's lock
    does so beside the others, for `LOCKED_TRIES` timeouts. When its connection broke, all of it is tried on another; when there
    is no other, all of it fails at once, instead of each part after a wait of its own.

    `forgets`: an item whose caller has gone meanwhile is left out, because whoever sent it will send it again.
    """

    def __init__(
        self, work: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], *, largest: int = 128, lanes: int = 1, forgets: bool = False
    ) -> None:
        self._work = work
        self._forgets = forgets
        self._largest = largest
        self._free_lanes = lanes
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._running: set[asyncio.Task[None]] = set()
        self._ended = 0.0

    async def __call__(self, item: Item) -> Result:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._start()
        return await future

    def _start(self) -> None:
        if self._free_lanes and self._waiting:
            self._free_lanes -= 1
            self._beside(self._drain())

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _drain(self) -> None:
        # One turn of the loop lets the callers that woke up together join the same batch.
        busy = time.monotonic() - self._ended < 2 * GATHER_SECONDS
        await asyncio.sleep(GATHER_SECONDS if busy else 0)
        try:
            while batch := self._waiting[: self._largest]:
                del self._waiting[: self._largest]
                await self._run(batch)
                self._ended = time.monotonic()
                if 0 < len(self._waiting) < self._largest:
                    await asyncio.sleep(GATHER_SECONDS)
        finally:
            self._free_lanes += 1

    async def _run(self, batch: list[tuple[Item, asyncio.Future[Result]]], connections: int = 3, tries: int = 1) -> None:
        if self._forgets:
            batch = [(item, future) for item, future in batch if not future.done()]
        if not batch:
            return
        try:
            results = await self._work([item for item, _ in batch])
        except Exception as error:
            if connections > 1 and _broke(error):
                await self._run(batch, connections - 1, tries)
            elif len(batch) == 1 and tries < LOCKED_TRIES and isinstance(error, psycopg.errors.LockNotAvailable):
                self._beside(self._run(batch, connections, tries + 1))
            elif len(batch) == 1 or isinstance(error, PoolTimeout):
                for _, future in batch:
                    _settle(future, error)
            else:
                middle = len(batch) // 2
                await self._run(batch[:middle])
                await self._run(batch[middle:])
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)


def _broke(error: Exception) -> bool:
    """Was it the connection, which the server closed or the network lost?"""
    if not isinstance(error, psycopg.OperationalError) or isinstance(error, PoolTimeout):
        return False
    return error.sqlstate is None or error.sqlstate.startswith("57P")


def _settle(future: "asyncio.Future[Result]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
