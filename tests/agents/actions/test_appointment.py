"""Booking in the business's calendars, at Google and at Outlook: the same stories at both."""

import asyncio
import json
from datetime import timedelta

import pytest
from calendars import ANNA, BEN
from tests.agents.actions.office import TUESDAY, at, office_of, set_to
from tests.agents.one_turn import call

from dragoman.agents.actions import TYPES


@pytest.fixture(params=["google", "outlook"])
async def office(request, database, clock, tmp_path):
    async with office_of(request.param, database, clock, tmp_path) as office:
        yield office


def block_out(office, calendar, start, end, status="busy"):
    office.calendars.busy[calendar].append((at(start), at(end), status))


async def test_dana_books_tuesday_at_ten_in_berlin(office):
    came = await office.book(email="dana@example.com", note="No nuts <b>please</b>")
    assert came.error == ""
    assert came.text == "Booked: Tuesday, 1 December 2026, 10:00 to 10:30 (Europe/Berlin). An invitation goes to dana@example.com."
    assert not came.outside
    assert office.calendars.booked == [(ANNA, at("2026-12-01T10:00"), at("2026-12-01T10:30"))]
    [event] = office.calendars.events[ANNA].values()
    assert event.get("summary", event.get("subject")) == "Tasting: Dana"
    sent = json.dumps(event)
    assert "+15550007890" in sent
    assert "dana@example.com" in json.dumps(event["attendees"])
    # Google shows HTML, Outlook is told that it is none.
    assert ("No nuts &lt;b&gt;please" if "description" in event else "No nuts <b>please</b>") in sent
    [row] = await office.rows()
    assert (row["calendar"], row["start_at"], row["contact_id"]) == (ANNA, at("2026-12-01T10:00"), office.lumen.dana)
    assert row["event_id"]


async def test_without_an_address_nobody_is_invited(office):
    assert (await office.book()).error == ""
    [event] = office.calendars.events[ANNA].values()
    assert "attendees" not in event


async def test_what_is_offered_names_no_calendar(office):
    [book, look] = await office.tools()
    assert (book.name, book.acts, book.confirm) == ("tasting", True, "outside")
    assert (look.name, look.acts) == ("tasting_free_times", False)
    assert set(book.parameters["properties"]) == {"start", "customer_name", "email", "note"}
    assert ANNA not in json.dumps([book.parameters, book.description, look.parameters, look.description])


async def test_a_long_name_is_prolonged_within_what_models_take(office):
    offered = await TYPES["APPOINTMENT"].tools(office.lumen.run(), office.action, "n" * 64)
    assert [len(tool.name) for tool in offered] == [64, 64]
    assert len({tool.name for tool in offered}) == 2


async def test_a_mandatory_one_is_confirmed_by_a_button_that_says_all_of_it(office):
    await office.configure(mandatory=True)
    [book, look] = await office.tools()
    assert (book.confirm, look.acts) == ("customer", False)
    asked = book.question({"start": TUESDAY, "customer_name": "Dana", "email": "dana@example.com", "note": "No\nnuts"})
    assert asked.splitlines() == [
        "*Tasting*",
        "When: Tuesday, 1 December 2026, 10:00 (Europe/Berlin)",
        "Name: Dana",
        "E-mail: dana@example.com",
        "Note: No nuts",
    ]
    assert "When: whenever" in book.question({"start": "whenever", "customer_name": "Dana"})


async def test_free_times_are_the_hours_without_what_is_busy(office):
    await office.configure(booking_timings={"tuesday": {"start_time": "09:00", "end_time": "11:00"}})
    block_out(office, ANNA, "2026-12-01T09:30", "2026-12-01T10:00")
    came = await office.look()
    assert came.text.splitlines() == [
        "Free from Monday, 30 November 2026 to Sunday, 6 December 2026, Europe/Berlin, 30 minutes each:",
        "Tuesday, 1 December 2026 (2026-12-01): 09:00, 10:00, 10:30",
    ]
    assert (came.error, came.outside) == ("", False)
    assert (await office.look(from_day="2026-12-02", to_day="2026-12-02")).text == "Nothing is free on Wednesday, 2 December 2026."
    await office.configure(days_ahead=60)
    weeks = (await office.look(from_day="2026-11-30", to_day="2027-05-01")).text
    assert "2026-12-11" in weeks
    assert "2026-12-14" not in weeks  # at most two weeks at once
    assert "2027-01-29" in (await office.look(from_day="2027-01-20", to_day="2027-05-01")).text


