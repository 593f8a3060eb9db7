"""Whoever asks for whatever with whichever ids: nobody reads or changes what is another business's.

Unlike `tests/api/test_tenancy.py`, which goes from door to door with one foreign id at a time, this draws who asks, which door, and whose id
stands in each place, in the address, in the body and in the filters, and does it again and again to the same three businesses.
"""

import json
import os

import hypothesis
import pytest
from hypothesis import HealthCheck, given, seed
from hypothesis import strategies as st
from tests.api.conftest import api, services, settings
from tests.api.reach import CAST, REACH
from tests.api.test_tenancy import PARAMETER, ROUTES, cast, fill, held_by

NAMES = ("Bakery Lumen", "Rival", "Third")
# What is drawn for one request: who asks, the door, and for each name in it whose row it is.
requests = st.tuples(st.integers(0, 2), st.sampled_from(ROUTES), st.fixed_dictionaries({name: st.integers(0, 2) for name in CAST}))
STEPS = int(os.environ.get("TENANCY_STEPS", "120"))
EVERYBODYS = {"provider"}  # a name that each may give to a provider of his own


def draw(steps):
    """As many requests as there are steps, the same in each run."""
    drawn = []

    @seed(20261127)
    @hypothesis.settings(max_examples=steps, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(requests)
    def take(one):
        drawn.append(one)

    take()
    return drawn


@pytest.fixture
async def three(api, services, clock):
    """Three businesses with one row of everything each."""
    found = []
    for n, name in enumerate(NAMES):
        business = await api(name)
        found.append((business, await cast(business, services, clock, f"+1555000{7000 + 10 * n}", str(n))))
    return found


async def asked(three, who, door, whose):
    """One request; what it answered, and the ids of others that stood in it."""
    method, path = door
    reach = REACH[door]
    ids = {name: three[whose[name]][1][name] for name in CAST}
    address = path.format(**ids) + fill(reach.query, ids)
    body = None if reach.body is None else json.loads(fill(json.dumps(reach.body), ids))
    business, mine = three[who]
    answer = await business.call(method, address, body)
    places = set(PARAMETER.findall(path + json.dumps(reach.body) + reach.query))
    strangers = {name for name in places if ids[name] != mine[name] and name not in EVERYBODYS}
    return answer, address + json.dumps(body), strangers


def betrayed(three, who, answer, sent):
    """What of the others is in an answer and was not in the question."""
    said = json.dumps(answer.body) if isinstance(answer.body, dict | list) else str(answer.body)
    found = []
    for n, (business, ids) in enumerate(three):
        if n != who:
            known = [str(value) for name, value in ids.items()] + [str(business.organisation_id), f"said to {business.organisation_id}"]
            found += [value for value in known if value in said and value not in sent]
    return found


class Books:
    """Every row of each business, read again only where it may have changed."""

    def __init__(self, three, services):
        self._three, self._services, self._rows = three, services, {}

    async def of_others(self, who):
        for n, (business, _) in enumerate(self._three):
            if n != who and n not in self._rows:
                self._rows[n] = await held_by(self._services, business.organisation_id, expect={})
        return {n: rows for n, rows in self._rows.items() if n != who}

    def forget(self, *whose):
        for n in whose:
            self._rows.pop(n, None)


async def breaches(three, services, steps):
    found, books = [], Books(three, services)
    for who, door, whose in draw(steps):
        reads = door[0] == "GET"
        before = None if reads else await books.of_others(who)
        answer, sent, strangers = await asked(three, who, door, whose)
        if told := betrayed(three, who, answer, sent):
            found.append((door, "told", told))
        if not reads:
            if answer.status < 300 and strangers & set(PARAMETER.findall(door[1])):
                found.append((door, "taken", sorted(strangers)))
            books.forget(0, 1, 2)
            if await books.of_others(who) != before:
                found.append((door, "changed", sorted(strangers)))
    return found


async def test_no_request_reads_or_changes_what_is_another_businesss(three, services):
    assert await breaches(three, services, STEPS) == []


async def test_a_door_that_does_not_look_whose_it_is_is_found(three, services):
    """The negative control: everybody is taken for Bakery Lumen."""
    for business, _ in three[1:]:
        business.key = three[0][0].key
    assert await breaches(three, services, 40)
