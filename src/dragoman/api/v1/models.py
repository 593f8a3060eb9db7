"""What the two kinds of JSON body have in common: camelCase names, and no field that nobody reads."""

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel


def _no_number(value: object) -> object:
    # pydantic would read one as seconds since 1970, or from 2e10 on as milliseconds.
    if isinstance(value, int | float) or (isinstance(value, str) and re.fullmatch(r"\s*[-+]?[\d._]*\s*", value)):
        raise ValueError("must be a date and time like 2030-01-31T12:00:00Z")
    return value


Day = Annotated[date, BeforeValidator(_no_number)]
Moment = Annotated[datetime, BeforeValidator(_no_number)]
MomentInZone = Annotated[AwareDatetime, BeforeValidator(_no_number)]


class Input(BaseModel):
    """What a caller sends. An unknown field is an error, because it is nearly always a mistyped one."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class Shape(BaseModel):
    """What a caller gets. Made in Python by field name, shown in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, frozen=True)
