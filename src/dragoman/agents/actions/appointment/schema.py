"""What is configured of an appointment."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from dragoman.agents import integrations
from dragoman.agents.actions.appointment.slots import Week
from dragoman.agents.capabilities.support import DAYS
from dragoman.agents.kit import Kit
from dragoman.agents.schema import Flag, Form
from dragoman.errors import Invalid

MOST_CALENDARS = 20  # what both services answer about at once
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")
_ADDRESS = re.compile(r"[^\s@/\\]{1,128}@[^\s@/\\]{1,255}")


def _small(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _clock(value: str) -> str:
    if not _CLOCK.fullmatch(value):
        raise PydanticCustomError("clock", "write it like 09:00, with two digits for the hour, at most 24:00")
    return value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    # OSError: a name that is a folder of the time zone database, such as "Europe".
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PydanticCustomError("zone", "there is no time zone of this name; write it like Europe/Berlin") from None
    return name


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value.strip()):
        raise PydanticCustomError("address", "it is no address of a calendar; write it like bakery@example.com")
    return value.strip()


Address = Annotated[str, AfterValidator(_address)]
Clock = Annotated[str, AfterValidator(_clock), Field(examples=["09:00"])]


class Hours(Form):
    """One day's hours. 24:00 is midnight."""

    start_time: Clock
    end_time: Clock

    @field_validator("end_time")
    @classmethod
    def _after_start(cls, end: str, info: ValidationInfo) -> str:
        if end <= info.data.get("start_time", ""):
            raise PydanticCustomError("hours", "must be later than start_time")
        return end


class Timings(Form):
    """A day that is missing, or null, is closed."""

    monday: Hours | None = None
    tuesday: Hours | None = None
    wednesday: Hours | None = None
    thursday: Hours | None = None
    friday: Hours | None = None
    saturday: Hours | None = None
    sunday: Hours | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_any_spelling(cls, sent: Any) -> Any:
        return {_small(name): hours for name, hours in sent.items()} if isinstance(sent, dict) else sent

    @model_validator(mode="after")
    def _some_day(self) -> "Timings":
        if not self.by_weekday:
            raise PydanticCustomError("closed", "no day is open; give the hours of one at least")
        return self

    @property
    def by_weekday(self) -> dict[int, Hours]:
        """Monday is 0."""
        found: list[Hours | None] = [getattr(self, day) for day in DAYS]
        return {weekday: hours for weekday, hours in enumerate(found) if hours is not None}


def _office_hours() -> Timings:
    hours = Hours(start_time="09:00", end_time="17:00")
    return Timings(monday=hours, tuesday=hours, wednesday=hours, thursday=hours, friday=hours)


class Block(Form):
    email: Annotated[Address, Field(description="The calendar's address: the mailbox, or the calendar's id at Google")]
    type: Annotated[Literal["google", "outlook"], BeforeValidator(_small)]
    user_id: Annotated[UUID | None, Field(description="Id of the integration that may use the calendar; else your oldest of this type")] = (
        None
    )
    mandatory: Annotated[Flag, Field(description="The customer is asked by a button before it is booked")] = False
    timezone: Annotated[str, Field(max_length=64), AfterValidator(_zone)] = "UTC"
    buffer_time: Annotated[int, Field(ge=0, le=1440, description="Minutes that stay free before and after each appointment")] = 0
    booking_timings: Annotated[
        Timings, Field(description="A day that is missing is closed; without this, Monday to Friday from 09:00 to 17:00")
    ] = Field(default_factory=_office_hours)
    round_robin_emails: Annotated[
        list[Address], Field(max_length=MOST_CALENDARS - 1, description="More calendars that take turns with `email`")
    ] = Field(default_factory=list)
    duration: Annotated[int, Field(ge=5, le=1440, description="Minutes that an appointment lasts")] = 30
    days_ahead: Annotated[int, Field(ge=1, le=60, description="How many days ahead can be booked")] = 14

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, sent: Any) -> Any:
        return {name: value for name, value in sent.items() if value is not None} if isinstance(sent, dict) else sent

    @property
    def week(self) -> Week:
        open_at = {day: (_minutes(hours.start_time), _minutes(hours.end_time)) for day, hours in self.booking_timings.by_weekday.items()}
        return Week(ZoneInfo(self.timezone), open_at, timedelta(minutes=self.duration), timedelta(minutes=self.buffer_time))

    @property
    def calendars(self) -> list[str]:
        """Each once, in the order of their turns."""
        found: dict[str, str] = {}
        for address in (self.email, *self.round_robin_emails):
            found.setdefault(address.lower(), address)
        return list(found.values())


def _one(value: Any) -> Any:
    """The older form has a list around its only block."""
    if isinstance(value, list):
        if len(value) != 1:
            raise PydanticCustomError("one_block", "send one object, or a list with one; an action books in one place")
        return value[0]
    return value


class Appointment(Form):
    webhook: Annotated[Block, BeforeValidator(_one)]


async def check(kit: Kit, organisation_id: UUID, config: Appointment) -> None:
    block = config.webhook
    if block.user_id and await integrations.find(kit, organisation_id, block.type, block.user_id) is None:
        why = f"you have no {block.type} integration with the id {block.user_id}; add one at /v2/_integrations first"
        raise Invalid(f"webhook.user_id: {why}", field="webhook.user_id")
    longest = max(end - start for start, end in block.week.hours.values())
    if block.duration > longest:
        why = f"an appointment of {block.duration} minutes does not fit into the hours of any day"
        raise Invalid(f"webhook.duration: {why}", field="webhook.duration")


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
