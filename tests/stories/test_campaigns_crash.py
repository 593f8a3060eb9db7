"""kill -9 in the middle of a campaign: whoever was written to is not written to again, and nobody is forgotten."""

import asyncio
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from cast import until
from stage import visiting
from test_crash import SECRET_KEY, get, meta, post, world  # noqa: F401 - fixtures

from dragoman.accounts import numbers, organisations, tokens
from dragoman.accounts.secrets import Vault
from dragoman.agents import records as agents
from dragoman.campaigns import creating, records
from dragoman.campaigns.campaign import Addressee, Message, NewCampaign, Param, Part
from dragoman.clock import Clock
from dragoman.conversations.services import Services
from dragoman.settings import Settings

PEOPLE = 60


class Marketer:
    """The process that sends."""

    def __init__(self, uri, folder):
        self.command = [sys.executable, str(Path(__file__).parent / "marketer.py"), uri, str(folder), SECRET_KEY]

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(*self.command, stdout=subprocess.PIPE)
        assert await self.process.stdout.readline() == b"ready\n"

    async def kill(self):
        self.process.kill()
        await self.process.wait()


@pytest.fixture
async def lumen(database, tmp_path):
    """Bakery Lumen with a campaign for many people: (services, organisation, campaign)."""
    settings = Settings(database_url=database.uri, data_dir=tmp_path, secret_key=SECRET_KEY, graph_url="http://127.0.0.1:9")
    services = Services.make(settings, Clock(), database, SECRET_KEY)
    await services.open()
    organisation_id = await organisations.create(database, services.clock, "Bakery Lumen")
    place = (database, services.vault, services.clock, organisation_id)
    await numbers.add_app(*place, app_id="meta", app_secret="app-secret", verify_token="verify")
    new = numbers.NewNumber(app_id="meta", phone_number_id="1065", waba_id="1", display_number="+15550001234", access_token="token")
    await numbers.add_number(*place, new)
    agent, _ = await agents.create(*place, "Maya", llm_model="lab/small")
    audience = [Addressee(f"+1555010{n:04}") for n in range(PEOPLE)]
    message = Message(name="rye_day", language="en", body=Part(is_static=False, params=[Param(text="phone")]))
    rye = NewCampaign(name="Rye", agent_id=agent.id, message=message, audience=audience, start_at=services.clock.now())
    yield services, organisation_id, await creating.create(services, organisation_id, rye)
    await services.close()


@pytest.fixture
async def marketers(database, tmp_path):
    """Two of them; the second starts when the test wants it."""
    both = [Marketer(database.uri, tmp_path) for _ in range(2)]
    yield both
    for marketer in both:
        if getattr(marketer, "process", None) and marketer.process.returncode is None:
            await marketer.kill()


async def taken(database):
    """WhatsApp takes whatever waits; how many were ever queued."""
    await database.execute("update messages set state = 'accepted' where state = 'queued'")
    return (await database.fetch_one("select count(*) as n from messages"))["n"]


async def test_nobody_is_queued_twice_or_forgotten_while_senders_come_and_go(database, lumen, marketers):
    services, organisation_id, campaign = lumen
    for n in range(4):
        await marketers[n % 2].start()

        async def some(n=n):
            return await taken(database) >= PEOPLE // 5 * (n + 1)

        await until(some, "some are written to")
        await marketers[n % 2].kill()
    await marketers[0].start()

    async def all_of_them():
        return await taken(database) and (await records.get(services, organisation_id, campaign.id)).state == "completed"

    await until(all_of_them, "everybody is written to")
    await everybody_once(database)


async def test_a_sender_killed_in_the_middle_of_a_batch_leaves_nothing_of_it(database, lumen, marketers):
    services, organisation_id, campaign = lumen
    async with database.transaction() as connection:
        # The sender has opened the conversations, and waits before it says anything.
        await connection.execute("lock table messages in exclusive mode")
        await marketers[0].start()
        await until(lambda: waits_for_a_lock(database), "the sender waits in the middle of its batch")
        await marketers[0].kill()
        await database.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
    assert await database.fetch("select 1 from conversations union all select 1 from messages") == []
    assert await database.fetch("select 1 from campaign_recipients where state <> 'waiting'") == []
    await marketers[1].start()

    async def all_of_them():
        return await taken(database) and (await records.get(services, organisation_id, campaign.id)).state == "completed"

    await until(all_of_them, "everybody is written to")
    await everybody_once(database)


