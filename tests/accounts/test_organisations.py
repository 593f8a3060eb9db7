"""Bakery Lumen and Rival share one Dragoman."""

import asyncio

import pytest

from dragoman.accounts import organisations
from dragoman.errors import Conflict, Invalid, NotFound


async def test_the_first_start_makes_a_default_organisation_once(database, clock):
    made = await asyncio.gather(*(organisations.default(database, clock) for _ in range(5)))
    assert len(set(made)) == 1
    assert [one.name for one in await organisations.listing(database)] == ["Default"]


async def test_the_default_is_the_oldest(database, clock, lumen, rival):
    assert await organisations.default(database, clock) == lumen


async def test_an_organisation_is_found_by_name_or_id(database, lumen):
    assert await organisations.by_name_or_id(database, "Bakery Lumen") == lumen
    assert await organisations.by_name_or_id(database, str(lumen)) == lumen


@pytest.mark.parametrize("unknown", ["Nobody", "0198c5a2-7c1e-7d4b-9a55-3f0e6b1c2d4e"])
async def test_an_unknown_organisation_is_said_to_be_unknown(database, lumen, unknown):
    with pytest.raises(NotFound):
        await organisations.by_name_or_id(database, unknown)


async def test_a_name_that_two_share_must_be_told_apart(database, clock, lumen):
    await organisations.create(database, clock, "Bakery Lumen")
    with pytest.raises(Conflict, match="by its id"):
        await organisations.by_name_or_id(database, "Bakery Lumen")


async def test_an_organisation_needs_a_name(database, clock):
    with pytest.raises(Invalid):
        await organisations.create(database, clock, " ")
