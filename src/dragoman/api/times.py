"""Days and moments as they are sent: in words of ISO 8601, never as a number that could be anything."""

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator


def _no_number(value: object) -> object:
    # pydantic would read one as seconds since 1970, or from 2e10 on as milliseconds.
    if isinstance(value, int | float) or (isinstance(value, str) and re.fullmatch(r"\s*[-+]?[\d._]*\s*", value)):
        raise ValueError("must be a date and time like 2030-01-31T12:00:00Z")
    return value


Day = Annotated[date, BeforeValidator(_no_number)]
Moment = Annotated[datetime, BeforeValidator(_no_number)]
MomentInZone = Annotated[AwareDatetime, BeforeValidator(_no_number)]
