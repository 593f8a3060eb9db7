"""Calendars that fail: what is told is one plain sentence of ours, nothing is booked twice, and no secret is said."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web
from calendars import ANNA
from psycopg.types.json import Jsonb
from tests.agents.actions.office import TUESDAY, at, office_of
from tests.agents.one_turn import bakery_on

from dragoman.agents import integrations

SECRETS = ("client-secret-of-lumen", "refresh-token", "access-token", "words of somebody else")
UNSURE = "Nobody knows whether it is booked."
ONCE = [(ANNA, at(TUESDAY), at("2026-12-01T10:30"))]


@pytest.fixture(params=["google", "outlook"])
async def office(request, database, clock, tmp_path):
    async with office_of(request.param, database, clock, tmp_path) as office:
        yield office


def look_end(office):
    return {"google": "/freeBusy", "outlook": "/getSchedule"}[office.calendars.kind]


def told(result):
    """What went wrong, in both texts, without a word or a secret of somebody else."""
    assert result.error in result.text
    assert result.error
    assert not result.outside
    assert not any(secret in result.text for secret in SECRETS)
    return result.error


async def test_one_sign_in_serves_until_shortly_before_it_ends(office, clock):
    for start in ("2026-12-01T10:00", "2026-12-01T11:00"):
        await office.book(start)
    assert len(office.calendars.sign_ins) == 1
    clock.advance(timedelta(seconds=3500))
    assert (await office.look()).error == ""
    assert len(office.calendars.sign_ins) == 1
    clock.advance(timedelta(seconds=60))
    assert (await office.look()).error == ""
    assert len(office.calendars.sign_ins) == 2


async def test_what_signs_in(office):
    await office.look()
    [form] = office.calendars.sign_ins
    assert form["refresh_token"] == "refresh-token-1"
    assert form.get("scope") == {"google": None, "outlook": "offline_access Calendars.ReadWrite"}[office.calendars.kind]


async def test_an_access_token_that_ended_early_is_renewed_once(office):
    await office.look()
    office.calendars.tokens.clear()
    assert (await office.book()).error == ""
    assert len(office.calendars.sign_ins) == 2
    assert office.calendars.booked == ONCE


async def test_a_refresh_token_that_came_in_place_of_the_old_one_is_kept(database, clock, tmp_path):
    async with office_of("outlook", database, clock, tmp_path) as office:
        await office.look()
        kept = await integrations.find(office.lumen.kit, office.lumen.organisation_id, "outlook")
        assert kept.config.refresh_token == "refresh-token-2"
        clock.advance(timedelta(hours=2))
        assert (await office.look()).error == ""
        assert office.calendars.sign_ins[1]["refresh_token"] == "refresh-token-2"


async def test_many_at_once_sign_in_once(office):
    assert {result.error for result in await asyncio.gather(*(office.look() for _ in range(8)))} == {""}
    assert len(office.calendars.sign_ins) == 1


async def test_a_refresh_token_that_another_process_has_changed_meanwhile(office):
    """It is read anew, also by a turn that began before."""
    account = await integrations.find(office.lumen.kit, office.lumen.organisation_id, office.calendars.kind)
    office.calendars.refresh_token = "changed elsewhere"

    async def elsewhere():
        await integrations.renew(office.lumen.kit, account, "changed elsewhere")

    office.calendars.meanwhile = elsewhere
    assert (await office.look()).error == ""
    assert [form["refresh_token"] for form in office.calendars.sign_ins] == ["refresh-token-1", "changed elsewhere"]


async def test_a_sign_in_that_was_withdrawn(office):
    office.calendars.refresh_token = "another one"
    assert "has to connect it again" in told(await office.book())
    assert "has to connect it again" in told(await office.look())


async def test_a_token_that_is_refused_again_and_again(office):
    office.calendars.faults[look_end(office)] = [401, 401]
    assert "has to connect it again" in told(await office.look())
    assert len(office.calendars.sign_ins) == 2


@pytest.mark.parametrize("fault", [500, 503, "drop", 403, 404, 429, 302])
async def test_a_calendar_that_does_not_say_what_is_free(office, fault):
    office.calendars.faults[look_end(office)] = [fault, fault]
    name = {"google": "Google Calendar", "outlook": "Outlook"}[office.calendars.kind]
    assert name in told(await office.look())
    assert name in told(await office.book())
    assert office.calendars.booked == []
    assert await office.rows() == []
    assert (await office.book()).error == ""


async def test_a_calendar_that_is_not_there(office):
    await office.configure(email="nobody@lumen.example")
    office.calendars.busy["nobody@lumen.example"] = []
    assert (await office.look()).error == ""
    if office.calendars.kind == "google":
        del office.calendars.busy["nobody@lumen.example"]
        assert "check its address" in told(await office.look())


@pytest.mark.parametrize("fault", [403, 404, 429, 400, 302])
async def test_an_event_that_is_refused_gives_its_time_back(office, fault):
    office.calendars.faults["/events"] = [fault]
    assert UNSURE not in told(await office.book())
    assert await office.rows() == []
    assert (await office.book()).error == ""
    assert office.calendars.booked == ONCE


@pytest.mark.parametrize("fault", ["drop", "late", 500, 503])
async def test_an_event_that_nobody_answered_to_is_sent_again_and_is_there_once(office, fault):
    office.calendars.faults["/events"] = [fault]
    assert (await office.book()).text.startswith("Booked: Tuesday")
    assert office.calendars.booked == ONCE
    [row] = await office.rows()
    assert row["event_id"]


async def test_when_nobody_knows_it_is_said_and_the_time_is_not_given_away_meanwhile(office):
    office.calendars.faults["/events"] = ["drop", "drop"]
    assert UNSURE in told(await office.book())
    zoe = await office.visit()
    assert "10:30" in told(await office.book(run=zoe))
    assert office.calendars.booked == []


async def test_answers_that_are_no_calendars(office):
    for answer in (
        [],
        "x",
        None,
        {"calendars": {ANNA: {"busy": [{"start": "soon"}]}}},
        {"value": [{"scheduleId": ANNA, "scheduleItems": [{}]}]},
    ):
        office.calendars._answer = scripted(answer)
        told(await office.look())
        told(await office.book())
    assert await office.rows() == []


def scripted(answer):
    async def answered(*_):
        return web.json_response(answer)

    return answered


async def test_a_sign_in_that_answers_nonsense(office):
    for token in (None, "", 7, "two\nlines"):
        office.calendars._renewed = lambda token=token: {"access_token": token}
        assert "did not answer to the sign-in" in told(await office.look())


async def test_a_server_that_is_not_there(office):
    await move(office, base_url="http://127.0.0.1:9/api")
    assert "did not answer" in told(await office.look())
    await move(office, base_url="http://10.0.0.1/api")
    assert "was not asked" in told(await office.book())


async def move(office, **addresses):
    await office.lumen.kit.db.execute("update integrations set config = config || %s", [Jsonb(addresses)])


async def test_a_business_without_the_account(office):
    await office.lumen.kit.db.execute("delete from integrations")
    assert "not connected" in told(await office.look())
    assert "not connected" in told(await office.book())


async def test_the_account_of_another_business_is_never_used(office):
    rival = await bakery_on(office.lumen.kit, "Rival")
    office.lumen = rival
    assert "not connected" in told(await office.book())
    assert office.calendars.asked == []


async def test_of_two_accounts_the_oldest_serves_unless_one_is_named(office):
    kit, organisation_id, kind = office.lumen.kit, office.lumen.organisation_id, office.calendars.kind
    settings = integrations.SCHEMAS[kind].model_validate({**office.calendars.settings, "token_url": "http://127.0.0.1:9/token"})
    second = await integrations.add(kit, organisation_id, kind, "Second", settings)
    assert (await office.look()).error == ""
    await office.configure(user_id=str(second["id"]))
    assert "did not answer" in told(await office.look())
