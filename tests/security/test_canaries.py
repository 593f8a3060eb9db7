"""No secret and nothing of what people said is where it does not belong: a whole life, then everything that came of it is searched (S-F01, S-F05)."""

import asyncio
from datetime import timedelta

from native import SECRET_KEY
from tests.api.test_tenancy import ROUTES as FIRST
from tests.api.v2.test_tenancy import ROUTES as SECOND
from tests.project.test_logs import shown
from tests.security import life
from tests.security.life import PERSONAL, dump, lives, told

from dragoman.accounts import tokens
from dragoman.accounts.secrets import Vault
from dragoman.clock import Clock

LISTS = [f"/api/v1{path}" for method, path in FIRST if method == "GET" and "{" not in path]
LISTS += [f"/v2{path}" for method, path in SECOND if method == "GET" and "{" not in path and "suppressions" not in path]
# Where a secret is shown, once, to whom it belongs.
SHOWN_ONCE = {"an agent's signing secret": "/agents/byoa/", "a member's token": "/v2/_login"}
# The columns in which people's own words, names and numbers are kept. They are in no other.
HOMES = {
    "messages.content": "what was said",
    "messages.raw": "the same, as WhatsApp wrote it",
    "kept_events.raw": "what could not be read, until somebody looks at it",
    "contacts.profile_name": "who it was",
    "contacts.given_name": "",
    "contacts.name": "",
    "contacts.phone": "",
    "contact_identities.value": "",
    "messages.wamid": "WhatsApp's own ids, which hold a number, written in base64",
    "statuses.wamid": "",
    "conversations.last_inbound_wamid": "",
    "memories.value": "what was remembered",
    "memory_changes.new": "",
    "tool_calls.args": "what a tool was asked",
    "generations.response": "what a model answered",
    "deliveries.response_head": "the beginning of what an agent answered when that was no answer",
    "deliveries.url": "an agent's address, which is not sealed",
    "agents.webhook_url": "",
    "passages.text": "what an agent knows",
}


def found(canaries, texts):
    """(which canary, where) of everything that is somewhere."""
    return {(what, where) for where, text in texts for what, canary in canaries.items() if seen(canary, text)}


def seen(canary, text):
    return shown(canary, text) or canary.encode().hex() in text


async def rows_of(world):
    return [(where, text) async for where, text in dump(world)]


def answers(world, who, *, wrong=False):
    return [
        (f"{one.what} {one.status}", one.headers + one.text)
        for one in world.nets.caught
        if one.who == who and (one.status >= 400 or not wrong)
    ]


async def everything(world):
    """What was found where it must not be, by place."""
    await asyncio.to_thread(world.program.terminate)
    log, database = [("the log", world.program.log.read_text())], await rows_of(world)
    both = world.secrets | PERSONAL
    kept = [one for one in answers(world, "Lumen") if "/metrics" not in one[0]]
    return {
        "the log": found(both, log),
        "the database": found(world.secrets, database),
        "other columns": {(what, where) for what, where in found(PERSONAL, database) if where not in HOMES},
        "the metrics": found(both, [one for one in answers(world, "Lumen") if "/metrics" in one[0]]),
        "what Rival heard": found(both, answers(world, "Rival")),
        "what Lumen heard": {(what, where) for what, where in found(world.secrets, kept) if SHOWN_ONCE.get(what, "-") not in where},
        "what the model heard": found(
            {k: v for k, v in world.secrets.items() if k != "a provider's key"}, [("the prompt", told(world.model))]
        ),
    }


def for_other_pages(world):
    """The answers that a page from elsewhere may read, or that leave a browser a credential which it brings along by itself."""
    return [one.what for one in world.nets.caught if "access-control" in one.headers.lower() or "set-cookie" in one.headers.lower()]


def token(business):
    return tokens.create(Vault(SECRET_KEY), Clock(), business.organisation_id, "look", timedelta(days=1)).text


async def test_no_canary_is_where_it_does_not_belong(database_uri, tmp_path):
    async with lives(database_uri, tmp_path) as world:
        for act in (life.native, life.byoa, life.second_dialect, life.strangers, life.breakdown):
            await act(world)
        for business in (world.lumen, world.rival):
            await life.looks(world, business, token(business), [*LISTS, "/metrics"] if business is world.lumen else LISTS)
        world_heard = {where for _, where in found(PERSONAL, await rows_of(world))}
        assert {place: what for place, what in (await everything(world)).items() if what} == {}
        assert world_heard >= {"messages.content", "contacts.phone", "memories.value"}, "the canaries were there to be found"
        assert any(one.status == 500 for one in world.nets.caught)
        assert for_other_pages(world) == []


async def test_leaks_are_found(database_uri, tmp_path):
    """The negative control: a server with four leaks, and a short life."""
    async with lives(database_uri, tmp_path, leaky=True) as world:
        world.dana = await life.Phone.of(world.lumen, name=life.NAME, phone=f"+{life.PHONE}")
        await world.lumen.call("PUT", "/model-providers/lab/", {"baseUrl": world.model.url, "apiKey": world.model.key})
        await life.byoa(world)
        world.secrets["a member's token"] = token(world.rival)
        await life.strangers(world)
        leaks = await everything(world)
        assert {place for place in ("the database", "the log", "what Rival heard") if not leaks[place]} == set()
        assert for_other_pages(world)
