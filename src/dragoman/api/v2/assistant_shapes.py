"""What is sent and shown of an assistant, and what each field becomes on the agent."""

from datetime import datetime
from typing import Annotated, Any, Literal, Union
from uuid import UUID

from pydantic import BeforeValidator, Field, model_validator

from dragoman.agents import integrations
from dragoman.agents.llm import providers
from dragoman.agents.llm.providers import ModelError
from dragoman.agents.native import LinkDomains, Options
from dragoman.agents.records import Agent
from dragoman.api.v2.models import Decimal, Input, Shape
from dragoman.conversations.services import Services
from dragoman.errors import Invalid
from dragoman.whatsapp.limits import TEXT_BODY

TYPE: Literal["WHATSAPP"] = "WHATSAPP"
OTHERS = ("SMS", "CHAT", "EMAIL", "VOICE_INCOMING", "VOICE_OUTGOING")
LONGEST_IDLE = 24 * 30
CLOSING = "Thank you for your messages. I have to end our conversation here for now."

Text = Annotated[str, Field(max_length=100_000)]
OptionalId = Annotated[
    UUID | None, BeforeValidator(lambda value: None if value == "" else value, json_schema_input_type=UUID | Literal[""] | None)
]


class Prompts(Input):
    agent: Annotated[str, Field(max_length=20_000, description="Who the assistant is")] = ""
    goal: Annotated[str, Field(max_length=20_000, description="What it is to reach")] = ""


class Settings(Input):
    idle_time: Annotated[
        int | None, Field(ge=1, le=LONGEST_IDLE, description="Hours without a message after which a conversation ends; 24 when left out")
    ] = None
    max_messages: Annotated[
        int | None, Field(ge=1, le=100_000, description="Answers in one conversation; after them it is silent until the conversation ends")
    ] = None
    closing_message: Annotated[
        str | None, Field(max_length=TEXT_BODY, description="Our addition: said after the last of `max_messages` answers")
    ] = None
    link_domains: Annotated[LinkDomains, Field(description="Our addition: where links may lead; null lets all pass")] = None


class LinkedKey(Input):
    api_key_id: Decimal
    type: Annotated[str, Field(max_length=50)] = ""


class AssistantChanges(Input):
    """What may be changed. Fields that are left out stay."""

    name: Annotated[str, Field(min_length=1, max_length=255)] = ""
    type: Literal["WHATSAPP"] = TYPE
    model: Annotated[str, Field(min_length=1, max_length=255, description="`cw-llm-1`, or a model of ours such as `openai/gpt-5.4`")] = (
        "cw-llm-1"
    )
    api_keys: Annotated[
        list[Union[Decimal, LinkedKey]],  # noqa: UP007 - Decimal is an annotation of its own
        Field(max_length=20, description="Whose keys may pay: names of model providers, or numbers of integrations"),
    ] = Field(default_factory=list)
    instructions: Annotated[Text, Field(description="How the assistant is to behave")] = ""
    prompts: Prompts = Prompts()
    phone_number: Annotated[Decimal | None, Field(description="Id of your WhatsApp number, such as 650175178190170")] = None
    kb_id: Annotated[OptionalId, Field(description="Id of a knowledge base")] = None
    action_ids: Annotated[list[UUID], Field(max_length=50)] = Field(default_factory=list)
    additional_settings: Settings = Settings()
    incoming_call_greeting: Annotated[
        str, Field(max_length=TEXT_BODY, description="Said once in each conversation, before the first answer")
    ] = ""
    force: Annotated[bool, Field(strict=True, description="The same as `?force=true`")] = False

    @model_validator(mode="before")
    @classmethod
    def _only_whatsapp(cls, sent: Any) -> Any:
        # Before the fields of the other channels are called unknown.
        if isinstance(sent, dict) and isinstance(kind := sent.get("type"), str) and kind != TYPE:
            known = kind.upper() in OTHERS
            why = f"{kind} assistants are not served" if known else f"{kind[:50]!r} is not a type of assistant"
            raise Invalid(f"type: {why}; send {TYPE}", field="type")
        return sent


class NewAssistant(AssistantChanges):
    name: Annotated[str, Field(min_length=1, max_length=255, description="Display name")]
    type: Literal["WHATSAPP"]
    model: Annotated[str, Field(min_length=1, max_length=255, description="`cw-llm-1`, or a model of ours such as `openai/gpt-5.4`")]
    instructions: Annotated[Text, Field(min_length=1, description="How the assistant is to behave")]
    phone_number: Annotated[Decimal, Field(description="Id of your WhatsApp number, such as 650175178190170")]


