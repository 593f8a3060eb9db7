"""The job queue: jobs come with the transaction that wants them, are done at least once, and outlive workers and databases."""

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psycopg
from procrastinate.schema import migrations_path
from structlog.testing import capture_logs

from dragoman.store import jobs
from dragoman.store.database import Database
from dragoman.store.jobs import Runner, Task

PATIENCE = {"patience": 1.0, "poll": 0.1}
SELDOM = {"patience": 1.0, "poll": 3600.0}


@asynccontextmanager
async def running(uri, *tasks, **how):
    runner = Runner(uri, tasks, **(how or PATIENCE))
    await runner.start()
    yield runner
    await runner.stop()


async def until(find, what):
    for _ in range(1000):
        if found := await find():
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"not in 20 s: {what}")


async def states(database):
    rows = await database.fetch("select status::text from procrastinate_jobs")
    return [row["status"] for row in rows]


class Oven:
    """A task that notes what it was asked to bake, and does with it what the test says."""

    def __init__(self, bake=None, name="bake", **more):
        self.baked, self.attempts, self.bake = [], [], bake
        self.task = Task(name, self.work, **more)

    async def work(self, attempt, **args):
        self.attempts.append(attempt)
        if self.bake:
            await self.bake(attempt, **args)
        self.baked.append(args)

    async def has_baked(self, count):
        await until(self._enough(count), f"{count} loaves")
        return self.baked

    def _enough(self, count):
        async def enough():
            return len(self.baked) >= count

        return enough


async def test_a_job_is_done_when_its_transaction_commits_and_forgotten_when_not(database):
    oven = Oven()
    async with running(database.uri, oven.task):
        with suppress(ZeroDivisionError):
            async with database.transaction() as connection:
                await jobs.defer(connection, "bake", loaf="burnt")
                raise ZeroDivisionError
        async with database.transaction() as connection:
            await jobs.defer(connection, "bake", loaf="rye", weight=750)
        assert await oven.has_baked(1) == [{"loaf": "rye", "weight": 750}]
    assert await states(database) == []


async def test_whoever_has_no_runner_can_still_defer(database):
    async with database.transaction() as connection:
        await jobs.defer(connection, "bake", loaf="rye")
    assert await states(database) == ["todo"]
    oven = Oven()
    async with running(database.uri, oven.task):
        await oven.has_baked(1)


async def test_a_job_that_fails_is_tried_again_and_knows_its_last_attempt(database):
    async def burn(attempt, **args):
        if not attempt.last:
            raise ValueError("burnt")

    oven = Oven(burn, delays=(0, 0.01))
    async with running(database.uri, oven.task):
        async with database.transaction() as connection:
            await jobs.defer(connection, "bake", loaf="rye")
        await oven.has_baked(1)
    assert [tuple(attempt) for attempt in oven.attempts] == [(1, False), (2, False), (3, True)]


async def test_a_job_with_a_time_is_done_at_that_time_and_not_when_the_queue_is_looked_at_anyway(database):
    async with database.transaction() as connection:
        await jobs.defer(connection, "bake", after=1, loaf="rye")
    oven = Oven()
    async with running(database.uri, oven.task, **SELDOM):
        assert await oven.has_baked(1) == [{"loaf": "rye"}]


async def test_a_pause_between_attempts_is_kept_although_the_queue_is_seldom_looked_at(database):
    async def burn(attempt, **args):
        if not attempt.last:
            raise ValueError("burnt")

    async with database.transaction() as connection:
        await jobs.defer(connection, "bake", loaf="rye")
    oven = Oven(burn, delays=(1.0,))
    async with running(database.uri, oven.task, **SELDOM):
        await oven.has_baked(1)


async def test_a_job_that_always_fails_is_given_up_and_kept(database):
    async def burn(attempt, **args):
        raise ValueError("burnt")

    oven = Oven(burn, delays=(0,))
    async with running(database.uri, oven.task):
        async with database.transaction() as connection:
            await jobs.defer(connection, "bake", loaf="rye")

        async def failed():
            return await states(database) == ["failed"]

        await until(failed, "the job has failed")
    assert len(oven.attempts) == 2


async def test_jobs_under_one_lock_run_one_after_the_other_and_in_order(database):
    inside, most = 0, 0

    async def bake(attempt, **args):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await database.fetch("select pg_sleep(0.03)")
        inside -= 1

    oven = Oven(bake)
    async with database.transaction() as connection:
        for number in range(5):
            await jobs.defer(connection, "bake", lock="oven 1", number=number)
    async with running(database.uri, oven.task), running(database.uri, oven.task):
        assert await oven.has_baked(5) == [{"number": number} for number in range(5)]
    assert most == 1


