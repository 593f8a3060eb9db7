"""What callers may send about an agent. Fields that are left out stay as they are, in PATCH and in PUT alike."""

from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, WithJsonSchema, model_validator

from dragoman.agents.native import AutomaticTurns, Options
from dragoman.agents.records import RETRY_DELAYS
from dragoman.agents.relations import settings as relations
from dragoman.agents.schema import Schema
from dragoman.api.v1.capability_lists import ListInputs
from dragoman.api.v1.models import Input
from dragoman.api.v1.shapes import CONFIGS
from dragoman.whatsapp.limits import TEXT_BODY

LONGEST_OBJECT = 64 * 1024
DEEPEST_OBJECT = 32
# Sent back by clients that read an agent, change a field and put the whole of it; ignored, since only we write them.
READ_ONLY = (
    "id createdAt updatedAt owner sharings ownerActive organization phoneNumbers totalMessages totalSessions connectUrl".split()  # noqa: SIM905
)


def _as_object(value: object) -> object:
    """A configuration may come as an object or, as the published document types it, as JSON text; `""` and null unset it."""
    if value in ("", None):
        return None
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            raise ValueError("is text, but not the text of a JSON object") from None
    if not isinstance(value, dict):
        raise ValueError("must be an object, its JSON text, or null")
    if _depth(value) > DEEPEST_OBJECT:
        raise ValueError(f"is nested more than {DEEPEST_OBJECT} levels deep")
    return value


def _depth(value: object, so_far: int = 0) -> int:
    if so_far > DEEPEST_OBJECT or not isinstance(value, dict | list):
        return so_far
    parts = value.values() if isinstance(value, dict) else value
    return max((_depth(part, so_far + 1) for part in parts), default=so_far + 1)


def _storable(value: dict[str, Any] | None) -> dict[str, Any] | None:
    try:
        size = len(msgspec.json.encode(value))
    except (OverflowError, ValueError):
        raise ValueError("holds a number that is too large") from None
    if size > LONGEST_OBJECT:
        raise ValueError(f"is larger than {LONGEST_OBJECT // 1024} KB")
    return value


def _form(form: type[Schema]) -> Callable[[dict[str, Any] | None], dict[str, Any] | None]:
    """What was sent, if it has this form; the first mistake in it otherwise."""

    def check(value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is None:
            return None
        try:
            form.model_validate(value)
        except ValidationError as wrong:
            first = wrong.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"{place + ': ' if place else ''}{first['msg'].removeprefix('Value error, ')}") from None
        return value

    return check


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


_OBJECT_SCHEMA = {"anyOf": [{"type": "object"}, {"type": "string", "description": "JSON text of the object"}, {"type": "null"}]}
Configuration = Annotated[dict[str, Any] | None, BeforeValidator(_as_object), AfterValidator(_storable), WithJsonSchema(_OBJECT_SCHEMA)]
Name = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_not_blank)]
Word = Annotated[str, Field(max_length=255)]
Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        description="Where messages are posted: a public https address",
        json_schema_extra={"format": "iri", "pattern": "^https?://", "examples": ["https://agent.example/hook"]},
    ),
]
Fallback = Annotated[str, Field(max_length=TEXT_BODY, description="What the customer is told after the first failure")]
# Whole milliseconds: the database keeps no number as small as JSON can write.
Seconds = Annotated[float, Field(strict=True, ge=0, le=86_400), AfterValidator(lambda value: round(value, 3))]
Icebreaker = Annotated[str, Field(min_length=1, max_length=80)]  # Meta: at most 4 ice breakers of 80 characters


class ByoaOptions(Input):
    """Our additions: how the agent's webhook is called."""

    timeout_seconds: Annotated[float, Field(strict=True, ge=1, le=60, description="How long an answer may take")] = 15
    retry_delays: Annotated[list[Seconds], Field(max_length=10, description="Seconds before each further attempt")] = list(RETRY_DELAYS)  # noqa: RUF012 - pydantic copies it
    burst: Annotated[Literal["each", "merge"], Field(description="Messages that wait: one delivery each, or all in one")] = "each"
    automatic_turns: AutomaticTurns = None
    fallback_message: Annotated[Fallback | None, BeforeValidator(_empty_is_none)] = None
    resend: Annotated[
        Literal["never_resend", "resend_once"], Field(description="What to do when it is unknown whether WhatsApp took a message")
    ] = "never_resend"


