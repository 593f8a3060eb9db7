"""What a customer's message holds, and how it is read from the parts of Meta's message object."""

from collections.abc import Callable
from typing import Any

import msgspec

from dragoman.whatsapp import lenient
from dragoman.whatsapp.lenient import decimal, digits, elements, identifier, integer, mapping, text

JsonObject = dict[str, Any]


class MediaRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that lies at Meta: by `id` for 7 days, at `url` (with our access token) for some minutes."""

    id: str
    kind: str  # image, video, audio, document or sticker
    mime_type: str = ""
    sha256: str | None = None  # base64, as Meta sends it
    filename: str | None = None
    voice: bool = False  # recorded in the chat, not an audio file
    url: str | None = None
    caption: str | None = None


class Choice(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was tapped. `kind` is button, list, template_button, flow, call_permission, or Meta's own word for a newer one."""

    kind: str
    id: str = ""
    title: str = ""
    description: str | None = None
    data: JsonObject | None = None  # the form of a flow, the details of a call permission


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None
    url: str | None = None


class Card(msgspec.Struct, frozen=True, omit_defaults=True):
    """A contact card that was shared; `phones` as they were written in it."""

    name: str
    phones: list[str] = []


class Reacted(msgspec.Struct, frozen=True, omit_defaults=True):
    """An emoji put on a message; an empty one takes it back."""

    message_id: str
    emoji: str = ""


class Quoted(msgspec.Struct, frozen=True, omit_defaults=True):
    """The message that this one answers. It may be one we never saw."""

    wamid: str
    from_: str | None = None  # phone of its author, which may be the business itself
    product: JsonObject | None = None  # {catalog_id, product_retailer_id} when it was written from a product's page


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of Meta's error objects; codes as in `whatsapp.codes`."""

    code: int | None = None
    title: str = ""
    message: str = ""
    details: str = ""


class Received(msgspec.Struct, omit_defaults=True):
    """The content of a message that came in, as it is stored in `messages.content`.

    `type` is Meta's word, also when this version does not know it. `text` is what an agent reads: the text itself, a
    caption, the title of the button or row that was tapped, the note of a system message; "" when there is none.
    """

    type: str
    text: str = ""
    media: list[MediaRef] = []
    reply: Choice | None = None
    location: Place | None = None
    contacts: list[Card] = []
    reaction: Reacted | None = None
    order: JsonObject | None = None  # {catalog_id, text?, product_items: [...]}, as Meta sends it
    quoted: Quoted | None = None
    forwarded: bool = False
    referral: JsonObject | None = None  # the ad or post it started from, as Meta sends it
    errors: list[Failure] = []
    edit_of: str | None = None  # wamid of the message that this one replaces; `text` and `media` are the new ones
    revoke_of: str | None = None  # wamid of the message that was deleted for everyone
    group_id: str | None = None


_decoder = msgspec.json.Decoder(Received)
_encode = msgspec.json.Encoder().encode


def dump(received: Received) -> str:
    return _encode(received).decode()


def load(stored: object) -> Received:
    """The content of a stored inbound message (a dict from a jsonb column, or JSON text)."""
    if isinstance(stored, str | bytes):
        return _decoder.decode(stored)
    return msgspec.convert(stored, Received)


def read(item: JsonObject) -> Received:
    """The content of one element of `messages[]` or `message_echoes[]`."""
    received = Received(type=identifier(item.get("type")) or "unknown")
    _fill(received, item, received.type)
    if "referral" in item:
        received.referral = mapping(item["referral"]) or None
    if "errors" in item:
        received.errors = failures(item["errors"])
    if "group_id" in item:
        received.group_id = identifier(item["group_id"])
    return received


def failures(errors: Any) -> list[Failure]:
    """Meta's `errors[]`."""
    return [failure(error) for error in elements(errors) if type(error) is dict]


def failure(error: JsonObject) -> Failure:
    return Failure(
        code=integer(error.get("code")),
        title=text(error.get("title")) or "",
        message=text(error.get("message")) or "",
        details=text(mapping(error.get("error_data")).get("details")) or "",
    )


def _fill(received: Received, item: JsonObject, kind: str) -> None:
    reader = _READERS.get(kind)
    if reader:
        reader(received, item.get(kind))
    if "context" in item:
        _context(received, mapping(item["context"]))


def _context(received: Received, context: JsonObject) -> None:
    received.forwarded = context.get("forwarded") is True or context.get("frequently_forwarded") is True
    if wamid := identifier(context.get("id")):
        product = mapping(context.get("referred_product")) or None
        received.quoted = Quoted(wamid, digits(context.get("from")), product)


