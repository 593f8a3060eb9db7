"""F-40: a message that whoever works on it stumbles over, or dies of. It ends as failed, and the conversation and everybody else go on."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager

import pytest
from cast import Phone, until
from made_files import png
from meta import counted, rested
from tests.crash.poison import WORD
from till import acts, sends, time_passes

from dragoman.conversations import media
from dragoman.conversations.policy import PARKED_AFTER, SUSPECTS_TOGETHER
from dragoman.conversations.turn import PARKED_CAUSE
from dragoman.conversations.worker import Worker
from dragoman.ids import new_id

CRASHED, PARKED = "dragoman_conversations_crashed_total", "dragoman_turns_parked_total"
SORRY = "One moment, please."
CAUSE = PARKED_CAUSE.format(times=PARKED_AFTER)
THINKS = 0.2  # seconds: so long a crowd is in the hands of a worker that dies
CROWD, ROUNDS = 8, 4
in_process = pytest.mark.parametrize("role", ["web"])


@in_process
async def test_a_message_that_cannot_be_put_to_the_agent_ends_as_failed_and_what_follows_is_answered(lumen, echo, dana, zoe):
    for phone, text in ((dana, "Poison"), (dana, "Bread?"), (zoe, "Cake?")):
        wamid = await phone.says(text)
        await until(lambda wamid=wamid: stored(lumen, wamid), "it is stored")
    # What no version of ours has written, and none can read.
    await lumen.services.db.execute("update messages set content = '[1]' where content ->> 'text' = 'Poison'")
    before = await counted(lumen, CRASHED)
    worker = Worker(lumen.services)
    await worker.start()
    assert await zoe.hears_text() == ["You said: Cake?"]
    await time_passes(lumen, lambda: heard(dana), "Dana is answered", step=120)
    assert [message["text"] for message in await dana.heard()] == ["You said: Bread?"]
    await rested(lumen)
    await worker.stop()
    [turn] = await lumen.rows("select state, cause, attempts from turns where state <> 'answered'")
    assert (turn["state"], turn["attempts"]) == ("failed", 6)
    assert turn["cause"] == "Dragoman could not put this message to the agent (AttributeError)."
    assert await counted(lumen, CRASHED) == before + 6


async def test_a_message_that_ends_the_process_each_time_is_given_up_and_everybody_else_is_answered_once(stage):
    async with dying_workers(stage, "asking kills", ("web", "worker", "worker")) as (here, deaths, begin):
        await here.lumen.connect(here.agent, here.agent.url)
        await here.lumen.change_agent(here.agent, fallbackMessage=SORRY)
        here.agent.answer = thoughtful
        dana = await here.person()
        crowd = [await here.person(f"Guest {n}", f"+1556{n:07}") for n in range(CROWD)]
        said = [f"{n} says {turn}" for n in range(CROWD) for turn in range(ROUNDS)]
        await dana.says(f"Is there {WORD} in it?")
        for turn in range(ROUNDS):
            await asyncio.gather(*(guest.says(f"{n} says {turn}") for n, guest in enumerate(crowd)))
            if turn == 0:  # all of them are claimed together, and lost together
                await here.until(lambda: all_stored(here, CROWD + 1), "all have written")
                begin()
            await here.until(lambda turn=turn: len(deaths) > turn, "the next has died")
        [turn] = await here.until(lambda: here.rows("select cause, attempts from turns where state = 'failed'"), "it is given up")
        await dana.says("And flour?")
        await here.settled()
        assert (turn["cause"], turn["attempts"], len(deaths)) == (CAUSE, 1, PARKED_AFTER)
        assert await here.violations() == []
        assert [message["text"] for message in await dana.heard()] == [SORRY, "You said: And flour?"]
        unknown = {row["body"] for row in await here.rows("select content ->> 'body' as body from messages where state = 'unknown'")}
        heard = Counter(entry["body"]["text"]["body"] for entry in (await here.evidence()).ledger)
        assert set(heard.values()) == {1}
        assert set(heard) | unknown == {SORRY, "You said: And flour?", *(f"You said: {text}" for text in said)}
        assert len(await here.rows("select 1 from turns where state <> 'answered'")) == 1
        assert [row["lost"] for row in await here.rows("select lost from conversations where lost > 0")] == []
        assert sum([await counted(here.lumen, PARKED, worker.url) for worker in here.servers[1:]]) == 1
        assert any(entry["cause"] == CAUSE for entry in (await here.lumen.timeline())["entries"])


async def test_a_message_that_ends_the_process_when_it_is_sent_ends_one_process_and_is_shown_as_unknown(stage):
    async with dying_workers(stage, "sending kills", ("web", "worker")) as (here, deaths, begin):
        begin()
        await here.lumen.connect(here.agent, here.agent.url)
        dana = await here.person()
        await dana.says(f"Is there {WORD} in it?")
        await here.until(lambda: here.rows("select 1 from messages where state = 'unknown'"), "it is shown")
        await dana.says("And flour?")
        await here.settled()
        assert len(deaths) == 1
        assert [message["text"] for message in await dana.heard()] == ["You said: And flour?"]


@in_process
async def test_who_was_lost_often_enough_is_not_asked_about_again_and_can_be_replayed(lumen, echo, dana):
    await lumen.change_agent(echo, fallbackMessage=SORRY)
    await lost(lumen, PARKED_AFTER, await dana.says("Bread?"))
    before = await counted(lumen, PARKED)
    worker = Worker(lumen.services)
    await worker.start()
    assert await dana.hears_text() == [SORRY]
    await rested(lumen)
    assert echo.deliveries == []
    [call] = (await lumen.get(f"/agents/{echo.id}/deliveries/"))["results"]
    assert (call["turnState"], call["cause"], call["retryAt"]) == ("failed", CAUSE, None)
    assert await counted(lumen, PARKED) == before + 1
    await lumen.post(f"/agents/{echo.id}/deliveries/{call['id']}/replay/", expect=202)
    assert await dana.hears_text(2) == [SORRY, "You said: Bread?"]
    await worker.stop()


@in_process
async def test_a_file_over_which_the_server_ended_each_time_is_given_up_and_its_question_is_asked(lumen, echo, dana):
    await lost(lumen, PARKED_AFTER, await dana.sends_file("image", png(), "image/png", caption="Can you make this?"))
    worker = Worker(lumen.services)
    await worker.start()
    await dana.hears()
    await rested(lumen)
    await worker.stop()
    [file] = await lumen.rows("select state, cause from media")
    assert (file["state"], file["cause"]) == ("failed", media.PARKED_CAUSE.format(times=PARKED_AFTER))
    assert [delivery["message"] for delivery in echo.deliveries] == ["Can you make this?"]


@in_process
async def test_suspects_are_tried_a_few_at_a_time_and_the_innocent_are_answered(lumen, echo):
    guests = [await Phone.of(lumen, name=f"Guest {n}") for n in range(SUSPECTS_TOGETHER + 4)]
    for guest in guests:
        await lost(lumen, 2, await guest.says("Bread?"))
    echo.answer = thoughtful
    worker = Worker(lumen.services)
    await worker.start()
    for guest in guests:
        assert await guest.hears_text() == ["You said: Bread?"]
    await rested(lumen)
    await worker.stop()
    assert echo.most_in_flight <= SUSPECTS_TOGETHER
    assert await lumen.rows("select 1 from conversations where lost > 0") == []


@in_process
async def test_whatever_ends_in_order_clears_the_count(lumen, echo, dana):
    echo.script = [204]
    await lost(lumen, 2, wamid := await dana.says("Nothing to say to this"))
    worker = Worker(lumen.services)
    await worker.start()
    await echo.delivered()
    await rested(lumen)
    assert await lumen.rows("select 1 from conversations where lost > 0") == []
    await lost(lumen, 2, wamid)
    await acts(lumen, "takeover")
    assert await lumen.rows("select 1 from conversations where lost > 0") == []
    await lost(lumen, 2, wamid)
    await sends(lumen, "Your order is ready")
    await dana.hears()
    await rested(lumen)
    await worker.stop()
    assert await lumen.rows("select 1 from conversations where lost > 0") == []


@in_process
async def test_who_was_lost_among_the_few_is_tried_alone_and_two_workers_share_the_suspects(lumen, echo):
    for n, times in enumerate([0, 1] + [2] * (SUSPECTS_TOGETHER + 2) + [3, 4]):
        guest = await Phone.of(lumen, name=f"Guest {n}")
        await lost(lumen, times, await guest.says("Bread?"))
    journal, workers = lumen.services.journal, [new_id() for _ in range(5)]

    async def claims(worker, suspects=True):
        rows = await journal.claim(worker, 100, 30.0, lambda turn_id: turn_id.bytes, suspects=suspects)
        return sorted(row["lost"] for row in rows)

    assert await claims(workers[0]) == [0, 1, 4]
    assert await claims(workers[0], suspects=False) == []
    assert await journal.next_due(suspects=False) is None
    assert await claims(workers[1]) == [3]
    assert await claims(workers[2]) == [2] * SUSPECTS_TOGETHER
    assert await journal.next_due() is not None
    assert await claims(workers[3]) == [2, 2]
    # The first is still there and has only failed at its three; the second and its one are gone.
    await journal.beat(workers[0], 30.0)
    await lumen.services.db.execute("update conversations set lease_until = now() where worker_id = any(%(gone)s)", {"gone": workers[:2]})
    assert await claims(workers[4]) == [0, 4]
    assert await claims(workers[4]) == [4]
    assert await claims(workers[4]) == [1]


@asynccontextmanager
async def dying_workers(stage, bug, roles):
    """Lumen with a web process and workers that have a bug and are started again whenever they die; the deaths so far, and what starts them."""
    deaths, keepers = [], []

    async def keep(server):
        while True:
            await server.start(bug=bug)
            await server.dead.wait()
            deaths.append(server)

    async with stage.place(roles) as here:
        await here.server.start()
        try:
            yield here, deaths, lambda: keepers.extend(asyncio.create_task(keep(server)) for server in here.servers[1:])
        finally:
            for keeper in keepers:
                keeper.cancel()


async def thoughtful(delivery):
    await asyncio.sleep(THINKS)
    return {"content": f"You said: {delivery['message']}"}


async def lost(lumen, times, wamid):
    """As if workers had died this often while they held the conversation of this message."""
    await until(lambda: stored(lumen, wamid), "it is stored")
    query = "update conversations set lost = %(times)s where id = (select conversation_id from messages where wamid = %(wamid)s)"
    await lumen.services.db.execute(query, {"times": times, "wamid": wamid})


async def all_stored(here, count):
    return len(await here.rows("select 1 from messages")) >= count


async def stored(lumen, wamid):
    return await lumen.rows("select 1 from messages where wamid = %(wamid)s", wamid=wamid)


async def heard(phone):
    return await phone.heard()
