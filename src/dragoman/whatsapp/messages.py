"""What we say, checked against WhatsApp's limits and written in its wire form (Meta: POST /{phone_number_id}/messages)."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from dragoman.errors import Invalid
from dragoman.whatsapp import limits
from dragoman.whatsapp.content import (
    Buttons,
    Choices,
    ContactCard,
    LinkButton,
    Location,
    Media,
    MediaKind,
    Outgoing,
    Reaction,
    Template,
    Text,
)
from dragoman.whatsapp.splitting import pieces

Problem = tuple[str, str]  # a path such as "buttons[0].title", and what is wrong with it

_CAPTIONED = ("image", "video", "document")
_UNSENDABLE = re.compile("[\0\ud800-\udfff]")
_TEMPLATE_NAME = re.compile(r"[a-z0-9_]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(_[A-Za-z0-9]{2,8})*")

_encode = msgspec.json.Encoder().encode


def check(content: Outgoing, names: Mapping[str, str] | None = None) -> None:
    """Raise Invalid for the first limit of WhatsApp that `content` breaks.

    The error's `field` is the path inside `content` ("buttons[0].title"). A caller whose own format has other names
    passes them, indexes left out: {"buttons[].title": "unified.buttons[].text"}.
    """
    for path, problem in _problems(content):
        field = _rename(path, names or {})
        raise Invalid(f"{field} {problem}", field=field)


def wire(content: Outgoing, *, to: str | None, recipient: str | None, attempt: str, reply_to: str | None = None) -> bytes:
    """The request body. `to` is a phone number, `recipient` a BSUID for a customer whose number is hidden; `to` wins.

    `attempt` comes back as `biz_opaque_callback_data` in every status. `reply_to` is the wamid to quote.
    """
    if not to and not recipient:
        raise ValueError("a message needs a phone number or a BSUID to go to")
    kind, value = _wire_content(content)
    body: dict[str, object] = {"messaging_product": "whatsapp", "recipient_type": "individual"}
    if to:
        body["to"] = "+" + to.removeprefix("+")
    else:
        body["recipient"] = recipient
    if reply_to and not isinstance(content, Reaction):
        body["context"] = {"message_id": reply_to}
    body["type"] = kind
    body[kind] = value
    body["biz_opaque_callback_data"] = attempt
    return _encode(body)


def split(content: Outgoing) -> list[Outgoing]:
    """`content` as messages that each fit: long text in several, a caption that is too long as text after the file."""
    if isinstance(content, Text) and len(content.body) > limits.TEXT_BODY:
        return [msgspec.structs.replace(content, body=body) for body in pieces(content.body, limits.TEXT_BODY)]
    if isinstance(content, Media) and content.caption and _caption_does_not_fit(content):
        bare = msgspec.structs.replace(content, caption=None)
        return [bare, *split(Text(body=content.caption))]
    return [content]


def kind_of(url: str) -> MediaKind | None:
    """What the ending of an address says about the file behind it; None when it says nothing."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    return limits.MEDIA_EXTENSIONS.get(path.rpartition(".")[2].lower())


def _caption_does_not_fit(media: Media) -> bool:
    return media.kind not in _CAPTIONED or len(media.caption or "") > limits.CAPTION


# What can be wrong


def _problems(content: Outgoing) -> Iterator[Problem]:
    match content:
        case Text():
            yield from _text("text.body", content.body, limits.TEXT_BODY)
        case Media():
            yield from _media(content, content.kind)
        case Location():
            yield from _location(content)
        case ContactCard():
            yield from _text("contact.name", content.name, limits.CONTACT_TEXT)
            yield from _text("contact.phone_number", content.phone_number, limits.CONTACT_TEXT)
            if not any(sign.isdecimal() for sign in content.phone_number):
                yield "contact.phone_number", "holds no digit; give a phone number such as +15550001234"
        case Buttons():
            yield from _buttons(content)
        case LinkButton():
            yield from _text("body", content.body, limits.INTERACTIVE_BODY)
            yield from _text("title", content.title, limits.LINK_TITLE)
            yield from _url("url", content.url)
            yield from _frame(content.footer, content.header)
        case Choices():
            yield from _choices(content)
        case Reaction():
            yield from _text("reaction.message_id", content.message_id, limits.MESSAGE_ID)
            yield from _optional("reaction.emoji", content.emoji, limits.EMOJI)
        case Template():
            yield from _template(content)


def _media(media: Media, at: str) -> Iterator[Problem]:
    yield from _url(f"{at}.url", media.url)
    if media.caption and media.kind not in _CAPTIONED:
        yield f"{at}.caption", f"cannot be sent: WhatsApp shows no caption with {media.kind}; send it as a text"
    yield from _optional(f"{at}.caption", media.caption, limits.CAPTION)
    yield from _optional(f"{at}.filename", media.filename, limits.FILENAME)


def _location(place: Location) -> Iterator[Problem]:
    for path, value, most in (("location.latitude", place.latitude, 90), ("location.longitude", place.longitude, 180)):
        if not math.isfinite(value) or abs(value) > most:
            yield path, f"is {value}; it must be between -{most} and {most}"
    yield from _optional("location.name", place.name, limits.LOCATION_TEXT)
    yield from _optional("location.address", place.address, limits.LOCATION_TEXT)


def _buttons(content: Buttons) -> Iterator[Problem]:
    yield from _text("body", content.body, limits.INTERACTIVE_BODY)
    yield from _count("buttons", content.buttons, limits.BUTTONS)
    for index, button in enumerate(content.buttons):
        yield from _text(f"buttons[{index}].title", button.title, limits.BUTTON_TITLE)
        yield from _text(f"buttons[{index}].id", button.id, limits.BUTTON_ID)
        if button.title != button.title.strip():
            yield f"buttons[{index}].title", "begins or ends with a space; remove it"
    yield from _unique("buttons[{}].title", [button.title for button in content.buttons])
    yield from _unique("buttons[{}].id", [button.id for button in content.buttons])
    yield from _frame(content.footer, content.header)


