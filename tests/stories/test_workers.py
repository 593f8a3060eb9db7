"""Several workers on one database: nothing is doubled, and one that was frozen past its lease says nothing any more."""

import asyncio
import signal
from collections import Counter

import aiohttp
import pytest
from cast import Phone, until
from program import Program
from stage import free_port
from till import acts, attempts, in_state, no_statuses, sends, taken, the, written

from dragoman.conversations.worker import Worker

HELLO = "You said: Hello"

pytestmark = pytest.mark.parametrize("role", ["web"])


@pytest.fixture
async def workers(lumen):
    """Two workers in this process."""
    pair = [Worker(lumen.services), Worker(lumen.services)]
    for worker in pair:
        await worker.start()
    yield pair
    for worker in pair:
        await worker.stop()


def apart(lumen, folder):
    """The settings of a worker beside Lumen's server."""
    settings = lumen.services.settings
    return {
        "database_url": settings.database_url,
        "secret_key": settings.secret_key,
        "data_dir": folder / "worker",
        "public_url": lumen.url,
        "graph_url": f"{lumen.url}/sandbox/graph",
        "allow_private_urls": "127.0.0.0/8",
    }


@pytest.fixture
async def process(lumen, tmp_path):
    """A worker in a process of its own, which can be frozen."""
    port = free_port()
    process = Program(port, apart(lumen, tmp_path), tmp_path / "worker.log", "--role", "worker")
    await process.start()
    yield process
    process.kill()


async def lease_runs_out(lumen):
    """As if the lease's time were over: the database's clock is the one that counts."""
    await lumen.services.db.execute("update conversations set lease_until = now() - interval '1 second' where lease_until is not null")
    await lumen.services.db.execute("select pg_notify('dragoman_due', '')")


def pondering(echo, answer):
    thought = asyncio.Event()

    async def think(_delivery):
        await thought.wait()
        return {"content": answer}

    echo.script.append(think)
    return thought


@pytest.mark.parametrize("overrides", [{"worker_concurrency": 3}])
async def test_two_workers_share_the_work_and_double_nothing(lumen, echo, workers):
    seen = set()

    async def both_at_work():
        rows = await lumen.rows("select distinct worker_id from conversations where worker_id is not null")
        seen.update(row["worker_id"] for row in rows)
        return seen == {worker.id for worker in workers}

    async def answer(delivery):
        await until(both_at_work, "both workers are at work")
        return {"content": f"You said: {delivery['message']}"}

    echo.answer = answer
    guests = [await Phone.of(lumen, name=f"Guest {n}") for n in range(10)]
    for turn in range(3):
        await asyncio.gather(*(guest.says(f"{n}.{turn}") for n, guest in enumerate(guests)))
        await until(lambda turn=turn: all_in(lumen, 10 * (turn + 1)), "they have arrived")  # webhooks may overtake each other
    for n in range(10):
        await sends(lumen, f"to guest {n}", f"Guest {n}")
    await until(lambda: all_out(lumen, 40), "everything is out")
    for n, guest in enumerate(guests):
        out = await taken(lumen, person=guest.id)
        assert [text for text in out if text.startswith("You said")] == [f"You said: {n}.{turn}" for turn in range(3)]
        assert out.count(f"to guest {n}") == 1
    assert set(Counter(delivery["message"] for delivery in echo.deliveries).values()) == {1}


async def all_in(lumen, count):
    return len(await lumen.rows("select 1 from messages where direction = 'in'")) >= count


async def all_out(lumen, count):
    return len(await lumen.ledger()) >= count and not await written(lumen, "state in ('queued', 'sending')")


async def test_a_worker_that_stops_leaves_the_rest_to_the_other(lumen, echo, workers):
    guests = [await Phone.of(lumen, name=f"Guest {n}") for n in range(10)]
    for turn in range(3):
        for guest in guests:
            await guest.says(f"turn {turn}")
        if turn == 0:
            await workers[0].stop()
    await until(lambda: all_out(lumen, 30), "everything is out")
    for guest in guests:
        assert await taken(lumen, person=guest.id) == [f"You said: turn {turn}" for turn in range(3)]


async def test_a_worker_whose_lease_ran_out_while_the_agent_thought_says_nothing(lumen, echo, dana, workers):
    first = pondering(echo, "the first thought")
    second = pondering(echo, "the second thought")
    await dana.says("Hello")
    await echo.delivered()
    await lease_runs_out(lumen)
    await echo.delivered(2)  # the same question, under the same id
    assert echo.headers[0]["webhook-id"] == echo.headers[1]["webhook-id"]
    second.set()
    assert await dana.hears_text() == ["the second thought"]
    first.set()
    for worker in workers:
        await worker.stop()
    assert await taken(lumen) == ["the second thought"]
    assert [row["body"] for row in await written(lumen)] == ["the second thought"]
    [turn] = await lumen.rows("select state, attempts from turns")
    assert turn == {"state": "answered", "attempts": 1}


