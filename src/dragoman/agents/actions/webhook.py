"""WEBHOOK: a request to an address of the business, with fixed values and those that the agent has found out."""

import json
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

from pydantic import BeforeValidator, Field

from dragoman.agents.actions import values
from dragoman.agents.actions.action import Action, ActionType, asked
from dragoman.agents.apischema import keeping, sending
from dragoman.agents.apischema.build import ACCEPT, USER_AGENT, Request
from dragoman.agents.capability import Run
from dragoman.agents.kit import Kit
from dragoman.agents.masks import Path
from dragoman.agents.schema import Flag, Form
from dragoman.agents.tools import Call, Json, Result, Tool
from dragoman.errors import Invalid
from dragoman.http.answers import Refused
from dragoman.http.guarded import OURS, check_url

SECONDS = 20.0
# Headers that say what a body is; every other one may be a secret.
_PLAIN = frozenset(["accept", "content-type", "user-agent"])

Name = Annotated[str, Field(min_length=1, max_length=64)]
Method = Annotated[
    Literal["GET", "POST", "PUT", "PATCH", "DELETE"], BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value)
]


class Values(Form):
    type: Literal["static"] = "static"
    values: dict[str, Any] = Field(default_factory=dict)


class Use(Form):
    prompt: Annotated[str, Field(max_length=10_000, description="How the agent is to use the answer")] = ""


class Block(Form):
    url: Annotated[str, Field(max_length=2048)]
    method: Method
    mandatory: Annotated[bool, Field(strict=True, description="The customer is asked by a button first")] = False
    headers: Annotated[dict[str, Annotated[str, Field(max_length=4096)]], Field(max_length=50)] = Field(default_factory=dict)
    body: Annotated[list[Values], Field(max_length=50)] = Field(default_factory=list)
    static_body: Annotated[str, Field(max_length=64 * 1024)] = ""
    required: Annotated[list[Name], Field(max_length=30, description="Values that the agent asks the customer for first")] = Field(
        default_factory=list
    )
    response: Use = Use()
    run_before_call: Flag = False
    type: Literal["static"] = "static"


class Webhook(Form):
    webhook: Block


async def _tools(run: Run, action: Action, name: str) -> list[Tool]:
    block: Block = action.config.webhook

    async def call_it(call: Call) -> Result:
        request = _request(run, block, values.given(block.required, call.args), call.key)
        came = await sending.send(run.kit.guarded, request, SECONDS)
        return Result(text=came.text, error=came.error, outside=came.foreign)

    use = f" When it has answered: {block.response.prompt}" if block.response.prompt else ""
    return [
        Tool(
            name=name,
            description=action.description + use,
            parameters=values.parameters(block.required, "%s, as the customer gave it"),
            run=call_it,
            type="api",
            capability_id=action.id,
            acts=block.method != "GET",
            confirm=asked(block.mandatory),
        )
    ]


def _request(run: Run, block: Block, found: dict[str, str], key: str) -> Request:
    headers = {"User-Agent": USER_AGENT, "Accept": ACCEPT, **block.headers}
    secrets = tuple(value for name, value in block.headers.items() if name.lower() not in _PLAIN)
    sent: Json = {}
    for one in block.body:
        sent |= _with_phone(one.values, values.phone_of(run))
    fixed = _object(block.static_body)
    if fixed is not None:
        sent |= _with_phone(fixed, values.phone_of(run))
    sent |= found
    if block.method == "GET":
        return Request("GET", _with_query(block.url, sent), headers, None, secrets)
    if block.static_body and fixed is None:
        headers.setdefault("Content-Type", "text/plain; charset=utf-8")
        body = block.static_body.replace(values.PHONE, values.phone_of(run)).encode()
    else:
        headers.setdefault("Content-Type", "application/json")
        body = json.dumps(sent, ensure_ascii=False).encode()
    headers["Idempotency-Key"] = key.encode("ascii", "replace").decode()
    return Request(block.method, block.url, headers, body, secrets)


def _with_phone(value: Any, phone: str) -> Any:
    if isinstance(value, str):
        return value.replace(values.PHONE, phone)
    if isinstance(value, dict):
        return {name: _with_phone(one, phone) for name, one in value.items()}
    return [_with_phone(one, phone) for one in value] if isinstance(value, list) else value


def _with_query(url: str, sent: Json) -> str:
    if not sent:
        return url
    parts = urlsplit(url)
    more = [(name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)) for name, value in sent.items()]
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query, keep_blank_values=True), *more])))


def _object(text: str) -> Json | None:
    try:
        found = json.loads(text) if text.strip() else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


async def _check(kit: Kit, organisation_id: UUID, config: Webhook) -> None:
    block = config.webhook
    try:
        check_url(block.url, kit.settings.allow_private_urls)
    except Refused as refused:
        raise Invalid(f"webhook.url: {refused.reason}", field="webhook.url") from None
    for name, value in block.headers.items():
        if name.lower() in OURS or not name.isascii() or not name.isprintable() or set(name) & set(" :") or not value.isprintable():
            raise Invalid(f"webhook.headers: {name!r} cannot be sent as a header", field="webhook.headers")
    if block.static_body and _object(block.static_body) is None and (block.required or block.body):
        why = "it is no JSON object, so there is no place for the values of body and required; make it one, or leave those out"
        raise Invalid(f"webhook.static_body: {why}", field="webhook.static_body")


def _secrets(config: Json) -> list[Path]:
    headers = config["webhook"].get("headers") or {}
    return [("webhook", "headers", name) for name in headers if name.lower() not in _PLAIN and "/" not in name]


TYPE = ActionType(
    name="WEBHOOK",
    schema=Webhook,
    tools=_tools,
    early=lambda config: config.webhook.run_before_call,
    check=_check,
    secrets=_secrets,
    bound_to=lambda config: keeping.host_of(config["webhook"]["url"]),
)
