"""What people do with their phones: write, tap, react, change their number. Each becomes a webhook in Meta's shape."""

import base64
import binascii

import msgspec

from dragoman.errors import Conflict, Invalid
from dragoman.sandbox.box import Box
from dragoman.sandbox.media import Fetched
from dragoman.sandbox.showing import Shown, show
from dragoman.sandbox.webhooks import Update
from dragoman.sandbox.world import Chat, Json, Message, Number, Person, digits
from dragoman.whatsapp import limits

MEDIA_TYPES = ("image", "video", "audio", "document", "sticker")
PHONE_KNOWN_SECONDS = 30 * 86400
REFERRAL_SECONDS = 24 * 3600
# One red pixel, for an image that nobody cares to look at.
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC")


class Saying(msgspec.Struct, forbid_unknown_fields=True):
    """What a person says. `raw` is merged into the element of `messages[]`, for types and shapes that have no field here."""

    number: str | None = None
    type: str = "text"
    text: str | None = None
    caption: str | None = None
    media_base64: str | None = None
    mime_type: str | None = None
    filename: str | None = None
    voice: bool | None = None
    latitude: float | None = None
    longitude: float | None = None
    name: str | None = None
    address: str | None = None
    contacts: list[Json] | None = None
    emoji: str | None = None
    message: str | None = None
    quoted: str | None = None
    forwarded: bool = False
    referral: Json | None = None
    raw: Json | None = None


def contact_of(box: Box, number: Number, person: Person, *, username: bool = True, phone: bool | None = None) -> Json:
    """An element of `contacts[]`; `phone` None shows the phone number only to a business that may see it."""
    chat = box.world.chat(number.id, person.id)
    profile: Json = {"name": person.name}
    if person.username and username:
        profile["username"] = person.username
    contact: Json = {"profile": profile}
    if person.phone and (phone or box.world.knows_phone(chat, person, box.now)):
        contact["wa_id"] = person.phone
    contact["user_id"] = box.world.bsuid(person, box.world.business_of(number))
    return contact


def say(box: Box, person: Person, saying: Saying) -> Message:
    """The person sends a message to a business number, which opens the 24-hour window."""
    number = box.world.number(saying.number)
    chat = box.world.chat(number.id, person.id)
    media_id = _bring_media(box, number, saying)
    content = _content(box, number, saying, media_id)
    if saying.quoted:
        content["context"] = {"from": _author(box, saying.quoted, number, person), "id": saying.quoted}
    elif saying.forwarded:
        content["context"] = {"forwarded": True}
    if saying.referral:
        content["referral"] = saying.referral
        chat.referred_at = box.now
    message = receive(box, number, person, saying.type, content | (saying.raw or {}))
    message.media_id = media_id
    if saying.type == "reaction" and saying.message in box.world.state.messages:
        box.world.state.messages[saying.message].emoji = saying.emoji or None
    return message


def receive(box: Box, number: Number, person: Person, kind: str, content: Json, *, contact: bool = True) -> Message:
    """Put one element into `messages[]` as coming from this person: kept in the chat, and posted to the apps."""
    chat = box.world.chat(number.id, person.id)
    box.rates.number_allows(number, box.now)
    element = _sender(box, number, person, chat)
    element |= {"id": box.world.wamid(person.phone or "hidden", from_business=False), "timestamp": str(int(box.now)), "type": kind}
    element |= content
    wamid = str(element["id"])
    message = Message(wamid, number.id, person.id, "person", box.now, str(element["type"]), msgspec.json.encode(element), status="sent")
    box.world.keep(message)
    if kind != "system":
        chat.last_inbound = box.now
    if person.phone and "from" in element:
        chat.phone_known_until = box.now + PHONE_KNOWN_SECONDS
    if person.id not in number.blocked:
        card = contact_of(box, number, person) if contact else None
        box.postman.post(Update(number.waba_id, number, "messages", element, card, person.id, message_id=wamid))
    box.changed(number.id, person.id)
    return message


