"""Every door of /api/v1, tried by Mallory of Rival and by keys that should not open it.

The doors are taken from the app itself: a route that is not in `reach.REACH` fails the first test.
"""

import json
import re
from datetime import timedelta

import pytest
from fastapi.routing import APIRoute
from tests.api.reach import CAST, REACH
from tests.api.story import Story

from dragoman.accounts import keys
from dragoman.api.v1.app import ROUTERS

PARAMETER = re.compile(r"\{(\w+)\}")
ROUTES = [(method, route.path) for router in ROUTERS for route in router.routes if isinstance(route, APIRoute) for method in route.methods]


def test_every_route_is_known_to_this_test():
    assert sorted(ROUTES) == sorted(REACH), "write the row of a new route into tests/api/reach.py"
    assert {name for _, path in ROUTES for name in PARAMETER.findall(path)} <= set(CAST)


@pytest.fixture
async def mine(lumen, services, clock):
    return await cast(lumen, services, clock, "+15550001234", "1")


@pytest.fixture
async def theirs(rival, services, clock):
    return await cast(rival, services, clock, "+15559990000", "2")


async def cast(business, services, clock, number, phone_number_id):
    """One row of everything that has an id in an address."""
    echo = await business.echo(name=f"Echo of {business.organisation_id}")
    await services.db.execute("update agents set webhook_url = 'https://127.0.0.1/hook' where id = %s", [echo["id"]])
    number = await business.add_number(number, phone_number_id=phone_number_id)
    await business.post(f"/phone-numbers/{number.display_number}/connect-agent/", {"agentId": echo["id"]})
    key, _ = await keys.create(services.db, services.vault, clock, business.organisation_id, "Oven")
    story = Story(services.db, clock, business.organisation_id)
    dana = await story.contact(f"Dana of {business.organisation_id}", phone=number.display_number[:-1] + "7")
    chat = await story.conversation(number.id, dana, agent_id=echo["id"])
    await story.hears(chat, f"said to {business.organisation_id}")
    turn_id, delivery = await asked(story, clock, chat, echo)
    memory_key = await story.memory_key(echo["id"])
    tool = await story.api_tool(echo["id"])
    connector = await story.connector()
    native = await story.native(echo["id"], chat, dana, turn_id)
    document = await story.document(echo["id"])
    erasure = await story.erasure()
    ids = (echo["id"], number.display_number, key.prefix, chat, dana, delivery, memory_key, tool, connector, *native, document, erasure)
    return dict(zip(CAST, map(str, ids), strict=True))


async def asked(story, clock, chat, echo):
    """A turn that failed, and the call of the webhook in it."""
    turn_id = await story.put(
        "turns",
        conversation_id=chat,
        agent_id=echo["id"],
        epoch=0,
        from_seq=1,
        through_seq=1,
        state="failed",
        callback_hash=chat.bytes,
        callback_until=clock.now(),
        opened_at=clock.now(),
        closed_at=clock.now(),
    )
    delivery = await story.put(
        "deliveries",
        turn_id=turn_id,
        agent_id=echo["id"],
        conversation_id=chat,
        attempt=1,
        url="https://127.0.0.1/hook",
        started_at=clock.now(),
        duration_ms=1,
        outcome="failed",
    )
    return turn_id, delivery


def request(method, path, ids, *, in_body=None):
    """The route filled in with `ids`; where the body names rows, with `in_body` (default the same)."""
    reach = REACH[method, path]
    body = None if reach.body is None else json.loads(fill(json.dumps(reach.body), in_body or ids))
    return path.format(**ids), fill(reach.query, ids), body


def fill(text, ids):
    for name, value in ids.items():
        text = text.replace(f"{{{name}}}", value)
    return text


ONE_OF_EACH = {"messages": 1, "agents": 1}


async def held_by(services, organisation_id, expect=ONE_OF_EACH):
    """Every row of an organisation, but for what merely counts its own reading; so many of these tables are `expect`ed."""
    tables = await services.db.fetch(
        "select table_name as name from information_schema.columns where column_name = 'organisation_id' and table_schema = 'public'"
    )
    held = {}
    for table in tables:
        rows = await services.db.fetch(
            f"select to_jsonb(t) - 'last_used_at' as row from {table['name']} t where organisation_id = %s order by 1", [organisation_id]
        )
        held[table["name"]] = [row["row"] for row in rows]
    assert {name: len(held[name]) for name in expect} == expect
    return held


