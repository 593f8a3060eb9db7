"""The database that runs are played in, one after the other, and what stands in it from the beginning."""

import asyncio
from contextlib import suppress
from uuid import uuid4

import psycopg
from psycopg.rows import dict_row
from tests.crash.witness import WITNESS
from tests.simulation.outside import APP, NUMBER, WABA
from tests.simulation.store import SESSION, VIRTUAL_NOW

from dragoman.accounts import numbers, organisations
from dragoman.accounts.secrets import Vault
from dragoman.agents import records
from dragoman.clock import Clock
from dragoman.store.database import Database

SECRET_KEY = "a secret key for the simulation, of more than 32 characters"
# In the order in which nothing refers to what is gone.
TABLES = (
    "statuses",
    "send_attempts",
    "deliveries",
    "media",
    "happenings",
    "transfers",
    "turns",
    "messages",
    "conversations",
    "contact_merges",
    "contact_identities",
    "contacts",
    "workers",
    "idempotency_keys",
    "rate_windows",
    "kept_events",
    "witness",
)
SWEEP = 20  # runs after which what was deleted is swept out


class Ground:
    """A migrated database of its own, at `uri`."""

    def __init__(self, uri):
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(WITNESS)
            connection.execute(VIRTUAL_NOW)
        self.runs = 0
        self.organisation_id, self.number_id, self.agent_id = asyncio.run(_furnish(uri))
        self.connection = psycopg.connect(uri, autocommit=True, row_factory=dict_row, prepare_threshold=0)
        self.connection.prepared_max = None
        for command in SESSION.split(";"):
            self.connection.execute(command)
        for table in TABLES:  # swept by us alone, so that nobody else decides when
            self.connection.execute(f"alter table {table} set (autovacuum_enabled = false)")

    def clear(self, story):
        """As it was before anybody had written."""
        self.runs += 1
        for table in TABLES:
            self.connection.execute(f"delete from {table}")
        if self.runs % SWEEP == 0:
            self.connection.execute(f"vacuum {', '.join(TABLES)}")
        self.connection.execute(
            """update numbers set paused_reason = null, paused_until = null, statuses_missing_since = null, statuses_warned_at = null,
            per_second = %s""",
            [story.per_second],
        )
        self.connection.execute(
            """update agents set disabled_at = null, disabled_cause = null, failing_since = null,
            burst = %(burst)s, fallback_message = %(fallback_message)s, resend = %(resend)s""",
            story.agent,
        )

    def settle(self):
        """After a run that broke."""
        with suppress(psycopg.Error):
            self.connection.execute("rollback")

    def close(self):
        self.connection.close()


async def _furnish(uri):
    database, vault, clock = Database(uri, largest=2), Vault(SECRET_KEY), Clock()
    await database.open()
    try:
        organisation_id = await organisations.create(database, clock, "Bakery Lumen")
        await numbers.add_app(database, vault, clock, organisation_id, app_id=APP, app_secret="app-secret", verify_token="verify")
        new = numbers.NewNumber(app_id=APP, phone_number_id=NUMBER, waba_id=WABA, display_number="+15550001234", access_token="token")
        number = await numbers.add_number(database, vault, clock, organisation_id, new)
        options = {
            "webhook_url": "https://agent.example/hook",
            "timeout_seconds": 5.0,
            "retry_delays": [1.0, 3.0, 8.0],
            "automatic_turns": 0,
        }
        agent, _ = await records.create(database, vault, clock, organisation_id, "Echo", **options)
        where = {"agent": agent.id, "number": number.id}
        await database.execute("update numbers set routing = 'agent', agent_id = %(agent)s where id = %(number)s", where)
    finally:
        await database.close()
    return organisation_id, number.id, agent.id


def fresh(server, template):
    """The name of a new database made from a template; `server` is a connection to where it is."""
    name = f"simulation_{uuid4().hex}"
    server.execute(f"create database {name} template {template} strategy file_copy")
    return name
