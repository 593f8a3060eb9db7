"""When the window of a campaign is open, on the clock of its place."""

from datetime import UTC, datetime, timedelta

import pytest

from dragoman.campaigns.window import Window, window
from dragoman.errors import Invalid


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_inside_it_is_open_now_and_outside_at_its_next_beginning():
    hours = Window(start_hour=9, end_hour=18, time_zone="Europe/Berlin")
    assert hours.opens(at("2026-11-27T08:00")) == at("2026-11-27T08:00")
    assert hours.opens(at("2026-11-27T07:59")) == at("2026-11-27T08:00")
    assert hours.opens(at("2026-11-27T17:00")) == at("2026-11-28T08:00")


def test_only_on_its_days():
    mondays = window(["MON"], 9, 18, "UTC")
    assert mondays.opens(at("2026-11-27T12:00")) == at("2026-11-30T09:00")  # from a Friday
    assert mondays.opens(at("2026-11-30T18:00")) == at("2026-12-07T09:00")


def test_a_night_belongs_to_the_day_on_which_it_begins():
    nights = window(["Friday"], 22, 6, "UTC")
    assert nights.opens(at("2026-11-28T05:59")) == at("2026-11-28T05:59")
    assert nights.opens(at("2026-11-28T06:00")) == at("2026-12-04T22:00")


def test_the_clocks_of_the_place_count_when_they_are_changed():
    hours = Window(start_hour=9, end_hour=10, time_zone="Europe/Berlin")
    assert hours.opens(at("2026-03-28T09:30")) == at("2026-03-29T07:00")  # summer time begins in between
    assert hours.opens(at("2026-10-24T09:30")) == at("2026-10-25T08:00")


def test_all_of_every_day_when_nothing_is_said():
    now = at("2026-11-27T23:59") + timedelta(seconds=59)
    assert window(None, None, None, None).opens(now) == now


@pytest.mark.parametrize(
    "sent", [(["Mon", ""], 1, 2, "UTC"), (None, -1, 2, "UTC"), (None, 1, 25, "UTC"), (None, 0, 0, "UTC"), (None, 1, 2, "../x")]
)
def test_what_makes_no_window_is_refused_by_its_path(sent):
    with pytest.raises(Invalid) as refused:
        window(*sent)
    assert refused.value.field.startswith("touchpoint.additional_settings.")
