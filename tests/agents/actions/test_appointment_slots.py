"""When an appointment can be: inside the hours, never in the past, never near what is busy, whatever the clocks of that week do."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from dragoman.agents.actions.appointment.slots import Span, Week, around, days, free, of_day

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Beirut"]
MONDAY = date(2026, 11, 30)


def week(zone=BERLIN, hours=None, duration=30, buffer=0):
    hours = {0: (9 * 60, 12 * 60)} if hours is None else hours
    return Week(zone, hours, timedelta(minutes=duration), timedelta(minutes=buffer))


def local(spans, zone=BERLIN):
    return [f"{span.start.astimezone(zone):%H:%M}" for span in spans]


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(start, end):
    return Span(utc(start), utc(end))


def test_a_day_has_its_hours_and_the_last_appointment_ends_with_them():
    assert local(of_day(week(), MONDAY)) == ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30"]
    assert local(of_day(week(duration=45), MONDAY)) == ["09:00", "09:30", "10:00", "10:30", "11:00"]
    assert local(of_day(week(duration=20, hours={0: (0, 60)}), MONDAY)) == ["00:00", "00:20", "00:40"]
    assert local(of_day(week(hours={0: (23 * 60, 24 * 60)}), MONDAY)) == ["23:00", "23:30"]


def test_a_day_that_is_not_open_has_none():
    assert list(of_day(week(), date(2026, 12, 1))) == []


def test_what_is_busy_keeps_its_distance_on_both_sides():
    busy = [span("2026-11-30T09:10:00", "2026-11-30T09:20:00")]  # 10:10 in Berlin
    assert local(free(week(), [MONDAY], busy, utc("2026-11-30T00:00:00"))) == ["09:00", "09:30", "10:30", "11:00", "11:30"]
    assert local(free(week(buffer=15), [MONDAY], busy, utc("2026-11-30T00:00:00"))) == ["09:00", "11:00", "11:30"]


def test_side_by_side_is_free():
    busy = [span("2026-11-30T08:30:00", "2026-11-30T09:00:00")]
    assert "10:00" in local(free(week(), [MONDAY], busy, utc("2026-11-30T00:00:00")))


def test_what_has_begun_is_no_time_any_more():
    assert local(free(week(), [MONDAY], [], utc("2026-11-30T09:30:00"))) == ["11:00", "11:30"]


def test_an_hour_that_the_clocks_leave_out_has_no_slot():
    nights = week(hours={6: (60, 4 * 60)})
    slots = list(of_day(nights, date(2027, 3, 28)))  # at two it is three
    assert local(slots) == ["01:00", "01:30", "03:00", "03:30"]
    assert slots[1].end == slots[2].start


def test_an_hour_that_is_there_twice_has_each_slot_once():
    nights = week(hours={6: (60, 4 * 60)})
    slots = list(of_day(nights, date(2026, 10, 25)))  # at three it is two again
    assert local(slots) == ["01:00", "01:30", "02:00", "02:30", "03:00", "03:30"]
    assert slots[4].start - slots[3].start == timedelta(minutes=90)


def test_a_day_that_closes_in_the_hour_that_is_there_twice_closes_the_first_time():
    nights = week(hours={6: (60, 150)}, duration=60)
    assert local(of_day(nights, date(2026, 10, 25))) == ["01:00", "01:30"]


def test_the_week_of_the_change_keeps_its_hours_on_the_wall():
    office = week(hours=dict.fromkeys(range(5), (9 * 60, 10 * 60)))
    found = free(office, days(date(2027, 3, 26), date(2027, 3, 29)), [], utc("2027-03-01T00:00:00"))
    assert [f"{slot.start:%d %H:%M}" for slot in found] == ["26 08:00", "26 08:30", "29 07:00", "29 07:30"]


def test_nothing_that_a_calendar_says_is_too_far_away():
    odd = [
        Span(datetime.min.replace(tzinfo=UTC), utc("2026-11-30T08:00:00")),
        Span(utc("2026-11-30T10:30:00"), datetime.max.replace(tzinfo=UTC)),
    ]
    empty = [span("2026-11-30T09:00:00", "2026-11-30T09:00:00"), span("2026-11-30T10:00:00", "2026-11-30T09:00:00")]
    assert local(free(week(buffer=60), [MONDAY], odd + empty, utc("2026-11-01T00:00:00"))) == ["10:00"]


HOURS = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda pair: pair[0] < pair[1])
WEEKS = st.builds(
    week,
    zone=st.sampled_from([ZoneInfo(name) for name in ZONES]),
    hours=st.dictionaries(st.integers(0, 6), HOURS, min_size=1),
    duration=st.integers(5, 300),
    buffer=st.integers(0, 240),
)
# The weeks in which these zones change their clocks, and one in which none does.
FIRSTS = st.sampled_from([date(2026, 3, 5), date(2026, 3, 25), date(2026, 4, 2), date(2026, 9, 3), date(2026, 10, 22), date(2026, 7, 1)])


@st.composite
def scenes(draw):
    first = draw(FIRSTS)
    midnight = datetime(first.year, first.month, first.day, tzinfo=UTC)
    minutes = st.integers(-2000, 8000)
    busy = [
        Span(midnight + timedelta(minutes=start), midnight + timedelta(minutes=start + length))
        for start, length in draw(st.lists(st.tuples(minutes, st.integers(1, 600)), max_size=12))
    ]
    return draw(WEEKS), days(first, first + timedelta(days=5)), busy, midnight + timedelta(minutes=draw(minutes))


@given(scenes())
def test_no_slot_is_in_the_past_near_what_is_busy_or_outside_the_hours(scene):
    office, some_days, busy, now = scene
    for slot in free(office, some_days, busy, now):
        assert slot.start > now
        assert slot.end - slot.start == office.duration
        for taken in busy:
            assert slot.end + office.buffer <= taken.start or taken.end + office.buffer <= slot.start
        start, end = slot.start.astimezone(office.zone), slot.end.astimezone(office.zone)
        opens, closes = office.hours[start.weekday()]
        assert opens <= start.hour * 60 + start.minute
        assert (end.hour * 60 + end.minute or 1440) <= closes
        assert start.date() in some_days


@given(scenes())
def test_slots_are_in_order_each_once_and_known_about(scene):
    office, some_days, busy, now = scene
    found = free(office, some_days, busy, now)
    assert found == sorted(set(found))
    window = around(office, some_days[0], some_days[-1])
    assert all(window.start <= slot.start - office.buffer and slot.end + office.buffer <= window.end for slot in found)


@given(scenes())
def test_each_slot_of_the_day_that_is_left_out_has_a_reason(scene):
    office, some_days, busy, now = scene
    found = set(free(office, some_days, busy, now))
    for day in some_days:
        for slot in of_day(office, day):
            met = [one for one in busy if slot.start < one.end + office.buffer and one.start < slot.end + office.buffer]
            assert (slot in found) == (slot.start > now and not met)
