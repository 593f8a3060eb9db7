"""Dana books an appointment over WhatsApp: the assistant looks into the business's calendar, and the event is there, once."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from calendars import ANNA, BEN, calendars_of
from native import Second

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(params=["google", "outlook"])
async def calendars(request):
    async with calendars_of(request.param) as calendars:
        yield calendars


@pytest.fixture
def second(lumen):
    return Second(lumen)


@pytest.fixture
def tuesday(clock):
    """Ten in the morning in Berlin, on the next Tuesday but not tomorrow."""
    day = clock.now().astimezone(BERLIN).date() + timedelta(days=2)
    day += timedelta(days=(1 - day.weekday()) % 7)
    return datetime(day.year, day.month, day.day, 10, tzinfo=BERLIN)


async def appointment(second, calendars, **block):
    new = {"type": calendars.kind, "name": "Office", "settings": calendars.settings}
    made = await second.call("POST", "/_integrations", new)
    webhook = {"email": ANNA, "type": calendars.kind, "user_id": made["id"], "timezone": "Europe/Berlin", **block}
    return await second.action("APPOINTMENT", webhook=webhook)


def booking(start, **args):
    return {"tool": "appointment", "args": {"start": f"{start:%Y-%m-%dT%H:%M}", "customer_name": "Dana", **args}}


def tool_words(model):
    return json.dumps([message for message in model.requests[-1]["messages"] if message["role"] == "tool"])


async def test_dana_books_tuesday_at_ten_in_berlin(second, model, calendars, dana, tuesday):
    action = await appointment(second, calendars)
    await second.hire(model, action)
    look = {"tool": "appointment_free_times", "args": {"from_day": f"{tuesday:%Y-%m-%d}"}}
    model.script = [look, "Ten is free on Tuesday.", booking(tuesday, email="dana@example.com"), "See you on Tuesday!"]
    await dana.says("When can I taste your bread?")
    assert await dana.hears_text() == ["Ten is free on Tuesday."]
    assert "10:00" in tool_words(model)
    await dana.says("Tuesday at ten, please: dana@example.com")
    assert (await dana.hears_text(2))[1:] == ["See you on Tuesday!"]
    assert "Booked: Tuesday" in tool_words(model)
    start = tuesday.astimezone(UTC)
    assert calendars.booked == [(ANNA, start, start + timedelta(minutes=30))]
    words = json.dumps(model.requests)
    assert not any(secret in words for secret in (ANNA, "client-secret-of-lumen", "refresh-token", "access-token"))
    [shown] = (await second.call("GET", "/_actions"))["data"]
    assert shown["webhook"]["email"] == ANNA


async def test_a_mandatory_appointment_is_booked_when_dana_has_tapped(second, model, calendars, dana, tuesday):
    await second.hire(model, await appointment(second, calendars, mandatory=True))
    model.script = [booking(tuesday), "See you!"]
    await dana.says("Tuesday at ten, please!")
    [asked] = await dana.hears()
    assert "10:00 (Europe/Berlin)" in asked["text"]
    assert calendars.booked == []
    await dana.taps(asked["id"], button_id=asked["buttons"][0]["id"])
    assert (await dana.hears_text(2))[1] == "See you!"
    assert len(calendars.booked) == 1


async def test_two_customers_want_the_same_time_at_once(second, model, calendars, dana, zoe, tuesday):
    calendars.slow = 0.3
    await second.hire(model, await appointment(second, calendars))
    model.answer = lambda body: "Done." if body["messages"][-1]["role"] == "tool" else booking(tuesday)
    await asyncio.gather(dana.says("Tuesday at ten!"), zoe.says("Tuesday at ten!"))
    await asyncio.gather(dana.hears(), zoe.hears())
    assert len(calendars.booked) == 1
    said = [json.dumps(request["messages"]) for request in model.requests if request["messages"][-1]["role"] == "tool"]
    assert sorted("Booked: Tuesday" in words for words in said) == [False, True]
    assert sum("10:30" in words and "the next that are free" in words for words in said) == 1


async def test_calendars_take_turns(second, model, calendars, dana, tuesday):
    await second.hire(model, await appointment(second, calendars, round_robin_emails=[BEN]))
    model.script = [booking(tuesday), "Booked.", booking(tuesday + timedelta(hours=2)), "Booked again."]
    await dana.says("Tuesday at ten!")
    await dana.hears(1)
    await dana.says("And at twelve!")
    await dana.hears(2)
    assert [calendar for calendar, _, _ in calendars.booked] == [ANNA, BEN]


async def test_a_calendar_that_is_down_is_said_in_plain_words(second, model, calendars, dana, tuesday):
    await second.hire(model, await appointment(second, calendars))
    calendars.faults = {"/freeBusy": [500] * 9, "/getSchedule": [500] * 9}
    model.script = [booking(tuesday), "I cannot reach the calendar; a colleague will call you."]
    await dana.says("Tuesday at ten!")
    assert await dana.hears_text() == ["I cannot reach the calendar; a colleague will call you."]
    assert "could not do this (status 500)" in tool_words(model)
    assert "somebody else" not in tool_words(model)
    assert calendars.booked == []


async def test_what_is_wrong_with_an_appointment_is_a_400_with_its_path(second, calendars):
    webhook = {"email": ANNA, "type": calendars.kind, "booking_timings": {"Monday": {"start_time": "09:00", "end_time": "08:00"}}}
    new = {"name": "x", "description": "x", "action_timing": "during", "type": "appointment", "webhook": [webhook]}
    refused = await second.call("POST", "/_actions", new, expect=(400,))
    assert [wrong["field"] for wrong in refused["errors"]] == ["webhook.booking_timings.monday.end_time"]
    del webhook["booking_timings"]
    assert (await second.call("POST", "/_actions", new))["type"] == "APPOINTMENT"
    webhook["user_id"] = "018f4e2e-0000-7000-8000-000000000000"
    refused = await second.call("POST", "/_actions", new, expect=(400,))
    assert [wrong["field"] for wrong in refused["errors"]] == ["webhook.user_id"]