@pytest.mark.parametrize("status", ["tentative", "oof", "workingElsewhere", "Busy", "free"])
async def test_only_free_is_free_at_outlook(database, clock, tmp_path, status):
    async with office_of("outlook", database, clock, tmp_path) as office:
        block_out(office, ANNA, "2026-12-01T10:00", "2026-12-01T10:30", status)
        came = await office.book()
        assert (came.error == "") == (status == "free")
        assert "secret plans" not in came.text


async def test_the_pause_between_appointments_is_kept_on_both_sides(office):
    await office.configure(buffer_time=15)
    block_out(office, ANNA, "2026-12-01T10:00", "2026-12-01T10:30")
    for start in ("2026-12-01T09:30", "2026-12-01T10:30"):
        assert (await office.book(start)).error
    assert (await office.book("2026-12-01T11:00")).error == ""
    assert "09:00, 11:30" not in (await office.look(from_day="2026-12-01", to_day="2026-12-01")).text
    assert len(office.calendars.booked) == 1


async def test_a_time_that_was_taken_meanwhile_is_said_with_the_next_three(office):
    assert "10:00" in (await office.look(from_day="2026-12-01", to_day="2026-12-01")).text
    block_out(office, ANNA, "2026-12-01T10:00", "2026-12-01T11:00")
    came = await office.book()
    assert "this time is taken" in came.error
    assert came.error.endswith(
        "Tuesday, 1 December 2026, 11:00 (2026-12-01T11:00); Tuesday, 1 December 2026, 11:30 (2026-12-01T11:30); "
        "Tuesday, 1 December 2026, 12:00 (2026-12-01T12:00)"
    )
    assert office.calendars.booked == []
    assert await office.rows() == []


async def test_two_customers_at_the_same_moment_get_one_appointment(office):
    office.calendars.slow = 0.3
    zoe = await office.visit()
    came = await asyncio.gather(office.book(), office.book(run=zoe, name="Zoë"))
    assert sorted(result.error == "" for result in came) == [False, True]
    [lost] = [result for result in came if result.error]
    assert "2026-12-01T10:30" in lost.error
    assert office.calendars.booked == [(ANNA, at("2026-12-01T10:00"), at("2026-12-01T10:30"))]


async def test_two_actions_on_one_calendar_do_not_give_a_time_away_twice(office):
    office.calendars.slow = 0.3
    first = await office.tools()
    await office.configure(duration=60)
    args = {"start": TUESDAY, "customer_name": "Dana"}
    came = await asyncio.gather(first[0].run(call(args)), office.book("2026-12-01T09:30"))
    assert sorted(result.error == "" for result in came) == [False, True]


async def test_a_crowd_books_each_time_once(office):
    people = [await office.visit(15550001000 + number) for number in range(6)]
    starts = ["2026-12-01T10:00", "2026-12-01T10:30"]
    came = await asyncio.gather(*(office.book(starts[index % 2], run=run) for index, run in enumerate(people)))
    assert sum(result.error == "" for result in came) == 2
    assert [start for _, start, _ in office.calendars.booked] == [at(start) for start in starts]


async def test_calendars_take_turns_and_the_one_with_fewer_bookings_is_next(office, clock):
    await office.configure(round_robin_emails=[BEN])
    for start in ("2026-12-01T10:00", "2026-12-01T11:00", "2026-12-01T12:00"):
        assert (await office.book(start)).error == ""
        clock.advance(timedelta(minutes=5))
    assert [calendar for calendar, _, _ in sorted(office.calendars.booked, key=lambda one: one[1])] == [ANNA, BEN, ANNA]


