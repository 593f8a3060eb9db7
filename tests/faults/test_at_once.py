"""What happens at the same moment: F-28, F-30, F-35, F-47. `make faults` plays many more rounds (RACE_ROUNDS)."""

import asyncio
import os
from collections import Counter
from datetime import timedelta

import pytest
from cast import Phone, until
from hook import late
from native import hire
from tests.crash.invariants import Evidence, check
from tests.crash.places import drop, fresh
from till import acts, conversation_id, sends, written

ROUNDS = int(os.environ.get("RACE_ROUNDS", "24"))
AT_ONCE = 24


@pytest.fixture
def database_uri(server, witnessed):
    """A database that keeps what its rows were, so that the one checker can look at the way."""
    name = fresh(server, witnessed)
    yield f"postgresql://{server.info.user}@/{name}?host={server.info.host}"
    drop(server, name)


async def settled(lumen):
    """Wait until nothing is under way, nor will be in a moment: the pace of the number puts off what is dropped then."""
    unsettled = """
    select 1 from conversations where due_at <= %(soon)s or lease_until is not null
    union all select 1 from messages where state in ('queued', 'sending', 'accepted')
    union all select 1 from turns where state = 'open'"""

    async def look():
        return not await lumen.rows(unsettled, soon=lumen.services.clock.now() + timedelta(seconds=10))

    await until(look, "all is settled")


async def violations(lumen, heard=(), promised=()):
    evidence = Evidence(lumen.services.db, await lumen.ledger(), [], list(promised), list(heard))
    return await check(evidence)


def told(echo):
    """What the agent heard, as the checker wants it."""
    return [
        (headers["webhook-id"], [m["message_id"] for m in delivery["context"]["messages"]])
        for headers, delivery in zip(echo.headers, echo.deliveries, strict=True)
    ]


async def in_rounds(lumen, play):
    """`play(guest, n)` for `ROUNDS` guests, `AT_ONCE` at the same time."""
    for first in range(0, ROUNDS, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, ROUNDS))
        guests = [await Phone.of(lumen, name=f"Guest {n}") for n in numbers]
        await play(guests, numbers)


@pytest.mark.parametrize("overrides", [{"callback_rate_limit": 1000}])
async def test_fifty_posts_of_one_late_answer_are_one_message_and_those_of_others_their_own(lumen, echo, dana):
    echo.script = [204]
    await dana.says("Is my cake ready?")
    [delivery] = await echo.delivered()
    await until(lambda: lumen.rows("select 1 from turns where state = 'silent'"), "the turn is over")
    same = [late(lumen, delivery, {"content": "Ready"}, key="ready") for _ in range(50)]
    others = [late(lumen, delivery, {"content": f"Layer {n}"}, key=f"layer {n}") for n in range(20)]
    answers = await asyncio.gather(*same, *others)
    assert {status for status, _, _ in answers} == {202}
    ids = [body["messages"][0]["id"] for _, body, _ in answers]
    assert len(set(ids[:50])) == 1
    assert len(set(ids)) == 21
    await settled(lumen)
    assert Counter(row["body"] for row in await written(lumen)) == Counter(["Ready", *(f"Layer {n}" for n in range(20))])
    assert await violations(lumen, told(echo), set(ids)) == []


async def takes_over(lumen, guest):
    await acts(lumen, "takeover", guest.person["name"])


async def answers_by_phone(lumen, guest):
    await lumen.control("POST", "/staff/messages", {"person": guest.id, "text": "Lou here, from the shop"})


@pytest.mark.parametrize("act", [takes_over, answers_by_phone])
async def test_a_late_answer_and_a_change_of_hands_at_the_same_moment(lumen, echo, act):
    """Either the answer came first, and is sent or shown as dropped, or it is refused and nothing is there."""
    echo.answer = 204
    came, promised = Counter(), []

    async def play(guests, numbers):
        asked = len(echo.deliveries)
        await asyncio.gather(*(guest.says(f"Hello {n}") for guest, n in zip(guests, numbers, strict=True)))
        await echo.delivered(asked + len(guests))
        await settled(lumen)
        by_text = {delivery["message"]: delivery for delivery in echo.deliveries[asked:]}
        answers = [late(lumen, by_text[f"Hello {n}"], {"content": f"Late {n}"}) for n in numbers]
        hands = [act(lumen, guest) for guest in guests]
        done = await asyncio.gather(*(one for pair in zip(answers, hands, strict=True) for one in pair))
        for n, (status, answer, _) in zip(numbers, done[::2], strict=True):
            came[status] += 1
            rows = await written(lumen, "content ->> 'body' = %(body)s", body=f"Late {n}")
            assert (status, len(rows)) in [(202, 1), (409, 0)], (answer, rows)
            promised.extend(message["id"] for message in answer.get("messages", []))
        await settled(lumen)

    await in_rounds(lumen, play)
    assert await violations(lumen, told(echo), promised) == []
    assert came.total() == ROUNDS


async def test_an_answer_and_a_person_who_takes_over_and_speaks_at_the_same_moment(lumen, echo):
    thought = asyncio.Event()

    async def think(delivery):
        await thought.wait()
        return {"content": f"You said: {delivery['message']}"}

    echo.answer = think

    async def play(guests, numbers):
        thought.clear()
        asked = len(echo.deliveries)
        await asyncio.gather(*(guest.says(f"Hello {n}") for guest, n in zip(guests, numbers, strict=True)))
        await echo.delivered(asked + len(guests))
        thought.set()

        async def person(guest):
            await acts(lumen, "takeover", guest.person["name"])
            await sends(lumen, f"Lou to {guest.person['name']}", guest.person["name"])

        await asyncio.gather(*map(person, guests))
        await settled(lumen)
        for guest in guests:
            heard = [message["text"] for message in await guest.heard()]
            assert heard[-1] == f"Lou to {guest.person['name']}"  # never the agent after the person
            assert len(heard) <= 2

    await in_rounds(lumen, play)
    assert await violations(lumen, told(echo)) == []
    assert {row["state"] for row in await written(lumen)} <= {"sent", "delivered", "discarded"}


async def test_a_follow_up_and_a_message_of_the_customer_at_the_same_moment(lumen, model):
    """Each has its one turn, in one of the two orders; neither is answered twice, neither is forgotten."""
    await hire(lumen, model)

    async def play(guests, numbers):
        await asyncio.gather(*(guest.says("Hello?") for guest in guests))
        for guest in guests:
            await guest.hears(1)
        await settled(lumen)

        async def wake(guest):
            await lumen.post(
                f"/conversations/{await conversation_id(lumen, guest.person['name'])}/prompt/", {"prompt": "Ask about the bread."}
            )

        both = [one for guest, n in zip(guests, numbers, strict=True) for one in (wake(guest), guest.says(f"Is it {n}?"))]
        await asyncio.gather(*both)
        for guest in guests:
            await guest.hears(3)
        await settled(lumen)

    await in_rounds(lumen, play)
    assert await violations(lumen) == []
    turns = await lumen.rows("select conversation_id, wakeup_id is not null as woken, state from turns where state <> 'discarded'")
    per_cause = Counter((turn["conversation_id"], turn["woken"]) for turn in turns if turn["state"] == "answered")
    assert set(per_cause.values()) <= {1, 2}
    assert Counter(woken for _, woken in per_cause.elements()) == {False: 2 * ROUNDS, True: ROUNDS}
    assert {row["state"] for row in await lumen.rows("select state from wakeups")} == {"said"}
