"""What a campaign is made of."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from dragoman.campaigns.window import Window

State = Literal["scheduled", "running", "paused", "completed", "cancelled"]


class Param(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place of a template: a text, or the name of a value; `file` is a header's image, video or document."""

    text: str
    default: str | None = None  # stands in for a value that somebody lacks
    file: dict[str, Any] | None = None


class Part(msgspec.Struct, frozen=True):
    is_static: bool = True  # the same for everybody; else each param names a value of the person
    params: list[Param] = []


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A template and what fills it. `text` is what it says, with its {{1}} places, for those who read along."""

    name: str
    language: str
    header: Part = Part()
    body: Part = Part()
    buttons: Part = Part()
    text: str = ""


class Addressee(msgspec.Struct, frozen=True):
    """A phone number in any spelling, or the id of a contact."""

    phone: str | None = None
    contact: str | None = None
    variables: dict[str, Any] | None = None


class NewCampaign(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    agent_id: UUID
    message: Message
    audience: list[Addressee]
    start_at: datetime
    window: Window = Window()
    delay: float = 0.0  # seconds between two sends of one number
    ignore_suppression: bool = False
    from_numbers: list[str] = []  # ids or display numbers; none: those on which the agent answers
    paused: bool = False
    details: dict[str, Any] = {}


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    state: State
    cause: str | None
    agent_id: UUID
    agent_number: int
    message: Message
    start_at: datetime
    window: Window
    delay: float
    ignore_suppression: bool
    from_numbers: list[str]  # ids at WhatsApp
    details: dict[str, Any]
    total: int
    duplicates: int
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    given: str
    contact_id: UUID | None
    name: str | None
    phone: str | None
    state: str  # pending, queued, sent, delivered, read, failed, skipped, cancelled, unknown
    reason: str | None
    replied: bool
    conversation_id: UUID | None
    message_id: UUID | None
    queued_at: datetime | None


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody is in exactly one of pending, queued, sent, unknown, failed, skipped, cancelled; these make `total`.

    `sent` is what WhatsApp took. Who has read it also had it delivered, and to whom it was delivered it was sent.
    """

    total: int
    duplicates: int
    pending: int
    queued: int
    sent: int
    delivered: int
    read: int
    unknown: int
    failed: int
    skipped: int
    cancelled: int
    replied: int
    failed_reasons: dict[str, int]
    skipped_reasons: dict[str, int]