def tap(box: Box, person: Person, wamid: str, choice: str) -> Message:
    """The person taps a reply button, a list row or a template's quick reply of a message in the chat."""
    message = box.world.message(wamid)
    if message.person_id != person.id or message.by != "business":
        raise Invalid("That message was not sent to this person by a business.", field="message")
    if message.status == "failed":
        raise Conflict("That message failed, so this person never got it.", code="message_failed")
    number = box.world.state.numbers[message.number_id]
    kind, answer = _answer(message, show(box, message), choice)
    return receive(box, number, person, kind, {kind: answer, "context": {"from": number.display, "id": wamid}})


def change_number(box: Box, person: Person, phone: str) -> int:
    """The person moves to another phone number, which also gives a new BSUID; every business that knows the person is told."""
    new = digits(phone)
    if not new:
        raise Invalid("Give the new phone number, such as +15550007999.", field="phone")
    if box.world.by_phone.get(new, person) is not person:
        raise Conflict(f"+{new} belongs to another person of the sandbox.", code="phone_taken")
    chats = list(box.world.chats_of(person))
    senders = [_sender(box, box.world.state.numbers[chat.number_id], person, chat) for chat in chats]
    box.world.name_phone(person, new)
    return _tell_change(box, person, chats, senders, {"type": "user_changed_number"})


def change_user_id(box: Box, person: Person) -> int:
    """The person's BSUID is regenerated; every business that knows the person is told."""
    chats = list(box.world.chats_of(person))
    senders = [_sender(box, box.world.state.numbers[chat.number_id], person, chat) for chat in chats]
    return _tell_change(box, person, chats, senders, {"type": "user_changed_user_id"})


def write_as_staff(box: Box, number: Number, person: Person, text: str) -> Message:
    """Staff answer from the WhatsApp Business app: the apps get an echo (coexistence), the API windows do not move."""
    wamid = box.world.wamid(person.phone or "hidden", from_business=True)
    content: Json = {"id": wamid, "timestamp": str(int(box.now)), "type": "text", "text": {"body": text}}
    message = Message(wamid, number.id, person.id, "staff", box.now, "text", msgspec.json.encode(content), status="delivered")
    box.world.keep(message)
    contact = contact_of(box, number, person)
    element: Json = {"from": number.display}
    if "wa_id" in contact:
        element["to"] = contact["wa_id"]
    element |= {"to_user_id": contact["user_id"]} | content
    box.postman.post(Update(number.waba_id, number, "message_echoes", element, contact, person.id, field="smb_message_echoes"))
    box.changed(number.id, person.id)
    return message


def _sender(box: Box, number: Number, person: Person, chat: Chat) -> Json:
    """`from` is left out when WhatsApp hides the phone; `from_user_id` is always there."""
    sender: Json = {}
    if box.world.knows_phone(chat, person, box.now):
        sender["from"] = person.phone
    sender["from_user_id"] = box.world.bsuid(person, box.world.business_of(number))
    return sender


def _author(box: Box, wamid: str, number: Number, person: Person) -> str:
    quoted = box.world.state.messages.get(wamid)
    return (person.phone or box.world.bsuid(person, box.world.business_of(number))) if quoted and quoted.by == "person" else number.display


def _bring_media(box: Box, number: Number, saying: Saying) -> str | None:
    if saying.type not in MEDIA_TYPES or (saying.media_base64 is None and saying.type != "image"):
        if saying.type in MEDIA_TYPES and not saying.raw:
            raise Invalid(f"Give the {saying.type} as media_base64 (with mime_type).", field="media_base64")
        return None
    if saying.media_base64 is None:
        return None if saying.raw else _shelve(box, number, saying, PIXEL, "image/png")
    try:
        data = base64.b64decode(saying.media_base64, validate=True)
    except binascii.Error:
        raise Invalid("media_base64 is not base64.", field="media_base64") from None
    if not saying.mime_type:
        raise Invalid("Give the mime_type of media_base64, such as image/jpeg.", field="mime_type")
    return _shelve(box, number, saying, data, saying.mime_type)