async def test_a_time_is_free_while_one_of_the_calendars_is(office):
    await office.configure(round_robin_emails=[BEN])
    block_out(office, ANNA, "2026-12-01T09:00", "2026-12-01T17:00")
    assert "10:00" in (await office.look(from_day="2026-12-01", to_day="2026-12-01")).text
    assert (await office.book()).error == ""
    assert [calendar for calendar, _, _ in office.calendars.booked] == [BEN]
    assert (await office.book()).error
    assert len(office.calendars.booked) == 1


async def test_a_calendar_that_nobody_may_see_has_no_turn(office):
    await office.configure(round_robin_emails=["gone@lumen.example"])
    for start in ("2026-12-01T10:00", "2026-12-01T11:00"):
        assert (await office.book(start)).error == ""
    assert {calendar for calendar, _, _ in office.calendars.booked} == {ANNA}


async def test_a_call_that_is_made_again_books_once(office):
    first = await office.book(key="turn-1")
    again = await office.book(key="turn-1")
    assert (first.error, again) == ("", first)
    assert len(office.calendars.booked) == 1
    assert sum(path.endswith(("/events", "sendUpdates=all")) for path, _ in office.calendars.asked) == 1


async def test_a_call_whose_process_died_finds_its_own_event(office):
    await office.book(key="turn-1")
    await office.lumen.kit.db.execute("update appointments set event_id = null")
    assert (await office.book(key="turn-1")).error == ""
    assert len(office.calendars.booked) == 1
    [row] = await office.rows()
    assert row["event_id"]


@pytest.mark.parametrize(
    "start",
    [
        "2026-11-30T07:30",  # before today's hours, and past
        "2026-12-01T08:30",  # before the hours
        "2026-12-01T16:45",  # it would end after them
        "2026-12-01T10:10",  # between two beginnings
        "2026-12-05T10:00",  # a Saturday
        "2026-12-15T10:00",  # too far ahead
        "2020-01-01T10:00",
        "9999-12-31T23:59",
    ],
)
async def test_a_time_that_is_none_to_book_is_not_booked(office, start):
    came = await office.book(start)
    assert came.error.startswith("this time is taken, or is none at which")
    assert "2026-1" in came.error
    assert office.calendars.booked == []


@pytest.mark.parametrize("start", ["tomorrow", "", "2026-13-01T10:00", "0001-01-01T00:00+14:00", "10:00"])
async def test_a_start_that_is_no_time_is_explained(office, start):
    assert "2026-11-30T10:00" in (await office.book(start)).error


async def test_a_start_with_its_distance_from_utc_is_that_moment(office):
    assert (await office.book("2026-12-01T09:00:00Z")).text.startswith("Booked: Tuesday, 1 December 2026, 10:00")


async def test_what_is_no_address_is_not_invited(office):
    assert "no e-mail address" in (await office.book(email="a@b, mallory@x")).error
    assert office.calendars.booked == []


async def test_nobody_fills_the_calendar(office):
    hours = [f"2026-12-01T{hour}:00" for hour in range(10, 16)]
    came = [await office.book(start) for start in hours]
    assert [result.error == "" for result in came] == [True] * 5 + [False]
    assert "5 appointments" in came[-1].error
    assert (await office.book(hours[-1], run=await office.visit())).error == ""


async def test_the_week_of_the_change_of_clocks(office, clock):
    set_to(clock, "2027-03-26T08:00")
    assert (await office.book("2027-03-26T10:00")).error == ""
    assert (await office.book("2027-03-29T10:00")).error == ""
    assert [start.hour for _, start, _ in office.calendars.booked] == [9, 8]
    await office.configure(booking_timings={"sunday": {"start_time": "01:00", "end_time": "04:00"}})
    assert "a time that this day has" in (await office.book("2027-03-28T02:30")).error
    assert "01:30, 03:00" in (await office.look(from_day="2027-03-28", to_day="2027-03-28")).text


async def test_days_that_cannot_be_asked_about_are_explained(office):
    assert "2026-11-30" in (await office.look(from_day="next week")).error
    assert "14 December 2026" in (await office.look(from_day="2026-12-15")).error
    assert "14 December 2026" in (await office.look(from_day="2026-12-03", to_day="2026-12-01")).error
    assert (await office.look(from_day="2020-01-01", to_day="2026-11-30")).text.startswith("Free on Monday, 30 November 2026")
