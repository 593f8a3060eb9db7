"""Think: what the customer sees meanwhile, and who waits for whom."""

import asyncio

import pytest
from cast import Phone, until
from hook import late, says


class Slow:
    """An agent's answer that waits for the test's word."""

    def __init__(self):
        self.go = asyncio.Event()

    async def __call__(self, delivery):
        await self.go.wait()
        return {"content": f"You said: {delivery['message']}"}


@pytest.fixture
def slow(echo):
    echo.answer = Slow()
    yield echo.answer
    echo.answer.go.set()


async def typing(phone):
    return (await phone.chat())["typing"]


async def ticks(phone):
    return [message["ticks"] for message in (await phone.chat())["messages"] if message["from"] == "person"]


async def test_while_the_agent_thinks_the_customer_sees_ticks_and_typing(lumen, echo, dana, slow):
    await dana.says("Hello")
    await until(lambda: typing(dana), "Dana sees typing")
    assert await ticks(dana) == ["read"]
    assert await dana.heard() == []
    slow.go.set()
    await dana.hears()
    assert not await typing(dana)


async def test_typing_is_shown_for_as_long_as_the_agent_thinks(lumen, echo, dana, slow):
    await dana.says("Hello")
    await until(lambda: typing(dana), "Dana sees typing")
    for _ in range(4):  # WhatsApp shows it for 25 seconds at a time
        await lumen.skip(seconds=24)
        await until(lambda: typing(dana), "Dana sees typing again")
    slow.go.set()
    await dana.hears()
    await lumen.skip(seconds=24)
    assert not await typing(dana)


async def test_ticks_that_cannot_be_shown_do_not_hold_up_the_answer(lumen, echo, dana):
    await lumen.fault(on="read", action="delay", delay_seconds=3600)
    await dana.says("Hello")
    assert await dana.hears_text() == ["You said: Hello"]


async def test_nobody_is_typing_when_nobody_will_answer(lumen, echo, dana):
    await lumen.post("/phone-numbers/15550001234/unsubscribe/", {})
    await dana.says("Hello?")
    await until(lambda: lumen.rows("select 1 from messages"), "it is stored")
    assert not await typing(dana)
    assert await ticks(dana) != ["read"]
    assert echo.deliveries == []


async def test_one_delivery_is_in_flight_while_other_customers_are_answered(lumen, echo, dana, zoe):
    slow = Slow()
    echo.answer = lambda delivery: slow(delivery) if delivery["context"]["contact"]["name"] == "Dana" else {"content": "Welcome"}
    await says(dana, "one", "two", "three")
    await echo.delivered()
    for n in range(1, 4):
        await zoe.says("Hello")
        await zoe.hears(n)
    assert [d["message"] for d in echo.deliveries if d["context"]["contact"]["name"] == "Dana"] == ["one"]
    assert await dana.heard() == []
    slow.go.set()
    assert await dana.hears_text(3) == ["You said: one", "You said: two", "You said: three"]


async def test_a_crowd_is_asked_about_at_the_same_time(lumen, echo, slow):
    crowd = [await Phone.of(lumen, name=f"Customer {n}") for n in range(10)]
    for person in crowd:
        await person.says("Hello")
    await until(lambda: echo.in_flight == 10, "the agent thinks about ten customers at once")
    slow.go.set()
    for person in crowd:
        await person.hears()


@pytest.mark.parametrize("overrides", [{"worker_concurrency": 2}])
async def test_no_more_customers_are_taken_than_the_worker_may_hold(lumen, echo, slow):
    crowd = [await Phone.of(lumen, name=f"Customer {n}") for n in range(6)]
    for person in crowd:
        await person.says("Hello")
    await until(lambda: echo.in_flight == 2, "the agent thinks about two customers")
    slow.go.set()
    for person in crowd:
        await person.hears()
    assert echo.most_in_flight == 2


async def test_nothing_waits_for_the_safety_net(lumen, echo, dana, monkeypatch):
    """All that the main job does is told to the worker; the poll is for what got lost."""
    await dana.says("zero")
    await dana.hears()
    monkeypatch.setattr("dragoman.conversations.worker.POLL_SECONDS", 3600)
    await lumen.skip(seconds=1)  # out of the nap that has begun already
    await says(dana, "one", "two", "three")
    await dana.hears(4)
    await late(lumen, echo.deliveries[-1], {"content": "And another thing"})
    assert (await dana.hears_text(5))[4] == "And another thing"
