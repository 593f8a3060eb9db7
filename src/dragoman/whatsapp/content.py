"""What a WhatsApp message can carry, in our own words.

These types cross every border inside Dragoman: an agent returns them, the outbox stores them (as JSON, tagged by
`type`), `whatsapp.messages` checks them against Meta's limits and turns them into the wire form, and each API dialect
shows them in its own shape. They hold no wire keys and know no limits.
"""

from typing import Literal

import msgspec

MediaKind = Literal["image", "video", "audio", "document", "sticker"]


class Content(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", kw_only=True):
    """Base of everything that can be said."""


class Text(Content, frozen=True, tag="text", kw_only=True):
    body: str
    preview_url: bool = False


class Media(Content, frozen=True, tag="media", kw_only=True):
    """A file by public URL, which Meta fetches itself. `transcript`: the words of a voice note, kept with it and never sent."""

    kind: MediaKind
    url: str
    caption: str | None = None
    filename: str | None = None
    voice: bool = False
    transcript: str | None = None


class Location(Content, frozen=True, tag="location", kw_only=True):
    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


class ContactCard(Content, frozen=True, tag="contact", kw_only=True):
    name: str
    phone_number: str


class Button(msgspec.Struct, frozen=True, omit_defaults=True):
    title: str
    id: str


class Buttons(Content, frozen=True, tag="buttons", kw_only=True):
    """One to three reply buttons under a text."""

    body: str
    buttons: tuple[Button, ...]
    footer: str | None = None
    header: Media | None = None


class LinkButton(Content, frozen=True, tag="link_button", kw_only=True):
    body: str
    title: str
    url: str
    footer: str | None = None
    header: Media | None = None


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    title: str
    id: str
    description: str | None = None


class Choices(Content, frozen=True, tag="choices", kw_only=True):
    """A list message: one button that opens up to ten rows."""

    body: str
    button: str
    rows: tuple[Row, ...]
    footer: str | None = None


class Reaction(Content, frozen=True, tag="reaction", kw_only=True):
    """An emoji on an earlier message; an empty emoji takes it back."""

    message_id: str
    emoji: str = ""


class Template(Content, frozen=True, tag="template", kw_only=True):
    """A pre-approved template. `components` is Meta's own list, already filled in; `text` is what it says, where we know it."""

    name: str
    language: str
    components: list[dict[str, object]] = []
    variables: dict[str, object] = {}
    text: str = ""


Outgoing = Text | Media | Location | ContactCard | Buttons | LinkButton | Choices | Reaction | Template

_decoder = msgspec.json.Decoder(Outgoing)
_encode = msgspec.json.Encoder().encode


def dump(content: Content) -> str:
    return _encode(content).decode()


def load(stored: object) -> Outgoing:
    """The content of a stored outbound message (a dict from a jsonb column, or JSON text)."""
    content: Outgoing = _decoder.decode(stored) if isinstance(stored, str | bytes) else msgspec.convert(stored, Outgoing)
    return content
