"""F-41, S-B11: Rival's crowd writes before Dana of Lumen does, more than a worker may hold. She is not made to wait until it is through."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from cast import Agent, Lumen, until
from meta import Meta, Names, said, words
from stage import serving

from dragoman.accounts import keys, organisations
from dragoman.conversations.shares import SPARE, Shares
from dragoman.conversations.worker import Worker
from dragoman.ids import new_id

PLACES = 8
CROWD = 60

pytestmark = pytest.mark.parametrize("overrides", [{"worker_concurrency": PLACES}])
no_worker = pytest.mark.parametrize("role", ["web"])


class Crowded:
    """Another business, whose agent thinks until `go`, and then has nothing to say."""

    def __init__(self, meta, organisation_id, number):
        self.meta, self.organisation_id, self.number = meta, organisation_id, number
        self.agent, self.go = Agent(), asyncio.Event()
        self.agent.answer = self._think

    async def _think(self, _delivery):
        await self.go.wait()
        return 204

    async def write(self, count=CROWD, first=0):
        """So many customers of theirs write, all at once."""
        crowd = [Names(f"1{self.number}{n:06}", f"US.{self.number}{n:06}", f"Guest {n}") for n in range(first, first + count)]
        items = [said(self.meta.lumen, f"wamid.{person.name} of {self.number}", person.name, person) for person in crowd]
        assert await self.meta.posts(words(*items, people=crowd, number=self.number)) == 200

    async def asked(self, count):
        return await self.agent.delivered(count)


@pytest.fixture
async def business(lumen):
    """`await business(name, number)`: one more organisation with an app, a number and an agent."""
    async with AsyncExitStack() as stack:
        opened = []

        async def found(name, number):
            services = lumen.services
            organisation_id = await organisations.create(services.db, services.clock, name)
            meta = await Meta.app(lumen, organisation_id, f"700{number}", f"the secret of {name}")
            await meta.number(organisation_id, number, f"+1555{number}")
            _, key = await keys.create(services.db, services.vault, services.clock, organisation_id, "Till")
            till = Lumen(lumen.url, key, lumen.session, services, organisation_id)
            crowded = Crowded(meta, organisation_id, number)
            url = await stack.enter_async_context(serving(crowded.agent.handle))
            created = await till.post("/agents/byoa/", {"webhookUrl": f"{url}/hook", "name": name})
            crowded.agent.id = created["id"]
            await till.change_agent(crowded.agent, timeoutSeconds=60)
            await till.post(f"/phone-numbers/1555{number}/connect-agent/", {"agentId": created["id"]})
            opened.append(crowded)
            return crowded

        yield found
        for crowded in opened:
            crowded.go.set()


async def test_a_customer_is_answered_while_anothers_agent_holds_every_place(lumen, echo, dana, business):
    rival = await business("Rival", "0009999")
    await rival.write()
    await rival.asked(PLACES)
    await dana.says("Hello")
    assert await dana.hears_text() == ["You said: Hello"]
    assert rival.agent.in_flight == len(rival.agent.deliveries) == PLACES
    rival.go.set()
    await rival.asked(CROWD)
    assert rival.agent.most_in_flight == PLACES


async def test_two_businesses_that_flood_leave_a_place_for_a_third(lumen, echo, dana, business):
    first, second = await business("Rival", "0009999"), await business("Mill", "0008888")
    await first.write()
    await first.asked(PLACES)
    await second.write()
    await second.asked(1)
    await dana.says("Hello")
    assert await dana.hears_text() == ["You said: Hello"]
    assert first.agent.in_flight == PLACES
    assert second.agent.in_flight == len(second.agent.deliveries) < 1 + PLACES // SPARE


@no_worker
async def test_a_customer_is_asked_about_before_anothers_crowd_is_through(lumen, echo, dana, business):
    rival = await business("Rival", "0009999")
    order = []
    rival.agent.answer = lambda delivery: order.append("Rival") or 204
    echo.answer = lambda delivery: order.append("Lumen") or 204
    await rival.write(5 * CROWD)
    await dana.says("Hello")
    await until(lambda: waiting(lumen, 5 * CROWD + 1), "everybody waits")
    worker = Worker(lumen.services)
    await worker.start()
    await until(lambda: len(order) == 5 * CROWD + 1, "everybody was asked about")
    await worker.stop()
    assert order.index("Lumen") < CROWD


@no_worker
async def test_turns_go_to_those_who_hold_least_and_a_place_is_left_to_nobody_only_when_nobody_waits(lumen, echo, dana, zoe, business):
    rival = await business("Rival", "0009999")
    await rival.write()
    await dana.says("Hello")
    await zoe.says("Hello")
    await until(lambda: waiting(lumen, CROWD + 2), "everybody waits")

    async def takes(limit, holding, few):
        """How many of Rival's and of Lumen's are taken; nobody is held by anybody afterwards."""
        turns = {"holders": [rival.organisation_id], "holding": [holding], "few": few}
        rows = await lumen.services.journal.claim(new_id(), limit, 30.0, lambda _: new_id().bytes, turns=turns)
        await lumen.services.db.execute("update conversations set lease_until = null, worker_id = null")
        whose = [row["organisation_id"] for row in rows]
        return whose.count(rival.organisation_id), whose.count(lumen.organisation_id)

    assert await takes(4, holding=0, few=10) == (2, 2)
    assert await takes(4, holding=1, few=10) == (2, 2)
    assert await takes(3, holding=1, few=10) == (1, 2)
    assert await takes(2, holding=5, few=10) == (0, 2)
    assert await takes(10, holding=5, few=8) == (3, 2)
    assert await takes(10, holding=8, few=8) == (0, 2)
    assert await takes(50, holding=0, few=50) == (48, 2)


async def waiting(lumen, count):
    [row] = await lumen.rows("select count(*) from conversations where due_at is not null")
    return row["count"] == count


@pytest.mark.parametrize("places", [1, 2, 3, 10, 4000])
def test_who_floods_alone_gets_every_place_and_no_spare_one(overrides, places):
    shares, rival = Shares(places), new_id()
    assert fills(shares, rival) == places
    assert shares.free >= 1
    assert fills(shares, new_id()) >= 1


def test_each_that_floods_leaves_half_of_what_is_spare(overrides):
    shares = Shares(4000)
    assert fills(shares, new_id()) == 4000
    for _ in range(6):
        before = shares.free
        assert fills(shares, new_id()) > 0
        assert shares.free >= before // 2


def fills(shares, organisation_id):
    """Takes all that it is given, as a worker gives it: in turns up to what counts as few, else what there is room for."""
    while (count := max(shares.few - shares.held.get(organisation_id, 0), shares.room)) > 0:
        for _ in range(count):
            shares.take(organisation_id)
    return shares.held.get(organisation_id, 0)


def test_turns_wait_until_the_last_ones_have_paid(overrides):
    shares = Shares(PLACES)
    assert not shares.turns(0.0)
    shares.behind = True
    assert shares.turns(0.0)
    shares.looked(0.0, 0.1)
    assert not shares.turns(0.4)
    assert shares.wait(0.4) == pytest.approx(0.1)
    assert shares.turns(0.6)
    assert shares.wait(0.6) == float("inf")
