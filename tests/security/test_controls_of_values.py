"""Values that are pasted into statements, as if nobody had heard of parameters."""

from urllib.parse import urlencode

import pytest
from tests.api.conftest import lumen, rival, services
from tests.api.v2.conftest import api
from tests.security import test_injections as injections
from tests.security.switched import fails
from tests.security.test_injections import dana, dice, settings

from dragoman.store.database import Database

EVERYBODY = "/_customers?" + urlencode({"tag": "x'::text is null) or true --"})


@pytest.fixture
def pasting(monkeypatch):
    """`pasting()`: from now on, texts stand between quotes in the statement itself."""

    def switched():
        for name in ("fetch", "fetch_one", "execute"):
            monkeypatch.setattr(Database, name, careless(getattr(Database, name)))

    return switched


def careless(run):
    async def pasted(self, query, params=None):
        for name, value in (params or {}).items():
            if isinstance(value, str):
                query = query.replace(f"%({name})s", "'" + value.replace("%", "%%") + "'")
        return await run(self, query, params)

    return pasted


async def test_a_filter_that_is_pasted_in_shows_rival_what_is_lumens(pasting, rival, dana):
    assert (await rival.got(EVERYBODY))["data"] == []
    pasting()
    assert [customer["name"] for customer in (await rival.got(EVERYBODY))["data"]] == ["Dana"]


async def test_values_that_are_pasted_in_are_found(pasting, lumen, rival, dana, dice):
    pasting()
    await fails(injections.test_no_filter_takes_a_value_for_anything_else, lumen, rival, dana, dice, because="'tag'")
    await fails(
        injections.test_what_looks_like_sql_is_stored_and_found_as_it_was_written, lumen, dice, because=r"status=500|assert \[\] =="
    )
