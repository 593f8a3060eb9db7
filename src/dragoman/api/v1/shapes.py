"""What this dialect shows of agents, numbers and keys."""

from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec
from pydantic import Field

from dragoman.accounts import keys
from dragoman.accounts.numbers import Number
from dragoman.accounts.organisations import Organisation
from dragoman.agents import records
from dragoman.agents.native import AutomaticTurns, Options
from dragoman.agents.records import Totals
from dragoman.agents.relations.records import masked
from dragoman.api.v1.capability_lists import ListShapes
from dragoman.api.v1.documents import KnownDocument
from dragoman.api.v1.models import Shape
from dragoman.settings import Settings

CONFIGS = ("paywallConfig", "adConfig", "creditSettings", "voiceCallConfig")


class ApiKey(Shape):
    prefix: str = Field(description="Names the key; the only part that lists and logs show")
    name: str
    created_at: datetime
    last_used_at: datetime | None = Field(description="Exact to the minute")
    expires_at: datetime | None
    revoked_at: datetime | None
    permissions: list[str] | None = Field(description="Our addition: what it may do; null is everything")

    @classmethod
    def of(cls, key: keys.ApiKey) -> "ApiKey":
        return cls(
            prefix=key.prefix,
            name=key.name,
            created_at=key.created_at,
            last_used_at=key.last_used_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            permissions=key.permissions,
        )


class NewApiKey(ApiKey):
    key: str = Field(description="The API key itself. It is not shown again")


class BusinessAccount(Shape):
    id: str
    name: str
    wa_id: str


class ActiveAgent(Shape):
    id: UUID
    name: str
    icebreakers: list[str]


class NumberDelivery(Shape):
    """Our addition: how sending from this number goes."""

    per_second: float = Field(description="Messages a second, as WhatsApp allows this number")
    paused_reason: str | None = Field(description="Why nothing is sent at present, and what to do about it")
    paused_until: datetime | None
    statuses_missing_since: datetime | None = Field(
        description="Since when WhatsApp has sent no statuses although it accepts messages; null while they come"
    )


class PhoneNumber(Shape):
    id: UUID
    number: str = Field(description="Digits with the country code, without +")
    whatsapp_phone_number_id: str
    whatsapp_business_account: BusinessAccount | None
    active_agent: ActiveAgent | None
    default_routing: Literal["agent", "webhook", "sandbox"] | None
    default_webhook: None = None
    is_sandbox: bool
    delivery: NumberDelivery

    @classmethod
    def of(cls, number: Number, agent: records.Agent | None) -> "PhoneNumber":
        routing: Any = number.routing or ("sandbox" if number.is_sandbox else None)
        account = None if number.is_sandbox else BusinessAccount(id=number.waba_id, name=number.name, wa_id=number.waba_id)
        return cls(
            id=number.id,
            number=number.display_number,
            whatsapp_phone_number_id=number.phone_number_id,
            whatsapp_business_account=account,
            active_agent=ActiveAgent(id=agent.id, name=agent.name, icebreakers=agent.icebreakers) if agent else None,
            default_routing=routing,
            is_sandbox=number.is_sandbox,
            delivery=NumberDelivery(
                per_second=number.per_second,
                paused_reason=number.paused_reason,
                paused_until=number.paused_until,
                statuses_missing_since=number.statuses_missing_since,
            ),
        )


class AgentNumber(Shape):
    whatsapp_phone_number_id: str
    whatsapp_business_account_id: str
    waba_id: str
    phone_number: str


class AgentObjectNumber(Shape):
    whatsapp_phone_number_id: str
    whatsapp_business_account_id: str | None
    waba_id: str | None
    phone_number: str


class AgentOwner(Shape):
    phone_number: str | None
    whatsapp_name: str


class AgentOrganisation(Shape):
    id: UUID
    name: str
    is_personal: bool = False


class Byoa(Shape):
    """Our addition: how the agent's webhook is called."""

    webhook_url: str | None
    timeout_seconds: float = Field(description="How long an answer may take, 1 to 60")
    retry_delays: list[float] = Field(description="Seconds to wait before each further attempt when the webhook fails")
    burst: Literal["each", "merge"] = Field(description="Messages that wait: one delivery each, or all in one")
    automatic_turns: AutomaticTurns
    fallback_message: str | None = Field(description="What the customer is told after the first failure")
    resend: Literal["never_resend", "resend_once"] = Field(description="When it is unknown whether WhatsApp took a message")
    disabled_at: datetime | None = Field(description="Since when the webhook is switched off: nothing is posted to it; null when it is on")
    disabled_cause: str | None = Field(description="Why: it answered 410, or nothing but failures came of it for five days")
    secret: str | None = Field(
        None,
        description="Signs what is posted to the webhook (Standard Webhooks). Only in the answer that creates or rotates it",
        exclude_if=lambda secret: secret is None,
    )
    secret_hint: str | None = Field(description="The end of the secret, to tell which one it is")


class AgentCore(ListShapes):
    """What both representations of an agent share."""

    documents: list[KnownDocument]

    id: UUID
    name: str = Field(max_length=255)
    description: str
    system_prompt: str
    first_message: str
    icebreakers: list[str]
    llm_model: str | None
    reasoning_effort: str | None
    organization: AgentOrganisation
    connect_url: str = Field(description="Opens a WhatsApp chat with this agent; empty while the organisation has no number")
    created_at: datetime
    updated_at: datetime
    byoa: Byoa
    native: Options = Field(description="Our additions for agents that think inside Dragoman")


