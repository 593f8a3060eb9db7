"""What the JSON bodies of this dialect have in common: snake_case names, ids as text or numbers, and dotted names undone."""

from typing import Annotated, Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

Model = TypeVar("Model", bound=BaseModel)

# Numbers come as numbers and as text; both mean the same.
Decimal = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int) and not isinstance(value, bool) else value)]


class Input(BaseModel):
    """What a caller sends. An unknown field is an error, because it is nearly always a mistyped one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _undotted(cls, sent: Any) -> Any:
        return undotted(sent)


class Shape(BaseModel):
    """What a caller gets."""

    model_config = ConfigDict(frozen=True)


def fitted(schema: type[Model], sent: Any, *at: str) -> Model:
    """`sent` as `schema` has it, where another field says which schema that is. What is wrong is reported below `at`."""
    try:
        return schema.model_validate(sent)
    except ValidationError as error:
        found = [{**one, "loc": ("body", *at, *one["loc"])} for one in error.errors(include_url=False)]
        raise RequestValidationError(found) from None


def undotted(sent: Any) -> Any:
    """`{"webhook": {"webhook.url": …}}` and `{"webhook.url": …}` as `{"webhook": {"url": …}}`: the reference of the other service
    shows nested fields under dotted names, and people copy it."""
    if not isinstance(sent, dict):
        return sent
    return _nested(sent, ())


def _nested(sent: dict[str, Any], above: tuple[str, ...]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in sent.items():
        parts = tuple(name.split(".")) if isinstance(name, str) and len(above) < 32 and _is_dotted(name) else (name,)
        # Inside `webhook`, `webhook.response.prompt` is response.prompt.
        if len(parts) > len(above) > 0 and parts[: len(above)] == above:
            parts = parts[len(above) :]
        inner = _nested(value, (*above, *parts)) if isinstance(value, dict) and (*above, *parts)[-1] not in _FREE else value
        at = nested
        for part in parts[:-1]:
            at = at.setdefault(part, {})
            if not isinstance(at, dict):
                return sent  # it says two things at once; what is wrong is told by the schema
        last = parts[-1]
        if isinstance(at.get(last), dict) and isinstance(inner, dict):
            at[last] = {**at[last], **inner}
        else:
            at[last] = inner
    return nested


# What is below these has names of the caller's own, which may hold a dot.
_FREE = frozenset(["headers", "values", "variables", "columns", "params"])


def _is_dotted(name: str) -> bool:
    return 0 < name.count(".") < 8 and all(part.replace("_", "").isalnum() for part in name.split("."))