class ByoaChanges(ByoaOptions):
    webhook_url: Url | None = None
    enabled: Annotated[
        Literal[True], Field(description="Switches a webhook on again that was switched off; so does sending its `webhookUrl`")
    ] = True

    @model_validator(mode="before")
    @classmethod
    def _leave_out_read_only(cls, sent: object) -> object:
        return _without(sent, ["secretHint", "disabledAt", "disabledCause"])


class CreateByoaAgentInput(Input):
    """A proxy agent: every message is posted to the webhook, and what it answers is sent to the customer."""

    webhook_url: Url
    name: Name | None = None
    byoa: ByoaOptions = Field(default_factory=ByoaOptions)


class DocumentEntry(Input):
    """A document that the agent has; new ones are added at `agents/{id}/documents/`. Fields that only we write are ignored."""

    id: UUID
    name: Annotated[str, Field(min_length=1, max_length=255)]

    @model_validator(mode="before")
    @classmethod
    def _leave_out_read_only(cls, sent: object) -> object:
        return _without(sent, ["kind", "status", "cause", "url", "file", "passages", "createdAt", "updatedAt", "indexedAt"])


class UpdateAgentInput(ListInputs):
    documents: Annotated[
        list[DocumentEntry] | None, Field(max_length=5000, description="Names are taken over; documents that are missing are deleted")
    ] = None
    name: Name = ""
    description: Annotated[str, Field(max_length=10_000)] = ""
    system_prompt: Annotated[str, Field(max_length=100_000)] = ""
    first_message: Annotated[str, Field(max_length=TEXT_BODY)] = ""
    profile_picture: Configuration = None
    icebreakers: Annotated[Annotated[list[Icebreaker], Field(max_length=4)] | None, AfterValidator(lambda value: value or [])] = []  # noqa: RUF012
    llm_model: Word | None = None
    reasoning_effort: Word | None = None
    paywall_config: Annotated[Configuration, AfterValidator(_form(relations.Paywall))] = None
    ad_config: Annotated[Configuration, AfterValidator(_form(relations.Ad))] = None
    credit_settings: Annotated[Configuration, AfterValidator(_form(relations.Credits))] = None
    voice_call_config: Annotated[Configuration, Field(description="Kept and shown; calling is not served by this version")] = None
    native: Options = Field(default_factory=Options)
    byoa: ByoaChanges = Field(default_factory=ByoaChanges)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_read_only(cls, sent: object) -> object:
        return _without(sent, READ_ONLY)

    def changes(self, config: dict[str, Any], native: dict[str, Any]) -> dict[str, Any]:
        """The columns that were sent. `config` and `native` are what the agent has now; what was sent replaces its part of them."""
        columns = {name: getattr(self, name) for name in self.model_fields_set & COLUMNS}
        columns |= {name: getattr(self.byoa, name) for name in self.byoa.model_fields_set}
        sent = self.model_dump(by_alias=True, include=self.model_fields_set & set(CONFIG_FIELDS))
        if configs := {name: sent[name] for name in CONFIGS if name in sent}:
            columns["config"] = {name: value for name, value in (config | configs).items() if value is not None}
        if "native" in self.model_fields_set:
            columns["native"] = _merged(native, self.native.model_dump(mode="json", by_alias=True, exclude_unset=True))
        return columns


class CreateAgentInput(UpdateAgentInput):
    name: Name


CONFIG_FIELDS = ("paywall_config", "ad_config", "credit_settings", "voice_call_config")
COLUMNS = {"name", "description", "system_prompt", "first_message", "profile_picture", "icebreakers", "llm_model", "reasoning_effort"}


def _merged(stored: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """Objects field by field, everything else as a whole."""
    both = dict(stored)
    for name, value in sent.items():
        inner = stored.get(name)
        both[name] = _merged(inner, value) if isinstance(value, dict) and isinstance(inner, dict) else value
    return both


def _without(sent: object, names: list[str]) -> object:
    return {name: value for name, value in sent.items() if name not in names} if isinstance(sent, dict) else sent