class Agent(AgentCore):
    """An agent as the published document types it: configurations, counters and flags are text (`""` when unset)."""

    profile_picture: str
    paywall_config: str
    ad_config: str
    credit_settings: str
    voice_call_config: str
    owner: str
    sharings: str
    phone_numbers: list[AgentNumber]
    total_messages: str
    total_sessions: str
    owner_active: str


class AgentObject(AgentCore):
    """The same agent with objects, numbers and nulls: for requests with `X-Wassist-Client` or `?representation=object`."""

    profile_picture: dict[str, Any] | None
    paywall_config: dict[str, Any] | None
    ad_config: dict[str, Any] | None
    credit_settings: dict[str, Any] | None
    voice_call_config: dict[str, Any] | None
    owner: AgentOwner
    sharings: list[AgentOwner]
    phone_numbers: list[AgentObjectNumber]
    total_messages: int
    total_sessions: int
    owner_active: bool


class Setting(NamedTuple):
    """What an agent's shape says beyond the agent's own row."""

    settings: Settings
    organisation: Organisation
    numbers: list[Number]
    totals: Totals
    secret: str | None
    hint: str | None
    lists: dict[str, Any]


def agent_as_text(agent: records.Agent, around: Setting) -> Agent:
    return Agent(
        **_core(agent, around),
        **{_snake[name]: _text(masked(agent.config).get(name)) for name in CONFIGS},
        profile_picture=_text(agent.profile_picture),
        owner=_text(_owner(around).model_dump(by_alias=True)),
        sharings="[]",
        phone_numbers=[
            AgentNumber(
                whatsapp_phone_number_id=number.phone_number_id,
                whatsapp_business_account_id=number.waba_id,
                waba_id=number.waba_id,
                phone_number=number.display_number,
            )
            for number in _connected(agent, around)
        ],
        total_messages=str(around.totals.messages),
        total_sessions=str(around.totals.sessions),
        owner_active="true",
    )


def agent_as_object(agent: records.Agent, around: Setting) -> AgentObject:
    return AgentObject(
        **_core(agent, around),
        **{_snake[name]: masked(agent.config).get(name) for name in CONFIGS},
        profile_picture=agent.profile_picture,
        owner=_owner(around),
        sharings=[],
        phone_numbers=[
            AgentObjectNumber(
                whatsapp_phone_number_id=number.phone_number_id,
                whatsapp_business_account_id=None if number.is_sandbox else number.waba_id,
                waba_id=None if number.is_sandbox else number.waba_id,
                phone_number=number.display_number,
            )
            for number in _connected(agent, around)
        ],
        total_messages=around.totals.messages,
        total_sessions=around.totals.sessions,
        owner_active=True,
    )


_snake = dict(zip(CONFIGS, ("paywall_config", "ad_config", "credit_settings", "voice_call_config"), strict=True))


def _core(agent: records.Agent, around: Setting) -> dict[str, Any]:
    return {
        "id": agent.id,
        "name": agent.name,
        "description": agent.description,
        "system_prompt": agent.system_prompt,
        "first_message": agent.first_message,
        "icebreakers": agent.icebreakers,
        "llm_model": agent.llm_model,
        "reasoning_effort": agent.reasoning_effort,
        "organization": AgentOrganisation(id=around.organisation.id, name=around.organisation.name),
        "connect_url": _connect_url(agent, around),
        "created_at": agent.created_at,
        "updated_at": agent.updated_at,
        "byoa": _byoa(agent, around),
        "native": agent.options,
        **around.lists,
    }


def _byoa(agent: records.Agent, around: Setting) -> Byoa:
    burst: Any = agent.burst
    resend: Any = agent.resend
    return Byoa(
        webhook_url=agent.webhook_url,
        timeout_seconds=agent.timeout_seconds,
        retry_delays=agent.retry_delays,
        burst=burst,
        automatic_turns=agent.automatic_turns,
        fallback_message=agent.fallback_message,
        resend=resend,
        disabled_at=agent.disabled_at,
        disabled_cause=agent.disabled_cause,
        secret=around.secret,
        secret_hint=around.hint,
    )


def _owner(around: Setting) -> AgentOwner:
    own = [number.display_number for number in around.numbers if not number.is_sandbox]
    return AgentOwner(phone_number=own[0] if own else None, whatsapp_name=around.organisation.name)


def _connected(agent: records.Agent, around: Setting) -> list[Number]:
    return [number for number in around.numbers if number.agent_id == agent.id]


def _connect_url(agent: records.Agent, around: Setting) -> str:
    """The best number to try the agent on: the sandbox's, else one it is connected to, else any."""
    candidates = [n for n in around.numbers if n.is_sandbox] or _connected(agent, around) or around.numbers
    if not candidates:
        return ""
    text = f"?text=/connect:{agent.id}"
    if around.settings.sandbox:
        return f"{around.settings.public_url}/sandbox/phone{text}"
    return f"https://wa.me/{candidates[0].display_number}{text}"


def _text(value: dict[str, Any] | None) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()