async def test_its_own_key_opens_every_door(api, services, clock):
    wrong = []
    for count, (method, path) in enumerate(ROUTES):
        lumen = await api(f"Bakery Lumen {count}")
        ids = await cast(lumen, services, clock, f"+1555000{1000 + count}", str(count))
        address, query, body = request(method, path, ids)
        answer = await lumen.call(method, address + query, body)
        if answer.status != REACH[method, path].status:
            wrong.append((method, path, answer.status, answer.body))
    assert wrong == []


async def test_no_other_key_opens_any_door(lumen, rival, mine, services, clock):
    expired, expired_text = await keys.create(
        services.db, services.vault, clock, lumen.organisation_id, "Old", clock.now() + timedelta(minutes=1)
    )
    revoked, revoked_text = await keys.create(services.db, services.vault, clock, lumen.organisation_id, "Lost")
    await keys.revoke(services.db, clock, lumen.organisation_id, revoked.prefix)
    clock.advance(timedelta(minutes=2))
    before = await held_by(services, lumen.organisation_id)
    wrong = []
    for method, path in ROUTES:
        address, query, body = request(method, path, mine)
        for key in (None, expired_text, revoked_text):
            answer = await lumen.call(method, address + query, body, key=key)
            if answer.status != 401 or set(answer.body) != {"error", "code"}:
                wrong.append((method, path, key, answer))
    assert wrong == []
    assert await held_by(services, lumen.organisation_id) == before
    assert expired.prefix != revoked.prefix


async def test_rival_finds_none_of_lumens_rows_by_any_id(lumen, rival, mine, theirs, services):
    """Each id parameter in turn is Lumen's, the others Rival's own; then each id in a body or filter."""
    before = await held_by(services, lumen.organisation_id)
    wrong = []
    for method, path in ROUTES:
        for name in PARAMETER.findall(path):
            if (method, name) == ("PUT", "provider"):
                continue  # a name that everybody may give to a provider of his own
            address, _, body = request(method, path, theirs | {name: mine[name]}, in_body=theirs)
            answer = await rival.call(method, address, body)
            if answer.status != 404 or leaks(answer, mine, lumen, sent=address):
                wrong.append((method, path, name, answer))
    assert wrong == []
    assert await held_by(services, lumen.organisation_id) == before


async def test_rival_cannot_use_lumens_rows_in_a_body_or_filter(lumen, rival, mine, theirs, services):
    before = await held_by(services, lumen.organisation_id)
    wrong = []
    for method, path in ROUTES:
        for name in PARAMETER.findall(json.dumps(REACH[method, path].body)):
            address, _, body = request(method, path, theirs, in_body=theirs | {name: mine[name]})
            answer = await rival.call(method, address, body)
            if answer.status not in (400, 404) or leaks(answer, mine, lumen, sent=json.dumps(body)):
                wrong.append((method, path, name, answer))
        for name in PARAMETER.findall(REACH[method, path].query):
            address, query, _ = request(method, path, theirs | {name: mine[name]})
            answer = await rival.call(method, request(method, path, theirs)[0] + query)
            if leaks(answer, mine, lumen, sent=address + query):
                wrong.append((method, path, name, answer))
    assert wrong == []
    assert await held_by(services, lumen.organisation_id) == before


async def test_rivals_lists_hold_nothing_of_lumen(lumen, rival, mine, theirs):
    wrong = []
    for method, path in ROUTES:
        if method == "GET" and not PARAMETER.search(path):
            answer = await rival.get(path)
            if answer.status != 200 or leaks(answer, mine, lumen):
                wrong.append((path, answer))
    assert wrong == []


def leaks(answer, ids, business, sent=""):
    """Anything of `business` in the answer that was not in the question."""
    said = json.dumps(answer.body)
    return [value for value in (*ids.values(), str(business.organisation_id), "Bakery Lumen") if value in said and value not in sent]
