"""F-33: a worker is frozen (SIGSTOP) past its lease, another takes over and brings all to its end, and then the first one goes on."""

import asyncio
import signal

import pytest

# Where it freezes, by the points of `tests.crash.points`, and whether its send may still come (a call that was under way cannot
# be taken back).
BEFORE_THE_AGENT = ["before:agent.ask#1", "during:agent.ask#1", "after:agent.ask#1", "before:queries.RECORD#1"]
AROUND_THE_SEND = ["after:queries.RECORD#1", "before:graph.send#1", "during:graph.send#1", "after:graph.send#1", "before:queries.SETTLE#1"]
ROLES = ("web", "worker", "worker")


async def froze_and_went_on(stage, point):
    """What is wrong after the story, and how the message was shown while the first worker was frozen."""
    async with stage.place(ROLES) as here:
        web, first, second = here.servers
        await web.start()
        await here.lumen.connect(here.agent, here.agent.url)
        await first.start(crash=point, how="SIGSTOP", trace=str(first.trace))
        dana = await here.person()
        await dana.says("Hello")
        await here.until(first.frozen, f"it froze {point}")
        await second.start()
        await here.settled()  # the second has done it all
        [shown] = await here.rows("select state from messages where direction = 'out'")
        before = len(first.passed())
        first.signal(signal.SIGCONT)
        first.signal(signal.SIGTERM)
        await asyncio.wait_for(first.dead.wait(), 30)  # what it had begun is done, or was refused
        await here.settled()
        await dana.says("And now?")
        await here.answered(2)
        await here.settled()
        wrong = await here.violations()
        if len(first.passed()) == before:
            wrong.append("it did not go on")
        heard = [text for text in [m["text"] for m in await dana.heard()] if text == "You said: Hello"]
        return [f"{point}: {line}" for line in wrong], shown["state"], len(heard)


async def test_a_worker_that_froze_before_it_had_an_answer_on_disk_says_nothing_any_more(stage):
    results = await asyncio.gather(*(froze_and_went_on(stage, point) for point in BEFORE_THE_AGENT))
    assert [line for wrong, _, _ in results for line in wrong] == []
    assert [(state, heard) for _, state, heard in results] == [("delivered", 1)] * len(BEFORE_THE_AGENT)


async def test_a_worker_that_froze_around_the_send_doubles_nothing_and_what_nobody_knows_is_shown(stage):
    results = await asyncio.gather(*(froze_and_went_on(stage, point) for point in AROUND_THE_SEND))
    assert [line for wrong, _, _ in results for line in wrong] == []
    shown = dict(zip(AROUND_THE_SEND, [(state, heard) for _, state, heard in results], strict=True))
    # Before the call nobody can know, and it is not made past the lease; in the last moment before it, it still leaves, once.
    assert shown["after:queries.RECORD#1"] == ("unknown", 0)
    assert shown["before:graph.send#1"] == ("unknown", 1)
    # WhatsApp has it, and its status says so while the worker is still frozen.
    assert [shown[point] for point in AROUND_THE_SEND[2:]] == [("delivered", 1)] * 3


@pytest.mark.parametrize("point", ["after:callback_queries.TAKE_KEY#1"])
async def test_a_door_that_froze_in_the_middle_of_a_transaction_holds_nobody_up_for_long(stage, point):
    """Its locks end after 15 seconds; the late answer that it was taking is posted again, and there once."""
    async with stage.place(ROLES) as here:
        web, worker, _ = here.servers
        await web.start(crash=point, how="SIGSTOP")
        await worker.start()
        await here.lumen.connect(here.agent, here.agent.url)
        here.agent.script = [204]
        dana = await here.person()
        await dana.says("Is it ready?")
        [delivery] = await here.agent.delivered()
        posts = [asyncio.create_task(here.asks("POST", "", {"content": "Ready"}, key="ready", url=delivery["reply_callback"]))]
        await here.until(web.frozen, "it froze")
        locks = "select 1 from pg_stat_activity where datname = current_database() and state = 'idle in transaction'"
        await here.until(lambda: here.rows(locks), "it has a transaction open")

        async def ended():
            return not await here.rows(locks)

        await here.until(ended, "its transaction has ended")
        web.signal(signal.SIGCONT)
        [(status, body)] = await asyncio.gather(*posts)
        assert status == 202, body
        await here.answered(1)
        await here.settled()
        assert await here.violations() == []
        assert [message["text"] for message in await dana.heard()] == ["Ready"]
