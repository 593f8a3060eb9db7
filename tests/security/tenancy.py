"""Whoever asks for whatever with whichever ids: nobody reads or changes what is another business's.

Unlike the tenancy tests of the two dialects, which go from door to door with one foreign id at a time, this draws who asks, which door, and whose
id stands in each place, in the address, in the body and in the filters, and does it again and again to the same three businesses.
"""

import json
import os
import re
from typing import Any, NamedTuple

import hypothesis
from hypothesis import HealthCheck, given, seed
from hypothesis import strategies as st
from tests.api.test_tenancy import PARAMETER, fill, held_by

NAMES = ("Bakery Lumen", "Rival", "Third")
STEPS = int(os.environ.get("TENANCY_STEPS", "120"))


class Dialect(NamedTuple):
    """`routes` are (method, path), `reach` says how each is asked, `cast` names the ids. `everybodys`: a name that each may give to a row of his own."""

    routes: list[tuple[str, str]]
    reach: dict[tuple[str, str], Any]
    cast: tuple[str, ...]
    everybodys: frozenset[str] = frozenset()


class Three(NamedTuple):
    """Three businesses with one row of everything each: (business, its ids)."""

    dialect: Dialect
    of: list[tuple[Any, dict[str, str]]]


def draw(dialect, steps):
    """As many requests as there are steps, the same in each run: who asks, the door, and for each name in it whose row it is."""
    drawn = []
    whose = st.fixed_dictionaries({name: st.integers(0, 2) for name in dialect.cast})

    @seed(20261127)
    @hypothesis.settings(max_examples=steps, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.tuples(st.integers(0, 2), st.sampled_from(dialect.routes), whose))
    def take(one):
        drawn.append(one)

    take()
    return drawn


async def asked(three, who, door, whose):
    """One request; what it answered, what was in it, and whose of its ids were others'."""
    method, path = door
    reach = three.dialect.reach[door]
    ids = {name: three.of[whose[name]][1][name] for name in three.dialect.cast}
    address = path.format(**ids) + fill(reach.query, ids)
    body = None if reach.body is None else json.loads(fill(json.dumps(reach.body), ids))
    business, mine = three.of[who]
    answer = await business.call(method, address, body)
    places = set(PARAMETER.findall(path + json.dumps(reach.body) + reach.query))
    strangers = {name for name in places if ids[name] != mine[name] and name not in three.dialect.everybodys}
    return answer, address + json.dumps(body), strangers


def betrayed(three, who, answer, sent):
    """What of the others is in an answer, as a whole word, and was not in the question."""
    said = json.dumps(answer.body) if isinstance(answer.body, dict | list) else str(answer.body)
    found = []
    for n, (business, ids) in enumerate(three.of):
        if n != who:
            known = [str(value) for value in ids.values()] + [str(business.organisation_id), f"said to {business.organisation_id}"]
            found += [value for value in known if value not in sent and re.search(rf"(?<![\w.]){re.escape(value)}(?!\w)", said)]
    return found


class Books:
    """Every row of each business, read again only where it may have changed."""

    def __init__(self, three, services):
        self._three, self._services, self._rows = three, services, {}

    async def of_others(self, who):
        for n, (business, _) in enumerate(self._three.of):
            if n != who and n not in self._rows:
                rows = await held_by(self._services, business.organisation_id, expect={})
                self._rows[n] = {name: held for name, held in rows.items() if name != "rate_windows"}
        return {n: rows for n, rows in self._rows.items() if n != who}

    def forget(self, *whose):
        for n in whose:
            self._rows.pop(n, None)


async def breaches(three, services, steps=STEPS):
    """Every door that told, took or changed what is another's: (door, what, which)."""
    found, books = [], Books(three, services)
    for who, door, whose in draw(three.dialect, steps):
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