async def test_a_late_worker_does_not_answer_before_the_one_that_has_the_thread_now(lumen, echo, dana, workers):
    first = pondering(echo, "the first thought")
    second = pondering(echo, "the second thought")
    await dana.says("Hello")
    await echo.delivered()
    await lease_runs_out(lumen)
    await echo.delivered(2)
    first.set()
    await until(lambda: echo.in_flight == 1, "the first answer is given")
    await until(lambda: lumen.rows("select id from deliveries"), "the first answer is noted")
    assert await written(lumen) == []
    second.set()
    assert await dana.hears_text() == ["the second thought"]
    assert await taken(lumen) == ["the second thought"]


@pytest.mark.parametrize(("resend", "arrives"), [("never_resend", []), ("resend_once", [HELLO])])
async def test_a_worker_frozen_between_the_attempt_and_the_call_does_not_call(lumen, echo, dana, workers, resend, arrives):
    await lumen.change_agent(echo, resend=resend)
    thought = pondering(echo, HELLO)
    await dana.says("Hello")
    await echo.delivered()
    [held] = [held for worker in workers for held in worker._held.values()]
    held.deadline = 0.0  # its lease ended while it was frozen; it wakes up now
    thought.set()
    await in_state(lumen, HELLO, "sending")
    assert await lumen.ledger() == []
    await lease_runs_out(lumen)
    row = await in_state(lumen, HELLO, "unknown")
    assert row["cause"].startswith("The server stopped while it was sending this message.")
    await lumen.skip(minutes=3)
    await until(lambda: written(lumen, "not_before is null and state <> 'sending'"), "the wait is over")
    assert await taken(lumen) == arrives
    await dana.says("And now?")
    assert await dana.hears_text(len(arrives) + 1) == [*arrives, "You said: And now?"]


async def test_a_take_over_that_ran_out_while_no_worker_was_there_is_over(lumen, echo, dana):
    worker = Worker(lumen.services)
    await worker.start()
    await dana.says("one")
    await dana.hears()
    await worker.stop()
    await acts(lumen, "takeover", durationMinutes=30)
    await dana.says("two")
    await until(lambda: stored(lumen, 2), "it is stored")
    await lumen.skip(minutes=31)
    await dana.says("three")
    await until(lambda: stored(lumen, 3), "it is stored")
    worker = Worker(lumen.services)
    await worker.start()
    assert await dana.hears_text(2) == ["You said: one", "You said: three"]
    assert [delivery["message"] for delivery in echo.deliveries] == ["one", "three"]
    await worker.stop()


async def stored(lumen, count):
    return len(await lumen.rows("select id from messages where direction = 'in'")) == count


async def leases_lost(process):
    async with aiohttp.ClientSession() as session, session.get(f"{process.url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("dragoman_leases_lost_total"))


async def test_a_process_that_was_stopped_while_the_agent_thought_says_nothing_when_it_goes_on(lumen, echo, dana, process):
    thought = pondering(echo, "the first thought")
    await dana.says("Hello")
    await echo.delivered()
    process.process.send_signal(signal.SIGSTOP)
    await lease_runs_out(lumen)
    other = Worker(lumen.services)
    await other.start()
    assert await dana.hears_text() == [HELLO]
    process.process.send_signal(signal.SIGCONT)
    thought.set()
    await until(lambda: leases_lost(process), "it finds out that another has the conversation")
    assert await taken(lumen) == [HELLO]
    assert [row["body"] for row in await written(lumen)] == [HELLO]
    await other.stop()


async def test_a_process_that_was_stopped_while_whatsapp_answered_tells_the_truth_and_sends_nothing_more(lumen, echo, dana, process):
    await no_statuses(lumen)
    await lumen.fault(on="send", action="delay", delay_seconds=600, times=1)
    echo.script = [[{"content": HELLO}, {"content": "How are you?"}]]
    await dana.says("Hello")
    await until(lumen.ledger, "WhatsApp has the message")
    process.process.send_signal(signal.SIGSTOP)
    await lease_runs_out(lumen)
    other = Worker(lumen.services)
    await other.start()
    await in_state(lumen, HELLO, "unknown")
    await lumen.skip(minutes=10)
    await in_state(lumen, "How are you?", "accepted")
    process.process.send_signal(signal.SIGCONT)
    row = await in_state(lumen, HELLO, "accepted")
    assert row["cause"] is None
    await until(lambda: leases_lost(process), "it finds out that another has the conversation")
    assert await taken(lumen) == [HELLO, "How are you?"]
    [attempt] = await attempts(lumen, HELLO)
    assert attempt["outcome"] == "accepted"
    assert (await the(lumen, "How are you?"))["attempts"] == 1
    await other.stop()
