"""What is configured of an appointment: both forms of the body, the defaults, and what is wrong said with its whole path."""

from zoneinfo import ZoneInfo

import pytest
from calendars import ANNA, BEN
from fastapi.exceptions import RequestValidationError
from tests.agents.one_turn import bakery_on, services_on

from dragoman.agents import integrations
from dragoman.agents.actions.appointment.schema import Appointment, check
from dragoman.api.v2.errors import place
from dragoman.api.v2.models import fitted
from dragoman.errors import Invalid

LEAST = {"email": ANNA, "type": "google"}
NOBODY = "018f4e2e-0000-7000-8000-000000000000"


def read(**block):
    return fitted(Appointment, {"webhook": {**LEAST, **block}}).webhook


def test_the_least_that_is_sent_is_office_hours_in_utc():
    block = read()
    assert block.week.zone == ZoneInfo("UTC")
    assert block.week.hours == dict.fromkeys(range(5), (540, 1020))
    assert (block.duration, block.days_ahead, block.buffer_time, block.mandatory, block.user_id) == (30, 14, 0, False, None)
    assert block.calendars == [ANNA]


def test_the_older_list_with_one_object_is_the_same():
    listed = fitted(Appointment, {"webhook": [LEAST]})
    assert listed == fitted(Appointment, {"webhook": LEAST})
    assert listed.model_dump(mode="json", exclude_unset=True) == {"webhook": LEAST}


def test_kinds_and_days_are_read_in_any_spelling_and_null_is_left_out():
    block = read(type="Google", timezone=None, booking_timings={"Monday": {"start_time": "08:00", "end_time": "24:00"}, "TUESDAY": None})
    assert (block.type, block.timezone, block.week.hours) == ("google", "UTC", {0: (480, 1440)})


def test_what_was_stored_is_read_again():
    block = read(
        type="OUTLOOK", booking_timings={"Friday": {"start_time": "08:00", "end_time": "09:30"}}, round_robin_emails=[BEN], buffer_time=5
    )
    assert read(**block.model_dump(mode="json", exclude_unset=True)) == block


def test_each_calendar_has_one_turn_in_their_order():
    assert read(round_robin_emails=[BEN, ANNA.upper(), f" {BEN} "]).calendars == [ANNA, BEN]


def hours(start, end):
    return {"booking_timings": {"monday": {"start_time": start, "end_time": end}}}


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"email": "anna"}, "webhook.email"),
        ({"email": "../events@x"}, "webhook.email"),
        ({"type": "icloud"}, "webhook.type"),
        ({"user_id": "me"}, "webhook.user_id"),
        ({"mandatory": "yes"}, "webhook.mandatory"),
        ({"timezone": "Berlin"}, "webhook.timezone"),
        ({"timezone": "Europe"}, "webhook.timezone"),
        ({"timezone": "../../etc/passwd"}, "webhook.timezone"),
        ({"buffer_time": 1441}, "webhook.buffer_time"),
        ({"buffer_time": -1}, "webhook.buffer_time"),
        ({"duration": 4}, "webhook.duration"),
        ({"days_ahead": 61}, "webhook.days_ahead"),
        ({"round_robin_emails": [BEN, "ben"]}, "webhook.round_robin_emails[1]"),
        ({"round_robin_emails": [f"{n}@lumen.example" for n in range(20)]}, "webhook.round_robin_emails"),
        (hours("9:00", "17:00"), "webhook.booking_timings.monday.start_time"),
        (hours("09:00", "25:00"), "webhook.booking_timings.monday.end_time"),
        (hours("09:00", "09:00"), "webhook.booking_timings.monday.end_time"),
        (hours("17:00", "09:00"), "webhook.booking_timings.monday.end_time"),
        ({"booking_timings": {"monday": {"start_time": "09:00"}}}, "webhook.booking_timings.monday.end_time"),
        ({"booking_timings": {"noday": {"start_time": "09:00", "end_time": "10:00"}}}, "webhook.booking_timings.noday"),
        ({"booking_timings": {}}, "webhook.booking_timings"),
        ({"colour": "red"}, "webhook.colour"),
    ],
)
def test_what_is_wrong_is_said_with_its_whole_path(sent, field):
    with pytest.raises(RequestValidationError) as refused:
        read(**sent)
    assert [place(error["loc"][1:]) for error in refused.value.errors()] == [field]


@pytest.mark.parametrize("webhook", [[], [LEAST, LEAST], "anna", None])
def test_there_is_one_block(webhook):
    with pytest.raises(RequestValidationError) as refused:
        fitted(Appointment, {"webhook": webhook})
    assert place(refused.value.errors()[0]["loc"][1:]) == "webhook"


@pytest.fixture
async def kit(database, clock, tmp_path):
    async with services_on(database, clock, tmp_path) as services:
        yield services.kit


async def refused(kit, organisation_id, **block):
    with pytest.raises(Invalid) as error:
        await check(kit, organisation_id, Appointment.model_validate({"webhook": {**LEAST, **block}}))
    return error.value.field


async def test_the_integration_is_one_of_the_business_and_of_this_kind(kit):
    lumen, rival = await bakery_on(kit), await bakery_on(kit, "Rival")
    secrets = {"client_id": "c", "client_secret": "s", "refresh_token": "r"}
    theirs = await integrations.add(kit, rival.organisation_id, "google", "Theirs", integrations.Google(**secrets))
    other = await integrations.add(kit, lumen.organisation_id, "outlook", "Other", integrations.Outlook(**secrets))
    for user_id in (NOBODY, str(theirs["id"]), str(other["id"])):
        assert await refused(kit, lumen.organisation_id, user_id=user_id) == "webhook.user_id"
    ours = await integrations.add(kit, lumen.organisation_id, "google", "Ours", integrations.Google(**secrets))
    await check(kit, lumen.organisation_id, Appointment.model_validate({"webhook": {**LEAST, "user_id": str(ours["id"])}}))


async def test_an_appointment_fits_into_the_hours_of_some_day(kit):
    lumen = await bakery_on(kit)
    assert await refused(kit, lumen.organisation_id, duration=61, **hours("09:00", "10:00")) == "webhook.duration"