async def test_a_higher_priority_goes_first(database):
    order = []

    async def bake(attempt, **args):
        order.append(args["loaf"])

    oven = Oven(bake)
    async with database.transaction() as connection:
        await jobs.defer(connection, "bake", lock="oven", priority=-5, loaf="later")
        await jobs.defer(connection, "bake", lock="oven", loaf="first")
    async with running(database.uri, oven.task):
        await oven.has_baked(2)
    assert order == ["first", "later"]


async def test_a_worker_leaves_alone_what_it_does_not_know(database):
    oven = Oven()
    async with running(database.uri, oven.task):
        async with database.transaction() as connection:
            await jobs.defer(connection, "frost", cake="birthday")
            await jobs.defer(connection, "bake", loaf="rye")
        await oven.has_baked(1)
    assert await states(database) == ["todo"]  # and what was baked is noted as done before the worker stops


async def test_a_stopping_worker_gives_its_job_back(database, monkeypatch):
    monkeypatch.setattr(jobs, "STOP_SECONDS", 0.1)
    begun = asyncio.Event()

    async def bake_for_ever(attempt, **args):
        begun.set()
        await asyncio.Event().wait()

    async with running(database.uri, Oven(bake_for_ever, delays=()).task):
        async with database.transaction() as connection:
            await jobs.defer(connection, "bake", loaf="rye")
        await asyncio.wait_for(begun.wait(), 10)
    assert await states(database) == ["todo"]
    next_one = Oven()
    async with running(database.uri, next_one.task):
        await next_one.has_baked(1)


async def test_a_stopping_worker_finishes_what_it_began(database):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def bake(attempt, **args):
        begun.set()
        await go_on.wait()

    oven = Oven(bake)
    runner = Runner(database.uri, [oven.task], **PATIENCE)
    await runner.start()
    async with database.transaction() as connection:
        await jobs.defer(connection, "bake", loaf="rye")
    await asyncio.wait_for(begun.wait(), 10)
    stopping = asyncio.create_task(runner.stop())
    await asyncio.sleep(0)
    go_on.set()
    await stopping
    assert (oven.baked, await states(database)) == ([{"loaf": "rye"}], [])


KILLED = """
import asyncio, sys
from dragoman.store.jobs import Runner, Task
async def work(attempt, **args):
    print("begun", flush=True)
    await asyncio.Event().wait()
async def main():
    await Runner(sys.argv[1], [Task("bake", work)], patience=1.0, poll=0.1).start()
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_the_job_of_a_killed_worker_is_taken_by_another(database):
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, database.uri, stdout=subprocess.PIPE)
    async with database.transaction() as connection:
        await jobs.defer(connection, "bake", loaf="rye")
    assert await process.stdout.readline() == b"begun\n"
    process.kill()
    await process.wait()
    assert await states(database) == ["doing"]
    oven = Oven()
    async with running(database.uri, oven.task, **SELDOM):
        assert await oven.has_baked(1) == [{"loaf": "rye"}]
    assert oven.attempts[0].number == 2


async def test_the_queue_survives_that_every_connection_is_cut(database_uri):
    database = Database(database_uri)
    await database.open()
    oven = Oven()
    async with running(database_uri, oven.task):
        for loaf in ("rye", "wheat", "spelt"):
            async with database.transaction() as connection:
                await jobs.defer(connection, "bake", loaf=loaf)
            await oven.has_baked(["rye", "wheat", "spelt"].index(loaf) + 1)
            await database.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            )
    await database.close()


async def test_the_queue_survives_that_the_database_is_gone_for_a_while(database_uri, server):
    name = psycopg.conninfo.conninfo_to_dict(database_uri)["dbname"]
    oven = Oven()
    with capture_logs() as said:
        async with running(database_uri, oven.task):
            server.execute(f"alter database {name} allow_connections false")
            server.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])

            async def noticed():
                return [line for line in said if "away" in line["event"]]

            await until(noticed, "the runner notices")
            server.execute(f"alter database {name} allow_connections true")
            database = Database(database_uri)
            await database.open()
            async with database.transaction() as connection:
                await jobs.defer(connection, "bake", loaf="rye")
            await oven.has_baked(1)
            await database.close()


async def test_a_runner_can_be_stopped_while_the_database_is_away():
    runner = Runner("postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1", [Oven().task], **PATIENCE)
    await runner.start()
    await asyncio.sleep(0)
    await asyncio.wait_for(runner.stop(), 10)


def test_every_migration_of_the_queue_is_in_one_of_ours():
    """When this fails, procrastinate has new tables: write a revision that calls `run_job_queue_sql(after=..., through=...)`."""
    newest = max(path.name for path in Path(migrations_path).glob("*.sql"))
    assert newest.startswith("03.04.00")
