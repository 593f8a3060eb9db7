"""An erasure over the first dialect, with the word in every column that takes one, and the control for each table."""

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.api.story import DANA_BSUID, DANA_PHONE
from tests.store.test_erased_columns import EMPTIED, HOLDS_NOTHING, ROWS_GO

from dragoman.conversations import erasing, erasing_rest
from dragoman.conversations import erasing_queries as queries
from dragoman.ids import new_id
from dragoman.store import jobs

CANARY = "quokka4711"
# What names the person cannot be any word; these are looked for as they are.
NAMES = {
    ("contacts", "phone"),
    ("contacts", "bsuid"),
    ("contact_identities", "kind"),
    ("contact_identities", "value"),
    ("suppressions", "phone"),
}


async def found(fetch, *words):
    tables = await fetch(
        "select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'"
    )
    places = set()
    for table in tables:
        query = f"select 1 from {table['name']} t where exists (select from unnest(%s::text[]) w where position(w in t::text) > 0) limit 1"
        if await fetch(query, [list(words)]):
            places.add(table["name"])
    return places


async def one_row_of_everything(story, bakery):
    """Everything that can be known of Dana, in every table that an erasure is about."""
    now = story.clock.now()
    await story.hears_file(bakery.chat, "image", "image/png")
    await story.hears(bakery.chat, "Hello")
    answer = await story.says(bakery.chat, "Good morning")
    turn = await story.turn(bakery, state="open", closed=False)
    await story.calls(bakery, turn)
    await story.attempts(bakery, answer)
    await story.hears_status(bakery, answer, "read")
    await story.put("statuses", number_id=bakery.number, wamid="wamid.early", status="read", said_at=now, received_at=now)
    await story.database.execute("update messages set wamid = 'wamid.early' where id = %s", [answer])
    await story.hands_over(bakery, "person")
    *_, call = await story.native(bakery.echo, bakery.chat, bakery.dana, turn)
    async with story.database.transaction() as connection:  # a template that was about to tell the baker of her
        await jobs.defer(connection, "whatsapp.send", organisation_id=str(story.organisation_id), key=str(call), template=CANARY)
    await _without_id(
        story, "idempotency_keys", scope=f"callback {turn}", key=CANARY, body_hash=b"", status=202, response="[]", created_at=now
    )
    await what_agents_know(story, bakery, turn)
    await what_the_business_keeps(story, bakery, turn, answer)


async def what_agents_know(story, bakery, turn):
    now, place, contact = story.clock.now(), {"conversation_id": bakery.chat, "agent_id": bakery.echo}, {"contact_id": bakery.dana}
    await story.put("happenings", conversation_id=bakery.chat, kind="opted_out", details={}, at=now)
    key = await story.memory_key(bakery.echo)
    await story.database.execute(
        "insert into memories values (%s, %s, %s, %s, 'agent', %s)", [story.organisation_id, bakery.dana, key, Jsonb(CANARY), now]
    )
    await story.put("memory_changes", **contact, key_id=key, new=Jsonb(CANARY), author="agent", at=now)
    merged = await story.contact("Dana", phone="15550009999")
    await story.database.execute("update contacts set merged_into = %s where id = %s", [bakery.dana, merged])
    await story.put("contact_merges", kept_id=bakery.dana, merged_id=merged, reason="", identities={}, merged_at=now)
    generation = {
        "model": "m",
        "prompt_tokens": 1,
        "response_tokens": 1,
        "paid_by": "nobody",
        "duration_ms": 1,
        "created_at": now,
        **place,
        **contact,
    }
    sessions = await story.database.fetch("select id from sessions")
    for turn_id in (turn, None, sessions[0]["id"]):
        await story.put("generations", turn_id=turn_id, position=0, purpose="answer", response={}, **generation)


async def what_the_business_keeps(story, bakery, turn, answer):
    now, contact = story.clock.now(), {"contact_id": bakery.dana}
    await story.put(
        "appointments", action_id=new_id(), calendar="c", start_at=now, end_at=now, **contact, call_key="call", event_id="e", created_at=now
    )
    await story.put("credit_entries", agent_id=bakery.echo, **contact, delta=5, reason="", key="initial", at=now)
    await _without_id(story, "credit_accounts", agent_id=bakery.echo, **contact, balance=5)
    await _without_id(story, "paywall_passes", agent_id=bakery.echo, **contact, paid=True, at=now)
    await _without_id(story, "paywall_reached", agent_id=bakery.echo, **contact, turn_id=turn, at=now)
    await _without_id(story, "usage_days", agent_id=bakery.echo, **contact, day=now)
    await _without_id(story, "suppressions", phone=DANA_PHONE, reason="", at=now)
    campaign = await story.put(
        "campaigns", name="c", state="running", agent_id=bakery.echo, template={}, start_at=now, delay=1, days=[1], start_hour=1, end_hour=2,
        time_zone="UTC", ignore_suppression=False, details={}, duplicates=0, created_at=now, updated_at=now,
    )  # fmt: skip
    recipient = {
        "campaign_id": campaign,
        "position": 0,
        "given": DANA_PHONE,
        "number_id": bakery.number,
        "state": "queued",
        "message_id": answer,
    }
    await _without_id(story, "campaign_recipients", **recipient, **contact, conversation_id=bakery.chat, variables={})