class AssistantRef(Shape):
    assistant_id: str
    name: str


class ShownSettings(Shape):
    idle_time: float = Field(description="Hours")
    max_messages: int | None
    closing_message: str
    link_domains: list[str] | None


class ShownPrompts(Shape):
    agent: str
    goal: str


class Assistant(Shape):
    assistant_id: str
    name: str
    type: Literal["WHATSAPP"] = TYPE
    model: str
    api_keys: list[Any]
    instructions: str
    prompts: ShownPrompts
    phone_number: str | None
    kb_id: UUID | None
    action_ids: list[UUID]
    additional_settings: ShownSettings
    incoming_call_greeting: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, agent: Agent, *, phone_number: str | None, kb_id: UUID | None, action_ids: list[UUID]) -> "Assistant":
        options = agent.options
        return cls(
            assistant_id=str(agent.number),
            name=agent.name,
            model=agent.llm_model or "cw-llm-1",
            api_keys=agent.config.get("api_keys", []),
            instructions=agent.system_prompt,
            prompts=ShownPrompts(agent=options.persona, goal=options.goal),
            phone_number=phone_number,
            kb_id=kb_id,
            action_ids=action_ids,
            additional_settings=ShownSettings(
                idle_time=options.idle_hours,
                max_messages=options.max_messages,
                closing_message=options.closing_text,
                link_domains=options.link_domains,
            ),
            incoming_call_greeting=agent.first_message,
            created_at=agent.created_at,
            updated_at=agent.updated_at,
        )


COLUMNS = {"name": "name", "model": "llm_model", "instructions": "system_prompt", "incoming_call_greeting": "first_message"}


async def checked(services: Services, organisation_id: UUID, sent: AssistantChanges, agent: Agent | None) -> dict[str, Any]:
    """The columns that were sent. Raises Invalid for what cannot work, with the field's whole path."""
    values: dict[str, Any] = {column: getattr(sent, field) for field, column in COLUMNS.items() if field in sent.model_fields_set}
    native, config = dict(agent.native) if agent else {}, dict(agent.config) if agent else {}
    prompts, settings = sent.prompts, sent.additional_settings
    native |= {{"agent": "persona", "goal": "goal"}[field]: getattr(prompts, field) for field in prompts.model_fields_set}
    native |= _settings(settings, native)
    if "api_keys" in sent.model_fields_set:
        config["api_keys"] = [key if isinstance(key, str) else key.model_dump() for key in sent.api_keys]
    model = values.get("llm_model") or (agent.llm_model if agent else None)
    await _check_model(services, organisation_id, model, config.get("api_keys") or [])
    Options.model_validate(native)
    return {**values, "native": native, "config": config}


def _settings(sent: Settings, native: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if "idle_time" in sent.model_fields_set:
        changes["idleHours"] = sent.idle_time or 24
    if "max_messages" in sent.model_fields_set:
        changes["maxMessages"] = sent.max_messages
        if sent.max_messages and not native.get("closingText"):
            changes["closingText"] = CLOSING
    if sent.closing_message is not None:
        changes["closingText"] = sent.closing_message
    if "link_domains" in sent.model_fields_set:
        changes["linkDomains"] = sent.link_domains
    return changes


async def _check_model(services: Services, organisation_id: UUID, model: str | None, keys: list[Any]) -> None:
    """Somebody answers for the model; with keys linked, one of theirs."""
    try:
        choice = await providers.choose(services.kit, organisation_id, model)
    except ModelError as error:
        raise Invalid(f"model: {error}", field="model") from None
    known = {provider.name for provider in await providers.listing(services.kit, organisation_id)}
    numbers = {str(row["number"]) for row in await integrations.listing(services.kit, organisation_id)}
    linked = [key if isinstance(key, str) else key["api_key_id"] for key in keys]
    for n, key in enumerate(linked):
        if key not in known | numbers:
            raise Invalid(
                f"api_keys[{n}]: {key[:50]!r} is none of your model providers or integrations; leave api_keys out to use the server's own",
                field=f"api_keys[{n}]",
            )
    if choice is not None and (paying := known & set(linked)) and choice.provider not in paying:
        raise Invalid(f"api_keys: the model is {choice.name}, and no key of {choice.provider} is among them", field="api_keys")