async def test_a_job_that_is_done_again_does_nothing(database, lumen, marketers):
    """A worker that died after its transaction and before its job was ticked off leaves the job to another."""
    services, organisation_id, campaign = lumen
    await marketers[0].start()
    await until(lambda: taken(database), "a batch is out")
    await records.pause(services, organisation_id, campaign.id)
    before = await taken(database)
    await records.resume(services, organisation_id, campaign.id)
    await records.resume(services, organisation_id, campaign.id)

    async def all_of_them():
        return await taken(database) >= before and (await records.get(services, organisation_id, campaign.id)).state == "completed"

    await until(all_of_them, "everybody is written to")
    await everybody_once(database)
    assert await database.fetch("select 1 from procrastinate_jobs where status = 'todo'") == []


async def waits_for_a_lock(database):
    return await database.fetch("select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()")


async def everybody_once(database):
    rows = await database.fetch(
        "select k.phone, m.content #>> '{components,0,parameters,0,text}' as named from messages m "
        "join conversations c on c.id = m.conversation_id join contacts k on k.id = c.contact_id"
    )
    assert Counter(row["phone"] for row in rows) == {f"1555010{n:04}": 1 for n in range(PEOPLE)}
    assert all(row["named"] == f"+{row['phone']}" for row in rows)
    recipients = await database.fetch("select count(distinct message_id) as n from campaign_recipients where state = 'queued'")
    assert recipients[0]["n"] == PEOPLE


async def test_a_server_killed_in_the_middle_of_a_campaign_sends_nobody_twice(world):  # noqa: F811
    graph, _, process, database, clock = world
    [organisation] = await database.fetch("select id from organisations where name = 'Bakery Lumen'")
    token = tokens.create(Vault(SECRET_KEY), Clock(), organisation["id"], "story", timedelta(days=9)).text
    [agent] = await database.fetch("select number from agents")
    async with visiting(headers={"Authorization": f"Bearer {token}"}) as session:
        await post(session, f"{graph}/control/templates", {"name": "rye_day", "body": "Rye is fresh.", "language": "en"})
        for n in range(PEOPLE):
            await post(session, f"{graph}/control/people", {"name": f"Customer {n}", "phone": f"+1555010{n:04}"})
        made = await post(session, f"{process.url}/v2/_campaign/create_with_touchpoint", body(agent["number"]))
        for kills in range(3):

            async def some(kills=kills):
                return len(await get(session, f"{graph}/control/ledger")) > PEOPLE // 4 * kills + 5

            await until(some, "some have it")
            process.kill()
            await process.start()

        async def rests():
            clock.advance(timedelta(seconds=20))  # Meta says again what a dead server did not hear
            under_way = "select 1 from messages where state in ('queued', 'sending', 'accepted')"
            return not await database.fetch(f"{under_way} union all select 1 from procrastinate_jobs where status in ('todo', 'doing')")

        async def completed():
            found = await get(session, f"{process.url}/v2/_campaigns/{made['data']['id']}/statistics")
            data = found.get("data")  # none while a server that has just begun is asked too much
            return data if data and data["pending"] == data["queued"] == 0 else None

        await until(rests, "nothing is under way")  # the API is not asked again and again: it lets nobody do that for long
        counts = await until(completed, "the campaign is through")
        ledger = await get(session, f"{graph}/control/ledger")
    reached = Counter(entry["to"] for entry in ledger if entry["type"] == "template")
    assert not [twice for twice, count in reached.items() if count > 1]
    assert len(reached) >= counts["sent"] == PEOPLE - counts["unknown"]  # what is missing is known to be missing


def body(number):
    people = [{"to_number": f"+1555010{n:04}"} for n in range(PEOPLE)]
    touchpoint = {"name": "First", "type": "WHATSAPP", "status": "scheduled", "start_at": "2026-01-01T00:00:00Z", "assistant_id": number}
    return {"name": "Rye", "touchpoint": {**touchpoint, "customer_details": people, "whatsapp_data": {"template": "rye_day"}}}
