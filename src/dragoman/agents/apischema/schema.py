"""`apiSchema`: one request of an API, in which each value is either fixed or described to the model, which then writes it.

    url             may hold {name} placeholders in its path and query, never in its host
    method          GET, HEAD, POST, PUT, PATCH, DELETE
    path_params     {name: Param}, one for each placeholder
    query_params    {required: [name], properties: {name: Param}}
    request_headers {name: Param}
    request_body    {type: "object", required: [name], properties: {name: Param}}, sent as JSON

Names are in snake_case although the rest of the API is not, because clients of this form write it so.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from dragoman.agents.apischema import keeping
from dragoman.agents.apischema.older import converted

Type = Literal["string", "integer", "number", "boolean", "array", "object"]
Place = Literal["path", "query", "header", "body"]
READS = ("GET", "HEAD")
MOST_PARAMS, DEEPEST = 200, 8
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
TOKEN = re.compile(r"%(PHONE_NUMBER|IMAGE_URL|CALLBACK_URL)%")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2
_AUTHORITY = re.compile(r"https?://[^/?#]+", re.IGNORECASE)
# How a message is framed and for whom it is, which the guarded door would refuse; and what each call brings itself.
NOT_YOURS = frozenset(
    """host content-length transfer-encoding connection keep-alive te trailer upgrade expect accept-encoding proxy-authenticate
    proxy-authorization proxy-connection cookie idempotency-key""".split()  # noqa: SIM905
)
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def wrong(why: str, *where: str | int) -> ValidationError:
    """An error at `where` below the part that is being checked."""
    kind = PydanticCustomError("value_error", "{error}", {"error": why})
    return ValidationError.from_exception_data("apiSchema", [InitErrorDetails(type=kind, loc=where, input=None)])


def _not_there(value: object) -> bool:
    return value is None or value is False


Text = Annotated[str, Field(max_length=4000)]
Name = Annotated[str, Field(min_length=1, max_length=128)]
Scalar = str | int | float | bool
Enum = Annotated[list[Scalar] | None, Field(min_length=1, max_length=500, exclude_if=_not_there)]
Required = Annotated[list[Name] | None, Field(max_length=MOST_PARAMS, exclude_if=_not_there)]
# Said in words: a form that holds itself would be two in the document, one to send and one to get.
_LIKE_THIS = WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "null"}], "description": "Of the form of this one"})
_ALL_LIKE_THIS = WithJsonSchema(
    {
        "anyOf": [{"type": "object", "additionalProperties": {"type": "object"}}, {"type": "null"}],
        "description": "Each of the form of this one",
    }
)


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Input(Part):
    """Where a value comes from: the model, by `description`, or `value`, which may hold %PHONE_NUMBER%, %IMAGE_URL%, %CALLBACK_URL%."""

    type: Literal["description", "value"]
    description: Annotated[Text | None, Field(exclude_if=_not_there)] = None
    value: Annotated[Any, Field(exclude_if=lambda value: value is None)] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        given, other = (self.description, "value") if self.type == "description" else (self.value, "description")
        if given is None:
            raise wrong(f"must be given, because the type is {self.type}", self.type)
        if getattr(self, other) not in (None, ""):
            raise wrong(f"has no place here, because the type is {self.type}", other)
        if _depth(self.value) > DEEPEST:
            raise wrong(f"is nested more than {DEEPEST} levels deep", "value")
        return self


class Shape(Part):
    """What is inside of an array that the model writes."""

    type: Type = "string"
    description: Annotated[Text | None, Field(exclude_if=_not_there)] = None
    enum: Enum = None
    items: Annotated["Shape | None", Field(exclude_if=_not_there), _LIKE_THIS] = None
    properties: Annotated[dict[Name, "Shape"] | None, Field(exclude_if=_not_there), _ALL_LIKE_THIS] = None
    required: Required = None

    @model_validator(mode="after")
    def _known(self) -> Self:
        _all_known(self.required, self.properties or {}, "required")
        return self


class Param(Part):
    """One value. An object with `properties` is put together from them, each with an `input` of its own.

    `secret` values are sealed and never shown: fixed texts in headers with names such as Authorization are secret by themselves.
    """

    type: Type = "string"
    input: Annotated[Input | None, Field(exclude_if=_not_there)] = None
    enum: Enum = None
    items: Annotated[Shape | None, Field(exclude_if=_not_there)] = None
    properties: Annotated[dict[Name, "Param"] | None, Field(exclude_if=_not_there), _ALL_LIKE_THIS] = None
    required: Required = None
    secret: Annotated[bool, Field(exclude_if=_not_there)] = False

    @property
    def fixed(self) -> bool:
        return self.input is not None and self.input.type == "value"

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.properties is not None:
            _check_object(self, self.properties)
        else:
            _check_value(self)
        return self


def _check_object(param: Param, properties: Mapping[str, Param]) -> None:
    if param.type != "object":
        raise wrong("must be object, because there are properties", "type")
    if param.fixed:
        raise wrong("must be description: the value of an object with properties comes from them", "input", "type")
    if param.secret or param.enum or param.items:
        name = "secret" if param.secret else "enum" if param.enum else "items"
        raise wrong("belongs to one of the properties, not to the object", name)
    _all_known(param.required, properties, "required")


def _check_value(param: Param) -> None:
    if param.input is None:
        raise wrong("is missing: say {type: description, description} or {type: value, value}", "input")
    if param.required is not None:
        raise wrong("goes with properties", "required")
    if param.items is not None and param.type != "array":
        raise wrong("goes with the type array", "items")
    if param.secret and not (param.fixed and isinstance(param.input.value, str)):
        raise wrong("is for an input of type value that is a text", "secret")
    if not param.fixed:
        return
    value = param.input.value
    if not isinstance(value, _TYPES[param.type]) or (isinstance(value, bool) and param.type != "boolean"):
        raise wrong(f"is not of the type {param.type}", "input", "value")


class Query(Part):
    required: Annotated[list[Name], Field(max_length=MOST_PARAMS)] = []
    properties: dict[Name, Param] = {}

    @model_validator(mode="after")
    def _known(self) -> Self:
        _all_known(self.required, self.properties, "required")
        return self


class Body(Query):
    type: Literal["object"] = "object"


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _filled(value: object) -> object:
    return {} if value is None else value


def _plain_url(url: str) -> str:
    """Everything about the address that needs no look at the rest; whether it may be called is seen when it is stored."""
    authority = _AUTHORITY.match(url)
    if not authority:
        raise ValueError("must start with https:// and a host name")
    if "{" in authority[0] or "}" in authority[0]:
        raise ValueError("holds a placeholder in its host; the host must be fixed, placeholders go behind it")
    if TOKEN.search(url):
        raise ValueError("holds a token such as %PHONE_NUMBER%; write a {placeholder} and give it that value")
    if "#" in url:
        raise ValueError("holds a #, which is never sent; leave it and what follows out")
    if re.search(r"[{}]", PLACEHOLDER.sub("", url)):
        raise ValueError("holds a brace without its other half")
    for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        if PLACEHOLDER.search(name):
            raise ValueError("holds a placeholder for the name of a query value; only its value can be one")
        if keeping.looks_secret(name, "query") and not PLACEHOLDER.search(value):
            raise ValueError(f"holds {name}; put it into query_params with an input of type value, where it is kept secret")
    return url


Params = Annotated[dict[Name, Param], BeforeValidator(_filled)]


class ApiSchema(Part):
    url: Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_plain_url)]
    method: Annotated[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], BeforeValidator(_upper)]
    path_params: Params = {}
    query_params: Annotated[Query, BeforeValidator(_filled)] = Field(default_factory=Query)
    request_headers: Params = {}
    request_body: Annotated[Body | None, Field(exclude_if=_not_there)] = None

    @model_validator(mode="before")
    @classmethod
    def _from_older_form(cls, sent: object) -> object:
        return converted(sent)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _check_placeholders(self)
        _check_query(self)
        _check_headers(self)
        if self.method in READS and self.request_body and self.request_body.properties:
            raise wrong(f"has no place here, because a {self.method} carries none", "request_body")
        _check_size(self)
        _check_secrets(self)
        return self

    @property
    def reads(self) -> bool:
        """It asks and changes nothing."""
        return self.method in READS


class Slot(NamedTuple):
    """One value of a request and where it goes; `at` is where it stands in the schema."""

    place: Place
    name: str
    param: Param
    required: bool
    at: tuple[str, ...]


def slots(schema: ApiSchema) -> Iterator[Slot]:
    for name, param in schema.path_params.items():
        yield Slot("path", name, param, True, ("path_params", name))
    for name, param in schema.query_params.properties.items():
        yield Slot("query", name, param, name in schema.query_params.required, ("query_params", "properties", name))
    for name, param in schema.request_headers.items():
        yield Slot("header", name, param, False, ("request_headers", name))
    body = schema.request_body or Body()
    for name, param in body.properties.items():
        yield Slot("body", name, param, name in body.required, ("request_body", "properties", name))


def _all_known(required: list[str] | None, properties: Mapping[str, object], where: str) -> None:
    for position, name in enumerate(required or []):
        if name not in properties:
            raise wrong(f"{name} is not one of the properties", where, position)


def _check_placeholders(schema: ApiSchema) -> None:
    named = PLACEHOLDER.findall(schema.url)
    for name in named:
        if name not in schema.path_params:
            raise wrong(f"has no entry for {{{name}}} of the url", "path_params")
    for name, param in schema.path_params.items():
        if name not in named:
            raise wrong(f"the url has no {{{name}}}; write it there, or leave this out", "path_params", name)
        _only_scalars(param, "path_params", name)


def _check_query(schema: ApiSchema) -> None:
    fixed = {name for name, _ in parse_qsl(urlsplit(schema.url).query, keep_blank_values=True)}
    for name, param in schema.query_params.properties.items():
        if name in fixed:
            raise wrong("stands in the url already; leave it out there or here", "query_params", "properties", name)
        if param.type != "array":
            _only_scalars(param, "query_params", "properties", name)
        elif param.items is not None and param.items.type in ("array", "object"):
            raise wrong(
                "must be a plain type, because these values stand in an address", "query_params", "properties", name, "items", "type"
            )


def _check_headers(schema: ApiSchema) -> None:
    seen: set[str] = set()
    for name, param in schema.request_headers.items():
        lower = name.lower()
        if not _HEADER.fullmatch(name):
            raise wrong("is not the name of a header", "request_headers", name)
        if lower in NOT_YOURS:
            raise wrong("is set by Dragoman and cannot be chosen; leave it out", "request_headers", name)
        if lower in seen:
            raise wrong("stands here twice; the case of a header does not count", "request_headers", name)
        seen.add(lower)
        _only_scalars(param, "request_headers", name)
        if param.fixed and param.input and CONTROL.search(str(param.input.value)):
            raise wrong("holds a line break or another control character", "request_headers", name, "input", "value")
        if lower == "content-type" and not (param.fixed and param.input and "json" in str(param.input.value).lower()):
            raise wrong("the body is sent as JSON; leave this header out, or give it a fixed JSON type", "request_headers", name)


def _only_scalars(param: Param, *where: str) -> None:
    if param.type in ("array", "object"):
        raise wrong("must be a plain type here: string, integer, number or boolean", *where, "type")


def _check_size(schema: ApiSchema) -> None:
    def count(param: Param, depth: int, at: tuple[str, ...]) -> int:
        if depth > DEEPEST:
            raise wrong(f"is nested more than {DEEPEST} levels deep", *at)
        return 1 + sum(count(child, depth + 1, at) for child in (param.properties or {}).values())

    if sum(count(slot.param, 1, slot.at) for slot in slots(schema)) > MOST_PARAMS:
        raise wrong(f"a request may have {MOST_PARAMS} values")


def _check_secrets(schema: ApiSchema) -> None:
    for path in keeping.paths(schema.model_dump(mode="json")):
        if any("/" in part for part in path):
            raise wrong("the name of a secret value cannot hold a /", *path)


def _depth(value: object, so_far: int = 0) -> int:
    if so_far > DEEPEST or not isinstance(value, dict | list):
        return so_far
    parts = value.values() if isinstance(value, dict) else value
    return max((_depth(part, so_far + 1) for part in parts), default=so_far + 1)
