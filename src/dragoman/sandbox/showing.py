"""How a message looks on the phone: Meta's JSON turned into what a person sees."""

import msgspec

from dragoman.sandbox.box import Box
from dragoman.sandbox.failures import title
from dragoman.sandbox.templates import rendered
from dragoman.sandbox.world import Json, Message


class ShownMedia(msgspec.Struct):
    url: str | None
    mime_type: str
    filename: str | None
    kind: str


class ShownButton(msgspec.Struct):
    id: str
    title: str
    url: str | None = None


class ShownRow(msgspec.Struct):
    id: str
    title: str
    description: str | None = None


class ShownList(msgspec.Struct):
    button: str
    rows: list[ShownRow]


class ShownPlace(msgspec.Struct):
    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


class ShownContact(msgspec.Struct):
    name: str
    phone: str | None = None


class ShownQuote(msgspec.Struct):
    id: str
    by: str = msgspec.field(name="from")
    text: str


class Shown(msgspec.Struct):
    """One bubble. `by` is "person" or "business"; `staff` when a colleague wrote it in the Business app."""

    id: str
    by: str = msgspec.field(name="from")
    at: float
    type: str
    text: str = ""
    staff: bool = False
    header: str | None = None
    media: ShownMedia | None = None
    caption: str | None = None
    footer: str | None = None
    buttons: list[ShownButton] = []
    list: ShownList | None = None
    location: ShownPlace | None = None
    contact: ShownContact | None = None
    quoted: ShownQuote | None = None
    reaction: str | None = None
    ticks: str | None = None
    failed: str | None = None


def show(box: Box, message: Message) -> Shown:
    by = "person" if message.by == "person" else "business"
    shown = Shown(message.id, by, message.at, message.type, staff=message.by == "staff", reaction=message.emoji)
    shown.ticks = "read" if message.status == "played" else message.status if message.status in ("sent", "delivered", "read") else None
    if message.status == "failed" and message.error:
        shown.failed = f"{message.error} {title(message.error)}" + (f": {message.details}" if message.details else "")
    body = msgspec.json.decode(message.raw, type=dict[str, object])
    _fill(box, message, body, shown)
    shown.quoted = _quote(box, _dict(body, "context"))
    return shown


def words(box: Box, message: Message) -> str:
    """The message in a line of text, for quotes and the ledger's reader."""
    shown = Shown(message.id, message.by, message.at, message.type)
    _fill(box, message, msgspec.json.decode(message.raw, type=dict[str, object]), shown)
    return shown.text or shown.caption or f"[{message.type}]"


def _fill(box: Box, message: Message, body: Json, shown: Shown) -> None:
    content = _dict(body, message.type)
    if message.type == "text":
        shown.text = str(content.get("body", ""))
    elif message.type in ("image", "video", "audio", "document", "sticker"):
        _fill_media(box, message, content, shown)
    elif message.type == "location":
        shown.location = _place(content)
    elif message.type == "contacts":
        shown.contact = _contact(body)
    elif message.type == "interactive":
        _fill_interactive(box, message, content, shown)
    elif message.type == "template":
        _fill_template(box, message, content, shown)
    elif message.type == "button":
        shown.text = str(content.get("text", ""))
    elif message.type == "system":
        shown.text = str(content.get("body", ""))


def _fill_media(box: Box, message: Message, content: Json, shown: Shown) -> None:
    media = box.world.state.media.get(message.media_id or "")
    name = content.get("filename") or (media.filename if media else None)
    shown.media = ShownMedia(
        url=f"{box.path}/control/media/{media.id}" if media else None,
        mime_type=media.mime_type if media else "",
        filename=str(name) if name else None,
        kind=message.type,
    )
    shown.caption = str(content["caption"]) if content.get("caption") else None


def _fill_interactive(box: Box, message: Message, content: Json, shown: Shown) -> None:
    for reply in ("button_reply", "list_reply"):
        if content.get("type") == reply:
            shown.text = str(_dict(content, reply).get("title", ""))
            return
    shown.text = str(_dict(content, "body").get("text", ""))
    shown.footer = str(_dict(content, "footer").get("text", "")) or None
    _fill_header(box, message, _dict(content, "header"), shown)
    action = _dict(content, "action")
    shown.buttons = [_button(_dict(button, "reply")) for button in _list(action, "buttons")]
    parameters = _dict(action, "parameters")
    if content.get("type") == "cta_url":
        shown.buttons = [ShownButton("", str(parameters.get("display_text", "")), str(parameters.get("url", "")))]
    if rows := [row for section in _list(action, "sections") for row in _list(section, "rows")]:
        shown.list = ShownList(str(action.get("button", "")), [_row(row) for row in rows])


def _fill_header(box: Box, message: Message, header: Json, shown: Shown) -> None:
    kind = str(header.get("type", ""))
    if kind == "text":
        shown.header = str(header.get("text", ""))
    elif kind:
        _fill_media(box, message, _dict(header, kind), shown)
        if shown.media:
            shown.media.kind = kind


def _fill_template(box: Box, message: Message, content: Json, shown: Shown) -> None:
    number = box.world.state.numbers[message.number_id]
    language = str(_dict(content, "language").get("code", ""))
    template = box.world.templates.get((number.waba_id, str(content.get("name")), language))
    if template is None:
        shown.text = f"[template {content.get('name')}]"
        return
    look = rendered(template, content)
    shown.text, shown.header, shown.footer = look.body, look.header, look.footer
    shown.buttons = [ShownButton(button.id, button.title, button.url) for button in look.buttons]
    if look.media_kind:
        _fill_media(box, message, {}, shown)
        if shown.media:
            shown.media.kind = look.media_kind


def _button(reply: Json) -> ShownButton:
    return ShownButton(str(reply.get("id", "")), str(reply.get("title", "")))


def _row(row: Json) -> ShownRow:
    description = row.get("description")
    return ShownRow(str(row.get("id", "")), str(row.get("title", "")), str(description) if description else None)


def _place(content: Json) -> ShownPlace:
    name, address = content.get("name"), content.get("address")
    latitude, longitude = float(str(content.get("latitude", 0))), float(str(content.get("longitude", 0)))
    return ShownPlace(latitude, longitude, str(name) if name else None, str(address) if address else None)


def _contact(body: Json) -> ShownContact | None:
    for card in _list(body, "contacts"):
        phones = _list(card, "phones")
        phone = str(phones[0].get("phone") or phones[0].get("wa_id") or "") if phones else ""
        return ShownContact(str(_dict(card, "name").get("formatted_name", "")), phone or None)
    return None


def _quote(box: Box, context: Json) -> ShownQuote | None:
    quoted = box.world.state.messages.get(str(context.get("id") or context.get("message_id") or ""))
    if quoted is None:
        return None
    return ShownQuote(quoted.id, "person" if quoted.by == "person" else "business", words(box, quoted)[:200])


def _dict(holder: Json, key: str) -> Json:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def _list(holder: Json, key: str) -> list[Json]:
    value = holder.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
