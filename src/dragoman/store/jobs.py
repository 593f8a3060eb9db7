"""Work that belongs to no conversation: a queue in the same PostgreSQL, kept by procrastinate. Knows no nouns.

`defer` puts a job in the queue inside the transaction that makes it necessary, so that both happen or neither. `Runner` does the
jobs, with the worker role. A job is done at least once: a process that dies in the middle leaves it to another, and one that was
only slow may finish it a second time. So each task must be harmless when it is repeated.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import procrastinate
import psycopg
import structlog
from procrastinate.exceptions import ConnectorException, JobAborted
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job
from procrastinate.types import JSONValue
from procrastinate.worker import Worker
from prometheus_client import Counter

from dragoman.store import jobs_queries as queries
from dragoman.store.database import LIVELINESS, OPTIONS, Connection
from dragoman.store.listening import Listening

log = structlog.get_logger()

JOBS = Counter("dragoman_jobs_total", "Jobs of the queue by what came of them", ["task", "outcome"])

CONCURRENCY = 8
CONNECTIONS = 3
STOP_SECONDS = 20.0
OPEN_SECONDS = 5.0
PAUSE_SECONDS = 1.0
BUSY_SECONDS = 0.5
SOONEST_SECONDS = 0.1
DELAYS = (5.0, 30.0, 120.0, 600.0)


class Attempt(NamedTuple):
    """`number` counts from 1, over crashes too. When the `last` one fails, nobody tries again."""

    number: int
    last: bool


@dataclass(frozen=True)
class Task:
    """`work(attempt, **args)` does a job. Whatever it raises means: again, after the next of `delays` (seconds)."""

    name: str
    work: Callable[..., Awaitable[None]]
    delays: Sequence[float] = DELAYS


async def defer(
    connection: Connection, task: str, *, lock: str | None = None, priority: int = 0, after: float | None = None, **args: JSONValue
) -> None:
    """Put a job in the queue when the caller's transaction commits. Jobs of one `lock` run one after the other, in order;
    those of a higher `priority` go first; `after` so many seconds at the earliest."""
    how: dict[str, Any] = {} if after is None else {"schedule_in": {"milliseconds": int(after * 1000)}}
    await _DEFERRING.configure_task(task, queue=task, lock=lock, priority=priority, connection=connection, **how).defer_async(**args)


# Never opened: every job goes in over its caller's connection.
_DEFERRING = procrastinate.App(connector=procrastinate.PsycopgConnector())


class Runner:
    """Does the jobs of `tasks`, and no others: during an upgrade an older program leaves alone what it does not know.

    `patience` is how many seconds a worker may be silent before its jobs are given to another; `poll` how often the queue is
    looked at when nothing is heard and nothing in it has a time of its own.
    """

    def __init__(self, uri: str, tasks: Sequence[Task], *, patience: float = 20.0, poll: float = 5.0) -> None:
        self._patience, self._poll = patience, poll
        self._app = procrastinate.App(connector=_connector(uri))
        self._queues = [task.name for task in tasks]
        self._running: asyncio.Task[None] | None = None
        self._worker: _Worker | None = None
        self._stopping = asyncio.Event()
        for task in tasks:
            self._app.task(name=task.name, queue=task.name, pass_context=True, retry=_Delays(task.delays))(_counted(task))

    async def start(self) -> None:
        self._running = asyncio.create_task(self._work_for_ever())

    async def stop(self) -> None:
        """Take no more jobs; those under way get `STOP_SECONDS`, then they go back into the queue."""
        self._stopping.set()
        if self._running is None:
            return
        if self._worker:
            self._worker.stop()  # type: ignore[no-untyped-call]
            await asyncio.wait([self._running], timeout=STOP_SECONDS + 5)
        await _end(self._running)

    async def _work_for_ever(self) -> None:
        """A worker of procrastinate gives up when its database goes away; here it is started again."""
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(OPEN_SECONDS):
                    await self._app.open_async()
                await self._work()
            except (ConnectorException, psycopg.OperationalError, OSError):
                log.warning("the database is away; jobs wait")
            except Exception:
                log.exception("the job queue stopped; starting it again")
            finally:
                with suppress(ConnectorException):
                    await self._app.close_async()
            await self._rest(PAUSE_SECONDS)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _work(self) -> None:
        self._worker = _Worker(
            self._app,
            queues=self._queues,
            concurrency=CONCURRENCY,
            fetch_job_polling_interval=min(self._poll, BUSY_SECONDS),
            longest=self._poll,
            update_heartbeat_interval=self._patience / 4,
            stalled_worker_timeout=self._patience,
            shutdown_graceful_timeout=STOP_SECONDS,
            install_signal_handlers=False,
            delete_jobs="successful",
        )
        if self._stopping.is_set():  # a worker forgets that it was stopped before it ran
            return
        rescuing = asyncio.create_task(self._rescue_for_ever())
        try:
            await self._worker.run()  # type: ignore[no-untyped-call]
        finally:
            self._worker = None
            await _end(rescuing)

    async def _rescue_for_ever(self) -> None:
        """Put the jobs of workers that died back into the queue."""
        manager = self._app.job_manager
        while not self._stopping.is_set():
            with suppress(ConnectorException):
                for job in await manager.get_stalled_jobs(seconds_since_heartbeat=self._patience):
                    if job.queue in self._queues:
                        log.warning("a job is taken over from a worker that is gone", task=job.task_name, job=job.id)
                        with suppress(ConnectorException):  # another worker was faster
                            await manager.retry_job(job)
                            if self._worker:
                                self._worker.look()
            await self._rest(self._patience / 2)


class _Worker(Worker):
    """Looks at the queue when a job in it is due, often while one runs that may come back into it, and else as rarely as it may."""

    def __init__(self, *args: Any, longest: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._longest, self._often = longest, self.fetch_job_polling_interval

    def look(self) -> None:
        """Look now; nobody is told of a job that goes back into the queue."""
        self._new_job_event.set()

    async def _fetch_and_process_jobs(self) -> None:
        await super()._fetch_and_process_jobs()  # type: ignore[no-untyped-call]
        self.fetch_job_polling_interval = self._often if self._running_jobs else await self._until_next()

    async def _until_next(self) -> float:
        row = await self.app.connector.execute_query_one_async(queries.UNTIL_NEXT, queues=list(self.queues or ()))
        seconds = row["seconds"]
        return self._longest if seconds is None else min(max(float(seconds), SOONEST_SECONDS), self._longest)


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel a task until it has ended: `asyncio.wait_for`, which the pool uses, loses a cancellation now and then (Python 3.11)."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=1)


class _Delays(procrastinate.BaseRetryStrategy):
    def __init__(self, delays: Sequence[float]) -> None:
        self.delays = delays

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> procrastinate.RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError | JobAborted):  # this process stops; another goes on
            return procrastinate.RetryDecision(retry_in={"seconds": 0})
        if job.attempts >= len(self.delays):
            return None
        return procrastinate.RetryDecision(retry_in={"milliseconds": int(self.delays[job.attempts] * 1000)})


def _counted(task: Task) -> Callable[..., Awaitable[None]]:
    async def work(context: JobContext, **args: Any) -> None:
        attempt = Attempt(context.job.attempts + 1, last=context.job.attempts >= len(task.delays))
        try:
            await task.work(attempt, **args)
        except BaseException:
            JOBS.labels(task.name, "failed" if attempt.last else "again").inc()
            raise
        JOBS.labels(task.name, "done").inc()

    return work


def _connector(uri: str) -> procrastinate.PsycopgConnector:
    pool: dict[str, Any] = {"min_size": 1, "max_size": CONNECTIONS, "timeout": 5, "reconnect_timeout": 2, "connection_class": Listening}
    return procrastinate.PsycopgConnector(conninfo=uri, kwargs={"options": OPTIONS, **LIVELINESS}, **pool)
