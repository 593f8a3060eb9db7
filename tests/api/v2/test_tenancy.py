"""Every door of /v2, tried by Mallory of Rival and by tokens that should not open it.

The doors are taken from the app itself: a route that is not in `reach.REACH` fails the first test.
"""

import json
import re

import pytest
from fastapi.routing import APIRoute
from tests.api.test_tenancy import held_by
from tests.api.v2.reach import CAMPAIGN, CAST, REACH

from dragoman.api.v2.app import ROUTERS

PARAMETER = re.compile(r"\{(\w+)\}")
ROUTES = [(method, route.path) for router in ROUTERS for route in router.routes if isinstance(route, APIRoute) for method in route.methods]
GENERATION = """
insert into generations (organisation_id, id, agent_id, position, purpose, model, prompt_tokens, response_tokens, paid_by, duration_ms, created_at)
select organisation_id, gen_random_uuid(), id, 0, 'answer', 'lab/small', 1, 1, 'nobody', 1, now() from agents where organisation_id = %s
"""


def test_every_route_is_known_to_this_test():
    assert sorted(ROUTES) == sorted(REACH), "write the row of a new route into tests/api/v2/reach.py"
    assert {name for _, path in ROUTES for name in PARAMETER.findall(path)} <= set(CAST)


@pytest.fixture
async def mine(lumen):
    return await cast(lumen, 1)


@pytest.fixture
async def theirs(rival):
    return await cast(rival, 2)


async def cast(business, n):
    """One row of everything that has an id."""
    phone_number = f"65017517{n:07}"
    await business.add_number(f"+1281712{n:04}", phone_number_id=phone_number)
    kb = (await business.made("/_knowledge_base", {"name": "Menu"}))["id"]
    await business.got(f"/_knowledge_base/{kb}", "PUT", {"faqs": ["Q: Rye?|A: Yes."]})
    [document] = (await business.got(f"/_knowledge_base/{kb}/documents"))["data"]
    action = (await business.made("/_actions", {"name": "Status", **REACH["POST", "/_actions"].body}))["action_id"]
    assistant = await business.assistant(phone_number)
    await business.services.db.execute(GENERATION, [business.organisation_id])
    customer = (await business.made("/_customers", {"phone": f"+1555000{4000 + n}", "name": f"Dana of {business.organisation_id}"}))["id"]
    key = (await business.made("/_api_keys", {"name": "Oven"}))["id"]
    integration = (await business.made("/_integrations", REACH["POST", "/_integrations"].body))["id"]
    phone = f"1555000{6000 + n}"
    await business.made("/_campaigns/suppressions", {"phones": [phone]})
    new = json.loads(fill(json.dumps(CAMPAIGN), {"assistant_id": assistant, "phone_number": phone_number}))
    campaign = (await business.made("/_campaign/create_with_touchpoint", new))["id"]
    ids = (assistant, action, kb, document["id"], customer, key, integration, phone_number, campaign, phone)
    return dict(zip(CAST, ids, strict=True))


def fill(text, ids):
    for name, value in ids.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def request(method, path, ids, *, others=None):
    """The route filled in with `ids`; where body and query name rows, with `others` (default the same)."""
    reach = REACH[method, path]
    body = None if reach.body is None else json.loads(fill(json.dumps(reach.body), others or ids))
    return path.format(**ids) + fill(reach.query, others or ids), body


def leaks(answer, ids, business, sent=""):
    """Anything of `business` in the answer that was not in the question; as a whole word, because some ids are short numbers."""
    said = json.dumps(answer.body)
    known = (*ids.values(), str(business.organisation_id))
    return [value for value in known if re.search(rf"(?<![\w.]){re.escape(value)}(?!\w)", said) and value not in sent]


async def state(business):
    tables = await held_by(business.services, business.organisation_id, expect={})
    return {name: rows for name, rows in tables.items() if name != "rate_windows"}


async def test_its_own_token_opens_every_door(api):
    """What only reads is tried on one business; each of the others on one of its own, because it changes what there is."""
    wrong, shared = [], None
    for count, (method, path) in enumerate(ROUTES):
        if method != "GET" or shared is None:
            lumen = await api(f"Bakery Lumen {count}")
            ids = await cast(lumen, count)
        if method == "GET":
            lumen, ids = shared = shared or (lumen, ids)
        address, body = request(method, path, ids)
        answer = await lumen.call(method, address, body)
        if answer.status != REACH[method, path].status or not {"ctx_id"} < set(answer.body):
            wrong.append((method, path, answer.status, answer.body))
    assert wrong == []


async def test_no_other_token_opens_any_door(lumen, mine):
    before = await state(lumen)
    few = (await lumen.made("/_api_keys", {"name": "Few", "permissions": ["whatsapp:send"]}))["api_key"]
    before = await state(lumen)
    wrong = []
    for method, path in ROUTES:
        address, body = request(method, path, mine)
        for token, status in ((None, 401), ("x.y.z", 401), (few, 403)):
            answer = await lumen.call(method, address, body, token=token)
            if answer.status != status or set(answer.body) != {"ctx_id", "message", "errors"}:
                wrong.append((method, path, token, answer))
    assert wrong == []
    assert await state(lumen) == before


async def test_rival_finds_none_of_lumens_rows_by_any_id(lumen, rival, mine, theirs):
    before = await state(lumen)
    wrong = []
    for method, path in ROUTES:
        for name in PARAMETER.findall(path):
            address, body = request(method, path, theirs | {name: mine[name]}, others=theirs)
            answer = await rival.call(method, address, body)
            if answer.status != 404 or leaks(answer, mine, lumen, sent=address):
                wrong.append((method, path, name, answer))
    assert wrong == []
    assert await state(lumen) == before


async def test_rival_cannot_use_lumens_rows_in_a_body_or_filter(lumen, rival, mine, theirs):
    before = await state(lumen)
    wrong = []
    for method, path in ROUTES:
        reach = REACH[method, path]
        for name in PARAMETER.findall(json.dumps(reach.body) + reach.query):
            if path == "/_call":
                continue  # nothing is looked up: calls are not served
            address, body = request(method, path, theirs, others=theirs | {name: mine[name]})
            answer = await rival.call(method, address, body)
            if answer.status not in (400, 404) or leaks(answer, mine, lumen, sent=json.dumps(body) + address):
                wrong.append((method, path, name, answer))
    assert wrong == []
    assert await state(lumen) == before


async def test_rivals_lists_hold_nothing_of_lumen(lumen, rival, mine, theirs):
    wrong = []
    for method, path in ROUTES:
        if method == "GET" and not PARAMETER.search(path) and path != "/_calls":
            answer = await rival.get(path)
            if answer.status != 200 or leaks(answer, mine, lumen):
                wrong.append((path, answer))
    assert wrong == []
