"""When a campaign may send: days and hours on the clock of a place."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from dragoman.errors import Invalid

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SETTINGS = "touchpoint.additional_settings"


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """`days` are ISO days, 1 is Monday; the hours go from `start_hour` up to `end_hour`, past midnight when the end is the smaller one."""

    days: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    start_hour: int = 0
    end_hour: int = 24
    time_zone: str = "UTC"

    def opens(self, now: datetime) -> datetime:
        """`now` when it is open, else the moment when it opens next."""
        zone = ZoneInfo(self.time_zone)
        today = now.astimezone(zone).date()
        # From yesterday, whose night may not be over, to this day in a week.
        for day in (today + timedelta(days=n) for n in range(-1, 9)):
            if day.isoweekday() in self.days:
                begin, end = datetime.combine(day, time(), zone), datetime.combine(day, time(), zone)
                begin += timedelta(hours=self.start_hour)  # on the wall, also when clocks are changed that day
                end += timedelta(hours=self.end_hour + (24 if self.end_hour <= self.start_hour else 0))
                if begin.timestamp() <= now.timestamp() < end.timestamp():
                    return now
                if begin.timestamp() > now.timestamp():
                    return begin.astimezone(now.tzinfo)
        raise ValueError("a window without days")


def window(days: list[str] | None, start_hour: int | None, end_hour: int | None, time_zone: str | None) -> Window:
    """From what a caller sent; what is None is not limited. Raises Invalid with the field's path."""
    start, end = start_hour or 0, 24 if end_hour is None else end_hour
    if not 0 <= start <= 23:
        raise _invalid("start_hour", "must be an hour from 0 to 23")
    if not 0 <= end <= 24:
        raise _invalid("end_hour", "must be an hour from 0 to 24")
    if start == end:
        raise _invalid("end_hour", "is the same as start_hour, so that there is no time to send")
    zone = (time_zone or "UTC").strip()
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _invalid("time_zone", f"{zone[:60]!r} is not known; give a name such as Europe/Berlin") from None
    return Window(
        days=tuple(sorted({_day(n, name) for n, name in enumerate(days or DAYS)})), start_hour=start, end_hour=end, time_zone=zone
    )


def _day(n: int, name: str) -> int:
    """In full or by its first three letters, in any case."""
    wanted = name.strip().lower()
    found = [number for number, day in enumerate(DAYS, 1) if wanted and wanted in (day, day[:3])]
    if not found:
        raise _invalid(f"execution_days[{n}]", f"{name[:20]!r} is no day; write Monday or Mon")
    return found[0]


def _invalid(name: str, problem: str) -> Invalid:
    field = f"{SETTINGS}.{name}"
    return Invalid(f"{field}: {problem}", field=field)
