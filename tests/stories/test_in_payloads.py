"""In: every shape of webhook that we know, through the door: 200, and each element of it is in the store, whole."""

import json
import re
from collections import Counter
from datetime import UTC, datetime

import pytest
from cast import NUMBER, until
from meta import Meta, everything
from payloads import NAMES, body_of, parts_of

from dragoman.whatsapp.events import Echo, Kept, Message, Preference, Status, parse

WRITTEN = int(datetime(2026, 11, 7, 12, 0, tzinfo=UTC).timestamp())
TABLES = {Message: "messages", Echo: "messages", Status: "statuses", Preference: "kept_events", Kept: "kept_events"}


def place(event):
    """The table in which an event of the payloads belongs; one of them is for a number that is not connected."""
    return TABLES[type(event) if event.phone_number_id == NUMBER else Kept]


def of_today(lumen, name):
    """The payload as if it had been written an hour ago, with every time in it: older ones would be taken for replays."""
    later = int(lumen.services.clock.timestamp()) - 3600 - WRITTEN
    return re.sub(rb"\b1794[0-9]{6}\b", lambda found: str(int(found[0]) + later).encode(), body_of(name))


async def test_every_payload_is_taken_and_each_element_of_it_is_kept_whole(lumen):
    meta = Meta.of(lumen)
    for name in NAMES:
        body = of_today(lumen, name)
        assert await meta.posts(body) == 200, name
        parts = list(parts_of(json.loads(body)))
        rows = {table: n for table, n in (await everything(lumen)).items() if table in TABLES.values()}
        assert sum(rows.values()) == len(parts), name
        assert rows == Counter(map(place, parse(body))), name
        assert [part for part in parts if not await found(lumen, part)] == [], name
        await cleared(lumen)


async def found(lumen, part):
    """Is this element in the store, as it came? Of a status the things it says are, each in its column."""
    text = json.dumps(part)
    if isinstance(part, dict) and isinstance(part.get("status"), str):
        query = "select 1 from statuses where wamid = %(wamid)s and status = %(status)s"
        if await lumen.rows(query, wamid=str(part.get("id")), status=part["status"].lower()):
            return True
    query = "select 1 from messages where raw = %(raw)s::jsonb union all select 1 from kept_events where raw::jsonb = %(raw)s::jsonb"
    return bool(await lumen.rows(query, raw=text))


async def cleared(lumen):
    async def idle():  # the worker would fetch the files that the payloads name
        await lumen.services.db.execute("update conversations set media_at = null where media_at is not null")
        return not await lumen.rows("select 1 from conversations where media_at is not null or lease_until is not null")

    await until(idle, "no conversation is worked on")
    tables = "messages, statuses, kept_events, media, turns, transfers, conversations, contacts, contact_identities, contact_merges"
    await lumen.services.db.execute(f"truncate {tables} cascade")


async def test_every_payload_may_come_again(lumen):
    """After each other and all at once, in the world that the first round has left behind."""
    meta, bodies = Meta.of(lumen), [of_today(lumen, name) for name in NAMES]
    for body in bodies:
        assert await meta.posts(body) == 200
    before = await everything(lumen)
    assert set(await meta.posts_all(*bodies)) == {200}
    after = await everything(lumen)
    del before["kept_events"], after["kept_events"]  # what is not understood has no id by which to know it again
    assert after == before


async def test_all_payloads_in_one_body(lumen):
    """The same ids are in several of them; what is stored is what the last test but one has stored apart."""
    entries = [entry for name in NAMES for entry in json.loads(of_today(lumen, name))["entry"]]
    body = json.dumps({"object": "whatsapp_business_account", "entry": entries}).encode()
    assert await Meta.of(lumen).posts(body) == 200
    events = parse(body)
    ids = {table: {e.wamid for e in events if place(e) == table} for table in ("messages", "statuses")}
    stored = {table: {row["wamid"] for row in await lumen.rows(f"select wamid from {table}")} for table in ids}
    assert stored == ids
    assert (await everything(lumen))["kept_events"] == sum(place(e) == "kept_events" for e in events)


SHAPES = {
    "nothing": b"",
    "not JSON": b"{",
    "not UTF-8": b'{"entry": "\xff\xfe"}',
    "NUL": b'{"entry": [{"id": "1", "changes": [{"field": "x\\u0000", "value": {"a": "\\u0000"}}]}]}',
    "no object": b"[]",
    "only a word": b'"entry"',
    "numbers beyond every type": b'{"entry": [{"id": 1e999, "changes": [{"field": "messages", "value": {"messages": [1e400]}}]}]}',
    "deep": b'{"entry":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "not about WhatsApp": b'{"object": "page", "entry": [{"id": "1"}]}',
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_body_that_says_nothing_we_know_is_kept(lumen, shape):
    assert await Meta.of(lumen).posts(SHAPES[shape]) == 200
    assert await everything(lumen) == {"kept_events": 1}


HOSTILE = "\\u0000 \\ud800 \\udfff"


async def test_text_that_postgresql_cannot_hold_is_stored_as_near_as_it_can(lumen):
    """NUL and halves of surrogate pairs, in everything that a customer can fill in."""
    message = {
        "from": "15550007890",
        "from_user_id": f"US.{HOSTILE}",
        "id": f"wamid.{HOSTILE}",
        "timestamp": str(int(lumen.services.clock.timestamp())),
    }
    more = {
        "type": "document",
        "document": {"id": f"1{HOSTILE}", "caption": HOSTILE, "filename": HOSTILE, "mime_type": HOSTILE, "sha256": HOSTILE},
    }
    profile = {"profile": {"name": f"Dana {HOSTILE}", "username": f"d{HOSTILE}"}, "wa_id": "15550007890", "user_id": f"US.{HOSTILE}"}
    referral = {"referral": {HOSTILE: HOSTILE}, "context": {"from": HOSTILE, "id": HOSTILE}}
    value = {"metadata": {"phone_number_id": "106540000000001"}, "contacts": [profile], "messages": [message | more | referral]}
    body = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}
    assert await Meta.of(lumen).posts(json.dumps(body).replace("\\\\u", "\\u").encode()) == 200
    [row] = await lumen.rows("select content ->> 'text' as text, wamid from messages")
    assert row == {"text": "\ufffd \ufffd \ufffd", "wamid": "wamid.\ufffd \ufffd \ufffd"}


async def test_what_is_older_than_eight_days_is_a_replay(lumen):
    """Meta tries for seven days. A signature has no time in it: who once saw a signed body could post it years later."""
    body = of_today(lumen, "text")
    await lumen.skip(hours=8 * 24 - 2)
    assert await Meta.of(lumen).posts(body) == 200
    assert (await everything(lumen))["messages"] == 1
    await cleared(lumen)
    await lumen.skip(hours=2)
    assert await Meta.of(lumen).posts(body) == 200
    assert await everything(lumen) == {"kept_events": 1}
    [kept] = await lumen.rows("select reason, organisation_id from kept_events")
    assert kept == {"reason": "older than 8 days", "organisation_id": lumen.organisation_id}