def _choices(content: Choices) -> Iterator[Problem]:
    yield from _text("body", content.body, limits.LIST_BODY)
    yield from _text("button", content.button, limits.LIST_BUTTON)
    yield from _count("rows", content.rows, limits.LIST_ROWS)
    for index, row in enumerate(content.rows):
        yield from _text(f"rows[{index}].title", row.title, limits.ROW_TITLE)
        yield from _text(f"rows[{index}].id", row.id, limits.ROW_ID)
        yield from _optional(f"rows[{index}].description", row.description, limits.ROW_DESCRIPTION)
    yield from _unique("rows[{}].id", [row.id for row in content.rows])
    yield from _frame(content.footer, None)


def _frame(footer: str | None, header: Media | None) -> Iterator[Problem]:
    yield from _optional("footer", footer, limits.FOOTER)
    if header is not None:
        if header.kind not in _CAPTIONED:
            yield "header", f"is {header.kind}; above buttons WhatsApp shows an image, a video or a document"
        if header.caption:
            yield "header.caption", "cannot be sent: above buttons a file has no caption; use the body"
        yield from _media(header, "header")


def _template(template: Template) -> Iterator[Problem]:
    yield from _text("template.name", template.name, limits.TEMPLATE_NAME)
    if not _TEMPLATE_NAME.fullmatch(template.name):
        yield "template.name", "may hold only a-z, 0-9 and _"
    yield from _text("template.language", template.language, limits.TEMPLATE_LANGUAGE)
    if not _LANGUAGE.fullmatch(template.language):
        yield "template.language", "is not a language code such as en or en_US"


def _text(path: str, value: str, most: int) -> Iterator[Problem]:
    if not value.strip():
        yield path, "is empty"
    yield from _optional(path, value, most)


def _optional(path: str, value: str | None, most: int) -> Iterator[Problem]:
    if value is None:
        return
    if len(value) > most:
        yield path, f"is {len(value)} characters; WhatsApp allows {most}"
    if _UNSENDABLE.search(value):
        yield path, "holds a character that cannot be sent (U+0000 or half of a surrogate pair)"


def _url(path: str, value: str) -> Iterator[Problem]:
    yield from _optional(path, value, limits.URL)
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable or any(sign <= " " for sign in value):
        yield path, "is not a public http or https address"


def _count(path: str, values: Sequence[object], most: int) -> Iterator[Problem]:
    if not 1 <= len(values) <= most:
        yield path, f"has {len(values)} entries; WhatsApp allows 1 to {most}"


def _unique(path: str, values: list[str]) -> Iterator[Problem]:
    for index, value in enumerate(values):
        if value in values[:index]:
            yield path.format(index), "is the same as an earlier one; each must differ"


def _rename(path: str, names: Mapping[str, str]) -> str:
    indexes = re.findall(r"\[\d+\]", path)
    plain = re.sub(r"\[\d+\]", "[]", path)
    renamed = names.get(plain, plain)
    for index in indexes:
        renamed = renamed.replace("[]", index, 1)
    return renamed


# The wire form


def _wire_content(content: Outgoing) -> tuple[str, object]:
    match content:
        case Text(body=body, preview_url=preview):
            return "text", {"body": body, "preview_url": True} if preview else {"body": body}
        case Media():
            return content.kind, _wire_media(content)
        case Location():
            return "location", _present(latitude=content.latitude, longitude=content.longitude, name=content.name, address=content.address)
        case ContactCard():
            return "contacts", [_wire_contact(content)]
        case Reaction():
            return "reaction", {"message_id": content.message_id, "emoji": content.emoji}
        case Template():
            language = {"code": content.language}
            return "template", _present(name=content.name, language=language, components=content.components or None)
        case _:
            return "interactive", _wire_interactive(content)


def _wire_media(media: Media) -> dict[str, object]:
    return _present(
        link=media.url,
        caption=media.caption or None,
        filename=media.filename if media.kind == "document" else None,
        voice=True if media.voice and media.kind == "audio" else None,
    )


def _wire_contact(card: ContactCard) -> dict[str, object]:
    """Meta wants one part of the name beside the whole. `wa_id` gives the card its "Message" button."""
    phone: dict[str, object] = {"phone": card.phone_number, "type": "CELL"}
    if card.phone_number.startswith("+"):
        phone["wa_id"] = "".join(re.findall(r"[0-9]", card.phone_number))
    return {"name": {"formatted_name": card.name, "first_name": (card.name.split() or [""])[0]}, "phones": [phone]}


def _wire_interactive(content: Buttons | LinkButton | Choices) -> dict[str, object]:
    kind: str
    action: dict[str, object]
    header: Media | None = None
    match content:
        case Buttons(buttons=buttons, header=header):
            kind = "button"
            action = {"buttons": [{"type": "reply", "reply": {"id": button.id, "title": button.title}} for button in buttons]}
        case LinkButton(title=title, url=url, header=header):
            kind = "cta_url"
            action = {"name": "cta_url", "parameters": {"display_text": title, "url": url}}
        case Choices(button=button, rows=rows):
            kind = "list"
            listed = [_present(id=row.id, title=row.title, description=row.description or None) for row in rows]
            action = {"button": button, "sections": [{"rows": listed}]}
    return _present(
        type=kind,
        header={"type": header.kind, header.kind: _wire_media(header)} if header else None,
        body={"text": content.body},
        footer={"text": content.footer} if content.footer else None,
        action=action,
    )


def _present(**values: object) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}
