"""A business sends: the synchronous answer now, the message's course afterwards (see `statuses`)."""

import asyncio
import re
from collections.abc import Iterator
from itertools import dropwhile

import msgspec

from dragoman.sandbox import statuses, templates
from dragoman.sandbox.box import Box
from dragoman.sandbox.checks import MEDIA_KINDS, check_content, check_envelope
from dragoman.sandbox.failures import GraphError
from dragoman.sandbox.media import unsuitable
from dragoman.sandbox.people import PHONE_KNOWN_SECONDS, REFERRAL_SECONDS
from dragoman.sandbox.world import MESSAGING_LIMIT, Chat, Json, Media, Message, Number, Person, Template, digits
from dragoman.whatsapp import limits

FREE_ENTRY_SECONDS = 72 * 3600
PHONE = re.compile(r"[+0-9 ().\-]{5,30}")

_encode = msgspec.json.Encoder().encode


def accept(box: Box, number: Number, body: Json, raw: bytes, *, fail_code: int | None = None) -> bytes:
    """Check a send and take it: the answer's body. Raises GraphError with the code Meta would answer at once."""
    kind = check_envelope(body)
    to, by_phone, person = recipient(box, number, body)
    content = check_content(kind, body)
    if person and person.id in number.blocked:
        raise GraphError(130403, "This user is on the block list of this business.")
    template = templates.match(box.world, number.waba_id, content) if kind == "template" else None
    if template and template.category == "AUTHENTICATION" and not by_phone:
        raise GraphError(131062, "One-tap, zero-tap and copy-code authentication templates need a phone number, not a user id.")
    files = list(media_parts(kind, content))
    media = _known_files(box, number, files)
    chat = box.world.chat(number.id, person.id) if person else None
    _spend(box, number, to)
    if template and not _window_open(box, chat):
        _spend_limit(box, number, to)
    message = _message(box, number, kind, raw, to, by_phone, person, template)
    message.attempt = _opaque(body)
    message.media_id = media.id if media else None
    if chat and person:
        _enter(box, message, chat, person)
    _start(box, number, message, _doom(box, message, content, chat, person, template, fail_code), files)
    return _answer(body, message, person)


def mark_read(box: Box, number: Number, body: Json) -> None:
    """Meta: marks the message and all before it as read; with a typing indicator the person sees "typing…" for 25 s."""
    message = box.world.state.messages.get(str(body.get("message_id")))
    if message is None or message.number_id != number.id or message.by != "person" or message.person_id is None:
        raise GraphError(100, "message_id is not the id of a message this number received.")
    chat = box.world.chat(number.id, message.person_id)
    newest_first = dropwhile(lambda wamid: wamid != message.id, reversed(chat.messages))
    for earlier in (box.world.state.messages[wamid] for wamid in newest_first):
        if earlier.by == "person" and earlier.seen:
            break
        if earlier.by == "person":
            earlier.seen, earlier.status = True, "read"
    if isinstance(body.get("typing_indicator"), dict):
        chat.typing_until = box.now + limits.TYPING_SECONDS
        box.timers.at(chat.typing_until, lambda: box.changed(chat.number_id, chat.person_id))
    box.changed(number.id, message.person_id)


def recipient(box: Box, number: Number, body: Json) -> tuple[str, bool, Person | None]:
    """(address, whether it is a phone number, the person if there is one). Meta: `to` wins over `recipient`."""
    to = body.get("to")
    if to:
        if not isinstance(to, str | int) or not PHONE.fullmatch(str(to)) or not 5 <= len(phone := digits(str(to))) <= 15:
            raise GraphError(100, "Param to must be a phone number, such as +15550007890.")
        if phone == number.display:
            raise GraphError(131021, "Recipient phone number cannot be the sender's.")
        return phone, True, box.world.by_phone.get(phone)
    bsuid = str(body["recipient"])
    person = box.world.by_bsuid.get(bsuid)
    if person and person.bsuids.get(box.world.business_of(number)) != bsuid:
        person = None
    return bsuid, False, person


def media_parts(kind: str, content: Json) -> Iterator[tuple[str, Json]]:
    """Every media object of a send, as (kind, object): the message itself, an interactive header, template parameters."""
    if kind in MEDIA_KINDS:
        yield kind, content
    elif kind == "interactive":
        header = content.get("header")
        if isinstance(header, dict) and header.get("type") in MEDIA_KINDS and isinstance(header.get(header["type"]), dict):
            yield header["type"], header[header["type"]]
    elif kind == "template":
        for component in content.get("components") or []:  # type: ignore[attr-defined]
            for parameter in component.get("parameters") or []:
                if parameter.get("type") in MEDIA_KINDS and isinstance(parameter.get(parameter["type"]), dict):
                    yield parameter["type"], parameter[parameter["type"]]


