"""What every answer of this dialect is wrapped in: `{ctx_id, data}` for what was made, with `message` for everything else."""

from contextvars import ContextVar
from typing import Any, Generic, Literal, TypeVar

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

T = TypeVar("T")

# The id of the request, set by `edge`; it is in the log lines of the request too.
CTX_ID: ContextVar[str] = ContextVar("ctx_id", default="")
MESSAGE: Literal["Request processed successfully"] = "Request processed successfully"


class Made(BaseModel, Generic[T]):
    ctx_id: str = Field(description="Names this request, in our logs too")
    data: T

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        return f"Made{params[0].__name__}"


class Got(BaseModel, Generic[T]):
    ctx_id: str = Field(description="Names this request, in our logs too")
    data: T
    message: Literal["Request processed successfully"] = MESSAGE

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        return f"Got{params[0].__name__}"


class Fault(BaseModel):
    field: str = Field(description="Where it is: additional_settings.idle_time; empty when it is no field")
    message: str


class Failed(BaseModel):
    """The body of every answer that is not a success."""

    ctx_id: str
    message: str = Field(description="What was wrong and what to do, in plain words")
    errors: list[Fault]


class Deleted(BaseModel):
    id: str


def made(data: T) -> Made[T]:
    return Made(ctx_id=CTX_ID.get(), data=data)


def got(data: T) -> Got[T]:
    return Got(ctx_id=CTX_ID.get(), data=data)


def failed(status: int, message: str, errors: list[Fault] | None = None, *, headers: dict[str, str] | None = None) -> JSONResponse:
    body = Failed(ctx_id=CTX_ID.get(), message=message, errors=errors or [])
    return JSONResponse(body.model_dump(), status, headers)
