"""A turn that two workers think about, because the first one's lease ran out: what the model said is one thing, and its calls are known by it."""

import asyncio

import pytest
from cast import until
from native import hire
from test_native_api_tools import KEY, ORDER, till
from test_workers import lease_runs_out
from world import shop_server

from dragoman.conversations.worker import Worker

# One place in each worker: who still thinks about what it has lost cannot take it again.
pytestmark = [pytest.mark.parametrize("role", ["web"]), pytest.mark.parametrize("overrides", [{"worker_concurrency": 1}])]


@pytest.fixture
async def shop():
    async with shop_server(key=KEY) as shop:
        yield shop


@pytest.fixture
async def workers(lumen):
    """Two in this process, of which the second takes what the first has lost: see `overrides`."""
    pair = [Worker(lumen.services), Worker(lumen.services)]
    await pair[0].start()
    yield pair
    for worker in pair:
        await worker.stop()


async def the_second_takes_over(lumen, workers, model):
    await until(lambda: len(model.requests) == 1, "the first worker asks the model")
    await workers[1].start()
    await lease_runs_out(lumen)
    await until(lambda: len(model.requests) == 2, "the second worker asks it too")


async def test_a_call_goes_out_under_the_answer_that_is_written_down(lumen, dana, model, shop, workers):
    """Else a turn that begins once more would read another answer, not find the call, and make it again."""
    await hire(lumen, model, tools=till(shop))
    said = [asyncio.Event(), asyncio.Event()]

    async def order(n):
        await said[n].wait()
        return ORDER

    model.script = [lambda _body: order(0), lambda _body: order(1)]
    model.answer = "Your order is taken."
    await dana.says("Two rye breads, please")
    await the_second_takes_over(lumen, workers, model)
    said[0].set()
    await until(lambda: lumen.rows("select 1 from generations"), "what the first worker paid for is noted")
    said[1].set()
    assert await dana.hears_text() == ["Your order is taken."]
    [call] = await lumen.rows("select call_id, state from tool_calls")
    assert call["state"] == "done"
    answers = await lumen.rows("select response from generations where purpose = 'answer' and position = 0")
    assert [[part.get("tool_call_id") for part in answer["response"]["parts"]] for answer in answers] == [[call["call_id"]]]
    assert len(shop.orders) == 3, "two were there before"


async def test_an_answer_that_comes_too_late_is_no_answer_to_what_was_said_since(lumen, dana, model, workers):
    too_late, in_time = asyncio.Event(), asyncio.Event()

    async def thinks(body):
        about_both = "And on Sunday?" in str(body["messages"])
        await (in_time if about_both else too_late).wait()
        return "Till noon on both." if about_both else "Yes, till noon."

    model.answer = thinks
    await hire(lumen, model)
    await dana.says("Is the shop open?")
    await the_second_takes_over(lumen, workers, model)
    for held in workers[0]._held.values():  # frozen: it hears nothing
        held.news = asyncio.Event()
    await dana.says("And on Sunday?")
    await until(lambda: len(model.requests) == 3, "the second worker asks about both")
    too_late.set()
    await until(lambda: lumen.rows("select 1 from generations"), "what the first worker paid for is noted")
    in_time.set()
    assert await dana.hears_text() == ["Till noon on both."]
    noted = await lumen.rows("select purpose, response is null as empty from generations order by created_at, id")
    assert [(row["purpose"], row["empty"]) for row in noted] == [("superseded", True), ("answer", False)]


async def test_a_worker_that_lost_the_turn_throws_away_no_draft_of_the_one_who_has_it(lumen, dana, model, shop, workers):
    """Else a turn that begins once more would not find the order that was made, and make it again."""
    last = asyncio.Event()

    async def thanks():
        await last.wait()
        return "Your order is taken."

    model.script = ["hang", ORDER, lambda _body: thanks()]
    await hire(lumen, model, tools=till(shop))
    await dana.says("Two rye breads, please")
    await the_second_takes_over(lumen, workers, model)
    await until(lambda: len(model.requests) == 3, "the second worker has ordered and asks on")
    await dana.says("Sliced, please")
    await until(lambda: not workers[0]._held, "the first worker hears it, and finds the turn gone")
    [answer] = await lumen.rows("select response is null as empty from generations where purpose = 'answer'")
    [call] = await lumen.rows("select call_id from tool_calls")
    assert (answer["empty"], " " in call["call_id"]) == (False, False)
    last.set()
    assert (await dana.hears_text())[0] == "Your order is taken."