def _text(received: Received, part: Any) -> None:
    received.text = text(mapping(part).get("body")) or ""


def _media(kind: str) -> Callable[[Received, Any], None]:
    def reader(received: Received, part: Any) -> None:
        part = mapping(part)
        caption = text(part.get("caption"))
        received.text = caption or ""
        if media_id := identifier(part.get("id")):
            received.media = [
                MediaRef(
                    id=media_id,
                    kind=kind,
                    mime_type=text(part.get("mime_type")) or "",
                    sha256=text(part.get("sha256")),
                    filename=text(part.get("filename")),
                    voice=part.get("voice") is True,
                    url=text(part.get("url")),
                    caption=caption,
                )
            ]

    return reader


def _location(received: Received, part: Any) -> None:
    part = mapping(part)
    latitude, longitude = decimal(part.get("latitude")), decimal(part.get("longitude"))
    if latitude is not None and longitude is not None:
        received.location = Place(latitude, longitude, text(part.get("name")), text(part.get("address")), text(part.get("url")))


def _contacts(received: Received, part: Any) -> None:
    received.contacts = [_card(card) for card in elements(part) if type(card) is dict]


def _card(card: JsonObject) -> Card:
    name = mapping(card.get("name"))
    said = text(name.get("formatted_name")) or " ".join(filter(None, (text(name.get(key)) for key in ("first_name", "last_name"))))
    numbers = (text(mapping(phone).get("phone")) or digits(mapping(phone).get("wa_id")) for phone in elements(card.get("phones")))
    return Card(said, [number for number in numbers if number])


def _button(received: Received, part: Any) -> None:
    part = mapping(part)
    received.text = text(part.get("text")) or ""
    received.reply = Choice("template_button", text(part.get("payload")) or "", received.text)


def _interactive(received: Received, part: Any) -> None:
    part = mapping(part)
    kind = identifier(part.get("type")) or "unknown"
    received.reply = _CHOICES.get(kind, _choice(kind))(mapping(part.get(kind)))
    received.text = received.reply.title


def _choice(kind: str) -> Callable[[JsonObject], Choice]:
    def reader(tapped: JsonObject) -> Choice:
        title, description = text(tapped.get("title")), text(tapped.get("description"))
        return Choice(kind, text(tapped.get("id")) or "", title or "", description)

    return reader


def _flow(tapped: JsonObject) -> Choice:
    """A flow or an address form was sent off; its fields come as JSON inside a string."""
    return Choice("flow", text(tapped.get("name")) or "", text(tapped.get("body")) or "", data=_form(tapped.get("response_json")))


def _form(response: Any) -> JsonObject | None:
    try:
        form = lenient.decode(response) if type(response) is str else response
        lenient.encode(form)
    except (lenient.Unreadable, lenient.TooDeep):
        return None
    return mapping(form) or None


def _call_permission(tapped: JsonObject) -> Choice:
    return Choice("call_permission", text(tapped.get("response")) or "", data=tapped or None)


def _reaction(received: Received, part: Any) -> None:
    part = mapping(part)
    if wamid := identifier(part.get("message_id")):
        received.reaction = Reacted(wamid, text(part.get("emoji")) or "")


def _order(received: Received, part: Any) -> None:
    received.order = mapping(part) or None
    received.text = text(mapping(part).get("text")) or ""


def _system(received: Received, part: Any) -> None:
    received.text = text(mapping(part).get("body")) or ""


def _edit(received: Received, part: Any) -> None:
    part = mapping(part)
    received.edit_of = identifier(part.get("original_message_id"))
    message = mapping(part.get("message"))
    kind = identifier(message.get("type")) or ""
    if kind not in ("edit", "revoke"):
        _fill(received, message, kind)


def _revoke(received: Received, part: Any) -> None:
    received.revoke_of = identifier(mapping(part).get("original_message_id"))


_READERS: dict[str, Callable[[Received, Any], None]] = {
    "text": _text,
    "button": _button,
    "interactive": _interactive,
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "order": _order,
    "system": _system,
    "edit": _edit,
    "revoke": _revoke,
} | {kind: _media(kind) for kind in ("image", "video", "audio", "document", "sticker")}

_CHOICES: dict[str, Callable[[JsonObject], Choice]] = {
    "button_reply": _choice("button"),
    "list_reply": _choice("list"),
    "nfm_reply": _flow,
    "call_permission_reply": _call_permission,
}
