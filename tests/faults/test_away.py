"""F-34: a time comes while no worker is there. On return it has its one effect, and what has changed meanwhile counts."""

import pytest
from cast import until
from meta import rested, texts
from native import hire
from test_native_wake_ups import RULE, plan, wakeups
from till import told

from dragoman.conversations.worker import Worker

pytestmark = pytest.mark.parametrize("role", ["web"])


async def at_work(lumen):
    worker = Worker(lumen.services)
    await worker.start()
    return worker


async def test_a_follow_up_that_was_due_while_nobody_was_there_comes_once_on_return(lumen, model, dana):
    worker = await at_work(lumen)
    await hire(lumen, model, wakeUpConfigs=[RULE])
    model.script = [plan(in_minutes=60), "Fine.", "Do you still want the bread?"]
    await dana.says("Can I decide later?")
    await dana.hears(1)
    await worker.stop()
    await lumen.skip(hours=6)
    both = [await at_work(lumen), await at_work(lumen)]
    assert (await dana.hears_text(2))[1] == "Do you still want the bread?"
    await wakeups(lumen, "said")
    assert (await told(lumen, "turn_opened"))[1][0] == "Lumi was asked to write at a time that was set, 5 hours late."
    await lumen.skip(hours=1)
    for worker in both:
        await worker.stop()
    assert len(await dana.heard()) == 2
    assert len(await lumen.rows("select id from turns where wakeup_id is not null")) == 1


async def test_a_follow_up_that_is_in_time_is_not_called_late(lumen, model, dana):
    worker = await at_work(lumen)
    await hire(lumen, model, wakeUpConfigs=[RULE])
    model.script = [plan(in_minutes=60), "Fine.", "Do you still want the bread?"]
    await dana.says("Can I decide later?")
    await dana.hears(1)
    await lumen.skip(minutes=60)
    await dana.hears(2)
    await worker.stop()
    assert (await told(lumen, "turn_opened"))[1] == ("Lumi was asked for an answer.", None)


async def test_a_session_is_not_ended_for_idleness_when_the_customer_wrote_while_nobody_was_there(lumen, model, dana):
    worker = await at_work(lumen)
    await hire(lumen, model)
    await dana.says("Good morning?")
    await dana.hears(1)
    await worker.stop()
    await lumen.skip(hours=23)
    await dana.says("Are you there?")
    await until(lambda: said(lumen, 2), "it is stored")
    await lumen.skip(hours=2)
    worker = await at_work(lumen)
    assert (await dana.hears_text(2))[1] == "You said: Are you there?"
    await worker.stop()
    assert await lumen.rows("select closed_reason from sessions") == [{"closed_reason": None}]


async def said(lumen, count):
    return len(await texts(lumen)) == count


async def test_a_question_that_waited_while_nobody_was_there_is_asked_in_order(lumen, echo, dana, zoe):
    for n in range(3):
        await dana.says(f"Dana {n}")
        await until(lambda n=n: said(lumen, 2 * n + 1), "it is stored")
        await zoe.says(f"Zoë {n}")
        await until(lambda n=n: said(lumen, 2 * n + 2), "it is stored")
    await lumen.skip(hours=6)
    worker = await at_work(lumen)
    assert await dana.hears_text(3) == [f"You said: Dana {n}" for n in range(3)]
    assert await zoe.hears_text(3) == [f"You said: Zoë {n}" for n in range(3)]
    await rested(lumen)
    await worker.stop()
    assert len(echo.deliveries) == 6