def _known_files(box: Box, number: Number, files: list[tuple[str, Json]]) -> Media | None:
    first = None
    for kind, file in files:
        if "id" in file:
            media = box.shelf.get(str(file["id"]), box.now)
            if media is None or media.waba_id != number.waba_id:
                raise GraphError(131009, f"{kind}.id {file['id']} is not the id of media that this number can use.")
            first = first or media
    return first


def _spend(box: Box, number: Number, to: str) -> None:
    if not box.rates.number_allows(number, box.now):
        raise GraphError(
            130429, f"Message failed to send because there were too many messages from this phone number ({number.per_second:g}/s)."
        )
    if not box.rates.pair_allows(number, to, box.now):
        raise GraphError(131056, "Too many messages to this recipient in a short time: 1 per 6 seconds, with bursts of 45.")


def _spend_limit(box: Box, number: Number, to: str) -> None:
    business = box.world.business_of(number)
    most = box.world.state.messaging_limits.get(business, MESSAGING_LIMIT)
    if not box.rates.outsider_allowed(business, to, most, box.now):
        raise GraphError(131064, f"This business may message {most} people outside the 24-hour window in 24 hours.")


def _window_open(box: Box, chat: Chat | None) -> bool:
    return chat is not None and box.now <= chat.last_inbound + limits.WINDOW_SECONDS


def _message(
    box: Box, number: Number, kind: str, raw: bytes, to: str, by_phone: bool, person: Person | None, template: Template | None
) -> Message:
    message = Message(
        id=box.world.wamid(to, from_business=True),
        number_id=number.id,
        person_id=person.id if person else None,
        by="business",
        at=box.now,
        type=kind,
        raw=raw,
        to=to,
        by_phone=by_phone,
    )
    if template:
        message.category = template.category.lower()
    box.world.keep(message)
    box.world.state.ledger.append(message.id)
    return message


def _enter(box: Box, message: Message, chat: Chat, person: Person) -> None:
    """What a send does to the thread: typing ends, the phone becomes known, a free entry point may begin."""
    chat.typing_until = 0.0
    if message.by_phone:
        chat.phone_known_until = box.now + PHONE_KNOWN_SECONDS
    if chat.referred_at and box.now < chat.referred_at + REFERRAL_SECONDS and chat.free_entry_until < chat.referred_at:
        chat.free_entry_until = box.now + FREE_ENTRY_SECONDS
    message.free_entry = box.now < chat.free_entry_until


def _doom(
    box: Box, message: Message, content: Json, chat: Chat | None, person: Person | None, template: Template | None, fail_code: int | None
) -> tuple[int, str] | None:
    """Why this message will fail although it was accepted, as (code, details)."""
    if fail_code:
        return fail_code, "Injected by the sandbox."
    if person is None or chat is None or not person.on_whatsapp:
        return 131026, "Message Undeliverable."
    if template is None and not _window_open(box, chat):
        return 131047, "Message failed to send because more than 24 hours have passed since the customer last replied to this number."
    if template and template.category == "MARKETING" and person.marketing_stopped:
        return 131050, "The user has chosen to stop receiving marketing messages from this business."
    if message.type == "reaction":
        return _react(box, chat, content)
    return None


def _react(box: Box, chat: Chat, content: Json) -> tuple[int, str] | None:
    target = box.world.state.messages.get(str(content.get("message_id")))
    if target is None or target.person_id != chat.person_id or target.type == "reaction":
        return 131009, "reaction.message_id is not a message of this conversation that can carry a reaction."
    target.emoji = str(content.get("emoji") or "") or None
    return None


def _start(box: Box, number: Number, message: Message, doom: tuple[int, str] | None, files: list[tuple[str, Json]]) -> None:
    if doom:
        message.error, message.details = doom
    elif files:
        task = asyncio.create_task(_bring_files(box, number, message, files))
        box.tasks.add(task)
        task.add_done_callback(box.tasks.discard)
        return
    statuses.begin(box, message)
    box.changed(number.id, message.person_id)


async def _bring_files(box: Box, number: Number, message: Message, files: list[tuple[str, Json]]) -> None:
    for kind, file in files:
        if "link" in file:
            media = await box.shelf.fetch(str(file["link"]), kind, number.waba_id, box.now)
        else:
            known = box.world.state.media[str(file["id"])]
            media = unsuitable(kind, known.mime_type, known.size) or known
        if isinstance(media, str):
            message.error, message.details = 131053, media
            break
        message.media_id = message.media_id or media.id
    statuses.begin(box, message, earliest=box.now)
    box.changed(number.id, message.person_id)


def _opaque(body: Json) -> str | None:
    value = body.get("biz_opaque_callback_data")
    return str(value) if value is not None else None


def _answer(body: Json, message: Message, person: Person | None) -> bytes:
    given = str(body.get("to") or body.get("recipient"))
    contact = {"input": given, "wa_id": message.to} if message.by_phone else {"input": given, "user_id": message.to}
    sent: Json = {"id": message.id}
    if message.type == "template":
        sent["message_status"] = "accepted"
    return _encode({"messaging_product": "whatsapp", "contacts": [contact], "messages": [sent]})
