"""What an agent is asked: a Turn. Every kind of agent gets the same one and answers with the same contents."""

import asyncio
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from dragoman.whatsapp.content import Outgoing


class File(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file the customer sent, at an address of ours that works until `expires_at`."""

    url: str
    kind: str
    mime_type: str
    state: str  # ready, pending (the address will work soon) or failed
    expires_at: datetime
    size: int | None = None
    sha256: str | None = None
    filename: str | None = None
    voice: bool = False
    # Ours, told to nobody outside: `transcript` is what was read of it, `unread` why nothing could be.
    id: UUID | None = None
    object_key: str | None = None
    transcript: str | None = None
    unread: str | None = None


class Quoted(msgspec.Struct, frozen=True):
    """The message that a customer answers to. Of one that we never saw, `message_id` and `text` are None."""

    whatsapp_id: str
    message_id: UUID | None = None
    by: Literal["customer", "business"] | None = msgspec.field(default=None, name="from")
    text: str | None = None  # its words, or what it is: "[an image]"
    product: dict[str, Any] | None = None  # {catalog_id, product_retailer_id} when it was written from a product's page


class Said(msgspec.Struct, frozen=True):
    """One message of the customer. `content` is the stored `whatsapp.events.Received` as JSON."""

    id: UUID
    wamid: str
    at: datetime
    content: dict[str, Any]
    files: list[File]
    quoted: Quoted | None = None


class Person(msgspec.Struct, frozen=True):
    id: UUID
    name: str | None
    phone: str | None
    user_id: str | None
    username: str | None


class Turn(msgspec.Struct, frozen=True):
    id: UUID
    agent_id: UUID
    conversation_id: UUID
    phone_number_id: str
    business_number: str
    contact: Person
    said: list[Said]
    callback_url: str
    callback_until: datetime
    window_until: datetime | None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking once.

    answered, silent, unrecognised   the turn is over
    refused                          the agent said no for good (a 4xx, an address we do not call)
    failed                           worth asking again
    superseded                       the customer wrote again before anything was said or done: ask about all of it
    """

    kind: Literal["answered", "silent", "unrecognised", "refused", "failed", "superseded"]
    started_at: datetime
    duration_ms: float
    contents: list[Outgoing] = []
    status: int | None = None
    head: str | None = None
    cause: str | None = None
    retry_after: float | None = None
    transfer: "Transfer | None" = None
    reply_to: str | None = None  # wamid that the first content quotes
    citations: list[dict[str, Any]] = []


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """To whom the thread goes when everything is said: another agent (`agent_id`), or a person (None)."""

    agent_id: UUID | None = None
    reason: str = ""
    summary: str = ""
    minutes: int | None = None  # a person's take-over ends by itself


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier message, as a model is told of it. `text` is its words, or what it is: "[an image]"."""

    seq: int
    by: Literal["customer", "agent", "person", "business"]
    text: str
    at: datetime
    outside: bool = False  # see `brings_others_words`


def brings_others_words(content: dict[str, Any]) -> bool:
    """Whether a customer's stored message carries what somebody else wrote: it is forwarded, a contact card, the name of a place,
    the answer to an ad, a document, a recording that is no voice note. What he types, photographs, orders or says is his own word."""
    place = content.get("location") or {}
    if content.get("forwarded") or content.get("contacts") or content.get("referral") or place.get("name") or place.get("address"):
        return True
    return any(
        file.get("kind") == "document" or (file.get("kind") == "audio" and not file.get("voice")) for file in content.get("media") or ()
    )


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one agent with one person. `answers`: how many turns the agent has answered in it."""

    id: UUID
    from_seq: int
    opened_at: datetime
    answers: int = 0
    summary: str | None = None
    summary_through: int = 0
    outside: bool = False  # the agent has read in it what others wrote


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """A turn with what only an agent inside Dragoman is told: the past, the session, and why it thinks when nobody wrote.

    `news` is set once the customer has written again while the agent thinks. `new`: nobody has thought about this turn before, so there
    is nothing of it in the journal.
    """

    organisation_id: UUID
    turn: Turn
    session: Session
    history: list[Line]  # oldest first, without the messages of the turn
    instruction: str | None = None
    forced: bool = True
    outside: bool = False  # the instruction is made of what a model wrote
    fence: int | None = None  # proves that the conversation is in our hands; None when nobody else could have it
    news: asyncio.Event | None = None
    new: bool = False
