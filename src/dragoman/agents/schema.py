"""The form of what is configured on an agent."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

# Yes or no as JSON has it; 0, 1 and "yes" are mistakes.
Flag = Annotated[bool, Field(strict=True)]


class Schema(BaseModel):
    """What is configured, in the API's camelCase. An unknown field is an error, because it is nearly always a mistyped one."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, extra="forbid", frozen=True)


class Form(BaseModel):
    """The same in the second dialect's snake_case, as it is sent."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)