def _shelve(box: Box, number: Number, saying: Saying, data: bytes, mime_type: str) -> str:
    media = box.shelf.put(Fetched(data, mime_type), number.waba_id, box.now, days=limits.MEDIA_RECEIVED_DAYS, filename=saying.filename)
    return media.id


def _content(box: Box, number: Number, saying: Saying, media_id: str | None) -> Json:
    if media_id:
        return {saying.type: _media_content(box, saying, media_id)}
    if saying.type == "text":
        if saying.text is None and not saying.raw:
            raise Invalid("Give the text.", field="text")
        return {} if saying.text is None else {"text": {"body": saying.text}}
    if saying.type == "location" and saying.latitude is not None:
        place: Json = {"latitude": saying.latitude, "longitude": saying.longitude or 0.0, "name": saying.name, "address": saying.address}
        return {"location": {key: value for key, value in place.items() if value is not None}}
    if saying.type == "contacts" and saying.contacts:
        return {"contacts": saying.contacts}
    if saying.type == "reaction" and saying.message:
        return {"reaction": {"message_id": saying.message} | ({"emoji": saying.emoji} if saying.emoji else {})}
    if saying.type == "unsupported" and not saying.raw:
        error = {"code": 131051, "title": "Message type unknown", "message": "Message type unknown"}
        return {
            "errors": [error | {"error_data": {"details": "Message type is currently not supported."}}],
            "unsupported": {"type": "poll"},
        }
    if saying.type == "request_welcome" or saying.raw is not None:
        return {}
    raise Invalid(f"Give the content of a {saying.type} message in its own fields, or as raw.", field="raw")


def _media_content(box: Box, saying: Saying, media_id: str) -> Json:
    media = box.world.state.media[media_id]
    file: Json = {
        "mime_type": media.mime_type,
        "sha256": base64.b64encode(bytes.fromhex(media.sha256)).decode(),
        "id": media.id,
        "url": box.shelf.link(media, box.now),
    }
    if saying.type == "audio":
        file["voice"] = saying.voice if saying.voice is not None else "ogg" in media.mime_type
    elif saying.type == "sticker":
        file["animated"] = False
    elif saying.caption:
        file["caption"] = saying.caption
    if saying.type == "document":
        file["filename"] = saying.filename or "document"
    return file


def _answer(message: Message, shown: Shown, choice: str) -> tuple[str, Json]:
    """What a tap on `choice` says, as (type, content). Raises Invalid when the message offers no such choice."""
    for button in shown.buttons:
        if button.id == choice and button.url is None:
            if message.type == "template":
                return "button", {"payload": choice, "text": button.title}
            pressed: Json = {"id": choice, "title": button.title}
            return "interactive", {"type": "button_reply", "button_reply": pressed}
    for row in shown.list.rows if shown.list else []:
        if row.id == choice:
            picked: Json = {"id": row.id, "title": row.title}
            if row.description:
                picked["description"] = row.description
            return "interactive", {"type": "list_reply", "list_reply": picked}
    raise Invalid(f"That message has no button or row {choice!r}.", field="button_id")


def _tell_change(box: Box, person: Person, chats: list[Chat], senders: list[Json], system: Json) -> int:
    new_ids: dict[str, str] = {}
    for chat, sender in zip(chats, senders, strict=True):
        number = box.world.state.numbers[chat.number_id]
        business = box.world.business_of(number)
        if business not in new_ids:
            box.world.by_bsuid.pop(person.bsuids.pop(business, ""), None)
            new_ids[business] = box.world.bsuid(person, business)
        told = system | {"user_id": new_ids[business], "previous_user_id": sender["from_user_id"]}
        old, new = sender["from_user_id"], new_ids[business]
        if "from" in sender and person.phone:
            told["wa_id"] = person.phone
            if system["type"] == "user_changed_number":
                old, new = sender["from"], person.phone
        told["body"] = f"User {person.name} changed from {old} to {new}"
        receive(box, number, person, "system", sender | {"system": told}, contact=False)
    return len(chats)
