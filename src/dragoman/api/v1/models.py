"""What the two kinds of JSON body have in common: camelCase names, and no field that nobody reads."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Input(BaseModel):
    """What a caller sends. An unknown field is an error, because it is nearly always a mistyped one."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class Shape(BaseModel):
    """What a caller gets. Made in Python by field name, shown in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, frozen=True)
