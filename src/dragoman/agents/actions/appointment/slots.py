"""When an appointment can be: weekly hours minus what is busy. Pure, and right on the days on which clocks are changed.

A local time that such a day leaves out is no slot; one that it has twice is a slot once, the first time.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

LONGEST_STEP = timedelta(minutes=30)  # long appointments can begin at each half hour too


class Span(NamedTuple):
    """From `start` until just before `end`, both with a time zone; UTC where it is ours."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Week:
    """`hours` are opening and closing in minutes after local midnight, by weekday (Monday is 0); a day that is missing is closed.

    `buffer` is the pause that is kept free before and after each appointment.
    """

    zone: ZoneInfo
    hours: Mapping[int, tuple[int, int]]
    duration: timedelta
    buffer: timedelta


def of_day(week: Week, day: date) -> Iterator[Span]:
    """Every slot of a day, in order, busy or not."""
    if day.weekday() not in week.hours:
        return
    opens, closes = (timedelta(minutes=minutes) for minutes in week.hours[day.weekday()])
    latest = _closing(week.zone, day, closes)
    at = opens
    while at < closes:
        start = _moment(week.zone, day, at)
        if start is not None and start + week.duration <= latest:
            yield Span(start, start + week.duration)
        at += min(week.duration, LONGEST_STEP)


def free(week: Week, days: Iterable[date], busy: Iterable[Span], now: datetime) -> list[Span]:
    """The slots of these days that have not begun and leave the buffer to everything that is busy."""
    taken = _joined(busy)
    ends = [span.end for span in taken]

    def is_free(slot: Span) -> bool:
        after = bisect_right(ends, slot.start - week.buffer)
        return after == len(taken) or slot.end + week.buffer <= taken[after].start

    return [slot for day in days for slot in of_day(week, day) if slot.start > now and is_free(slot)]


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=count) for count in range((last - first).days + 1)]


def around(week: Week, first: date, last: date) -> Span:
    """What has to be known to say what is free from `first` to `last`: these days with the buffer on both sides."""
    start, end = (datetime.combine(day, time(), week.zone).astimezone(UTC) for day in (first, last + timedelta(days=1)))
    # An hour more, for the zones that change their clocks at midnight.
    return Span(start - week.buffer - timedelta(hours=1), end + week.buffer + timedelta(hours=1))


def _joined(busy: Iterable[Span]) -> list[Span]:
    """The same times, in order, none of which meets another one."""
    joined: list[Span] = []
    for start, end in sorted(span for span in busy if span.start < span.end):
        if joined and start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, end))
        else:
            joined.append(Span(start, end))
    return joined


def _moment(zone: ZoneInfo, day: date, after_midnight: timedelta) -> datetime | None:
    """A local time in UTC, or None when that day leaves it out."""
    local = datetime.combine(day, time()) + after_midnight
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == local else None


def _closing(zone: ZoneInfo, day: date, after_midnight: timedelta) -> datetime:
    """When a day closes, in UTC: the earlier of both readings where clocks are changed just then."""
    local = datetime.combine(day, time()) + after_midnight
    return min(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
