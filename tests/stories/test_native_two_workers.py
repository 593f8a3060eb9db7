"""A turn that two workers think about, because the first one's lease ran out: what the model said is one thing, and its calls are known by it."""

import asyncio

import pytest
from cast import until
from native import hire
from test_native_api_tools import KEY, ORDER, till
from test_workers import lease_runs_out
from world import shop_server

from dragoman.conversations.worker import Worker


@pytest.fixture
async def shop():
    async with shop_server(key=KEY) as shop:
        yield shop


@pytest.mark.parametrize("role", ["web"])
async def test_a_call_goes_out_under_the_answer_that_is_written_down(lumen, dana, model, shop):
    """Else a turn that begins once more would read another answer, not find the call, and make it again."""
    await hire(lumen, model, tools=till(shop))
    said = [asyncio.Event(), asyncio.Event()]

    async def order(n):
        await said[n].wait()
        return ORDER

    model.script = [lambda _body: order(0), lambda _body: order(1)]
    model.answer = "Your order is taken."
    workers = [Worker(lumen.services), Worker(lumen.services)]
    for worker in workers:
        await worker.start()
    await dana.says("Two rye breads, please")
    await until(lambda: len(model.requests) == 1, "the first worker asks the model")
    await lease_runs_out(lumen)
    await until(lambda: len(model.requests) == 2, "the second worker asks it too")
    said[0].set()
    first = (await until(lambda: lumen.rows("select response from generations order by position"), "the first answer is written down"))[0]
    said[1].set()
    assert await dana.hears_text() == ["Your order is taken."]
    [call] = await lumen.rows("select call_id, state from tool_calls")
    assert call["state"] == "done"
    assert call["call_id"] in [part.get("tool_call_id") for part in first["response"]["parts"]]
    assert len(shop.orders) == 3, "two were there before"
    for worker in workers:
        await worker.stop()
