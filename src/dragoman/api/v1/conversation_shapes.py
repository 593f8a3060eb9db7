"""What this dialect shows of contacts, conversations and calls of an agent's webhook."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from dragoman.api.v1.message_shapes import role_of, type_of
from dragoman.api.v1.models import Shape
from dragoman.conversations import contacts, reading
from dragoman.conversations.wording import words


class Contact(Shape):
    id: UUID
    phone_number: str | None = Field(description="Digits with country code; null when WhatsApp hides it")
    name: str | None
    username: str | None = Field(description="WhatsApp username, without @")
    user_id: str | None = Field(description="WhatsApp's business-scoped user id")
    opted_out_at: datetime | None = Field(description="Our addition: when the person said STOP; templates and follow-ups are refused then")

    @classmethod
    def of(cls, contact: contacts.Contact | reading.Person) -> "Contact":
        return cls(
            id=contact.id,
            phone_number=contact.phone,
            name=contact.name,
            username=contact.username,
            user_id=contact.bsuid,
            opted_out_at=contact.opted_out_at,
        )


class AgentName(Shape):
    id: UUID
    name: str


class OwnNumber(Shape):
    id: UUID
    number: str = Field(description="Digits with country code")
    is_sandbox: bool


class LastMessage(Shape):
    type: str
    body: str
    created_at: datetime
    role: Literal["user", "assistant", "system"]

    @classmethod
    def of(cls, message: reading.LastMessage) -> "LastMessage":
        return cls(type=type_of(message), body=words(message.content), created_at=message.created_at, role=role_of(message))


class Owner(Shape):
    """Who answers in this conversation. Each change raises `epoch`; what was thought under an older one is not sent."""

    kind: Literal["agent", "person", "phone_app", "webhook", "nobody"]
    epoch: int
    until: datetime | None = Field(description="When a take-over ends by itself")


class Conversation(Shape):
    id: UUID
    contact: Contact
    active_agent: AgentName | None
    whatsapp_number: OwnNumber | None
    chat_window_remaining_time: int = Field(description="Seconds left in which free-form messages are allowed")
    last_message: LastMessage | None
    is_human_takeover: bool
    active: bool = Field(description="The contact wrote within the last 24 hours")
    routing: Literal["agent", "webhook", "sandbox"] | None = Field(description="In effect; null stores messages and answers none")
    routing_override: bool = Field(description="`routing` was set on this conversation; otherwise it is the number's")
    webhook_id: UUID | None
    latest_referral: dict[str, Any] | None = Field(description="The ad or post the contact came from, as WhatsApp sends it")
    active_support_handoff: dict[str, Any] | None = None
    support_handoffs: list[dict[str, Any]] = Field(default_factory=list)
    shopify_customer: dict[str, Any] | None = None
    has_unread: bool
    created_at: datetime
    updated_at: datetime
    owner: Owner

    @classmethod
    def of(cls, found: reading.Conversation, now: datetime) -> "Conversation":
        left = int((found.window_until - now).total_seconds()) if found.window_until else 0
        return cls(
            id=found.id,
            contact=Contact.of(found.contact),
            active_agent=AgentName(id=found.agent_id, name=found.agent_name or "") if found.agent_id else None,
            whatsapp_number=OwnNumber(id=found.number_id, number=found.number, is_sandbox=found.is_sandbox),
            chat_window_remaining_time=max(0, left),
            last_message=LastMessage.of(found.last_message) if found.last_message else None,
            is_human_takeover=found.owner in ("person", "phone_app"),
            active=bool(found.window_until and found.window_until > now),
            routing=found.routing,
            routing_override=found.routing_override,
            webhook_id=None,
            latest_referral=found.referral,
            has_unread=found.unread > 0,
            created_at=found.created_at,
            updated_at=found.updated_at,
            owner=Owner(kind=found.owner, epoch=found.epoch, until=found.handback_at),
        )


Outcome = Literal["answered", "silent", "unrecognised", "refused", "failed"]


class Delivery(Shape):
    """One call of an agent's webhook."""

    id: UUID
    turn_id: UUID = Field(description="The same for all tries about one question; `turn_` and this is the `webhook-id` header of the call")
    conversation_id: UUID | None = Field(description="null for a test event")
    attempt: int
    url: str
    started_at: datetime
    duration_ms: float
    outcome: Outcome
    status: int | None = Field(description="HTTP status; null when there was no answer")
    response_head: str | None = Field(description="What the agent said, its first 2 KB")
    cause: str | None = Field(description="What went wrong, in plain words")
    retry_at: datetime | None
    turn_state: str | None
    replay_of: UUID | None = Field(description="The turn that this one repeats")

    @classmethod
    def of(cls, delivery: reading.Delivery) -> "Delivery":
        return cls.model_validate(delivery, from_attributes=True)
