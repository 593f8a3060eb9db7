"""The form of what is configured on an agent."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Schema(BaseModel):
    """What is configured, in the API's camelCase. An unknown field is an error, because it is nearly always a mistyped one."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, extra="forbid", frozen=True)
