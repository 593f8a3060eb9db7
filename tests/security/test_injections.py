"""Every filter of both dialects, asked with pieces of SQL: each is a value, whatever it looks like."""

import itertools
import random
from urllib.parse import quote, urlencode

import pytest
from tests.api.conftest import PUBLIC_URL, lumen, rival, services
from tests.api.v2.conftest import api

from dragoman.ids import new_id
from dragoman.settings import Settings

OPENINGS = ("'", "x'", "')", "'))", "x'::text", "x'::text)", '"', "\\'", "''", "$$", "%27", "ʼ", "1", "null", "{}", "%(tag)s")
MIDDLES = (
    " or true",
    " or 'a'='a",
    " is null) or true",
    "; drop table contacts",
    " union select name from contacts",
    " || (select name from contacts limit 1)",
    "::int",
)
ENDS = ("--", "", " /*", ") --", ";")
ALL = ["".join(parts) for parts in itertools.product(OPENINGS, MIDDLES, ENDS)]
EACH = 30  # of them for each filter
IN_A_NAME = 40


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path, public_url=PUBLIC_URL, api_rate_limit=1_000_000, graph_url="http://127.0.0.1:1")


@pytest.fixture
def dice():
    return random.Random(8)


@pytest.fixture
async def dana(lumen):
    """Lumen's, and nobody else's business."""
    return (await lumen.made("/_customers", {"phone": "+15550007890", "name": "Dana", "tags": ["regular"]}))["id"]


async def filters(caller, prefix):
    """Each filter of each list and each id in an address: the address below the dialect, its name, and its place there."""
    document = (await caller.get("/openapi.json")).body
    for path, item in document["paths"].items():
        if "get" not in item or path.endswith("openapi.json"):
            continue
        below = path.removeprefix(prefix)
        parameters = [one for one in [*item.get("parameters", []), *item["get"].get("parameters", [])] if one["in"] in ("query", "path")]
        for parameter in parameters:
            yield below, parameter["name"], parameter["in"]


def asked(path, name, place, value):
    """The address with this value in it; other ids are of nothing."""
    if place == "path":
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    while "{" in path:
        path = path[: path.index("{")] + str(new_id()) + path[path.index("}") + 1 :]
    return path + "?" + urlencode({name: value}) if place == "query" else path


async def test_no_filter_takes_a_value_for_anything_else(lumen, rival, dana, dice):
    tried = 0
    for caller, prefix in ((rival, "/v2"), (rival.first, "/api/v1")):
        async for path, name, place in filters(caller, prefix):
            for value in dice.sample(ALL, EACH if place == "query" else EACH // 8):
                answer = await caller.get(asked(path, name, place, value))
                assert answer.status < 500, (path, name, value, answer)
                assert "Dana" not in str(answer.body), (path, name, value)
                tried += 1
    assert tried > 1500
    assert (await lumen.got(f"/_customers/{dana}"))["name"] == "Dana"


async def test_what_looks_like_sql_is_stored_and_found_as_it_was_written(lumen, dice):
    for n, value in enumerate(dice.sample(ALL, IN_A_NAME)):
        await lumen.made("/_customers", {"phone": f"+1555000{n:04}", "name": value, "tags": [value]})
        found = (await lumen.got("/_customers?" + urlencode({"tag": value})))["data"]
        assert [(customer["name"], customer["tags"]) for customer in found] == [(value, [value])]