async def _without_id(story, table, **values):
    row = {"organisation_id": story.organisation_id, **values}
    row = {name: Jsonb(value) if isinstance(value, dict) else value for name, value in row.items()}
    await story.database.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join(f'%({name})s' for name in row)})", row)


async def tell_every_column(database):
    """Put the word wherever the schema lets it; the columns that have it now."""
    rows = await database.fetch(
        """select table_name, column_name, data_type from information_schema.columns where table_schema = 'public' and table_name = any(%s)
           and data_type in ('text', 'json', 'jsonb') and is_generated = 'NEVER'""",
        [sorted(ROWS_GO | set(EMPTIED))],
    )
    told, nothing = set(), " ".join(HOLDS_NOTHING.values()).split()
    for table, column, kind in (tuple(row.values()) for row in rows):
        if (table, column) in NAMES or f"{table}.{column}" in nothing:
            continue
        try:
            word = f"'\"{CANARY}\"'::{kind}" if kind != "text" else f"'{CANARY}'"
            if await database.execute(f"update {table} set {column} = {word}"):
                told.add((table, column))
        except (psycopg.errors.CheckViolation, psycopg.errors.UniqueViolation):
            pass  # one of fixed words, or one of several rows
    return told


@pytest.fixture
async def dana(story, bakery):
    await one_row_of_everything(story, bakery)
    told = await tell_every_column(story.database)
    assert len(told) > 60
    for table in ROWS_GO | set(EMPTIED):
        assert await story.database.fetch(f"select 1 from {table}"), f"nothing of Dana is in {table}"
    return bakery.dana


WORDS = (CANARY, DANA_PHONE, "15550009999", DANA_BSUID)


async def test_no_column_keeps_a_word_of_the_person(lumen, services, story, dana):
    before = await found(services.db.fetch, *WORDS)
    assert {"messages", "contacts", "credit_entries", "campaign_recipients", "generations"} <= before
    asked = await lumen.post(f"/contacts/{dana}/erase/")
    assert asked.status == 202
    assert await found(services.db.fetch, *WORDS) == set()
    assert await found(services.db.fetch, str(dana)) == {"erasures"}
    books = await services.db.fetch(
        "select (select sum(delta) from credit_entries) as credits, (select count(*) from generations) as generations"
    )
    assert books == [{"credits": 5, "generations": 3}]
    await erasing_rest.finish(services, lumen.organisation_id, (await services.db.fetch("select id from erasures"))[0]["id"], last=True)
    report = await lumen.get(f"/erasures/{asked['id']}/")
    assert report["finishedAt"]
    assert report["erased"] == asked["erased"]


async def test_a_table_that_is_left_out_is_seen(lumen, services, dana):
    """The control: an erasure that forgets one of its parts, for each of them, and the search that finds the word or the id there."""
    unseen = set()
    for part in queries.PARTS:
        parts = {name: text for name, text in queries.PARTS.items() if name != part}
        async with services.db.transaction() as connection:

            async def fetch(query, params=None, connection=connection):
                return await (await connection.execute(query, params)).fetchall()

            await connection.execute("set local session_replication_role = replica")  # references between tables would see it as well
            scope = {"organisation_id": lumen.organisation_id, "contact_id": dana}
            contacts = [row["id"] for row in await fetch(queries.FAMILY, scope)]
            held = await erasing._hold(connection, {**scope, "contacts": contacts})
            who = (connection, services.vault, lumen.organisation_id, contacts, held["conversations"], services.clock.now())
            traces = await erasing._traces(*who)
            await connection.execute(queries.erase(parts), {**scope, **await erasing._places(connection, scope, traces)})
            if not await found(fetch, *WORDS, *map(str, contacts), *map(str, held["conversations"])):
                unseen.add(part)
            raise psycopg.Rollback
    assert unseen == set()
