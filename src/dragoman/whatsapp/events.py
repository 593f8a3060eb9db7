"""Meta's webhooks as our own events. Nothing beyond `parse` reads a key of the webhook, and nothing that Meta sends is lost:
what this version does not act on comes out as `Kept`."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from dragoman.whatsapp import lenient, received
from dragoman.whatsapp.lenient import digits, elements, identifier, mapping, moment, text
from dragoman.whatsapp.received import Card, Choice, Failure, JsonObject, MediaRef, Place, Quoted, Reacted, Received

__all__ = [
    "Card",
    "Choice",
    "Echo",
    "Event",
    "Failure",
    "IdentityChange",
    "Kept",
    "MediaRef",
    "Message",
    "Place",
    "Preference",
    "Quoted",
    "Reacted",
    "Received",
    "Sender",
    "Status",
    "parse",
]


class Sender(msgspec.Struct, frozen=True):
    """Every name under which the webhook knows a person. WhatsApp may hide the phone; a BSUID is there since April 2026."""

    phone: str | None = None  # digits, no +
    bsuid: str | None = None
    parent_bsuid: str | None = None
    username: str | None = None  # no @
    name: str | None = None


class IdentityChange(msgspec.Struct, frozen=True):
    """A person became reachable under other names: the old and the new ones, as far as WhatsApp tells.

    `kind` is Meta's word: user_changed_number, user_changed_user_id, customer_identity_changed, ...
    """

    kind: str
    old_phone: str | None = None
    new_phone: str | None = None
    old_bsuid: str | None = None
    new_bsuid: str | None = None
    new_parent_bsuid: str | None = None


class Message(msgspec.Struct, frozen=True):
    """A customer wrote, tapped, reacted, or changed (`change`, then `content.type` is "system")."""

    phone_number_id: str
    waba_id: str | None
    wamid: str
    sender: Sender
    at: datetime | None  # WhatsApp's time; None when it sent no usable one: take the time of arrival
    content: Received
    change: IdentityChange | None
    raw: bytes  # JSON of this element of messages[]


class Status(msgspec.Struct, frozen=True):
    """What became of a message of ours."""

    phone_number_id: str
    waba_id: str | None
    wamid: str
    status: str  # sent, delivered, read, played, failed, or a newer word of Meta's; lower case
    at: datetime | None  # as in Message
    recipient: Sender  # in a group the participant, empty where none is named
    attempt: str | None  # biz_opaque_callback_data of the send
    errors: list[Failure]
    pricing: JsonObject | None
    conversation: JsonObject | None
    participant: str | None  # BSUID or phone of the group's participant this is about; None outside groups
    group_id: str | None
    raw: bytes


class Echo(msgspec.Struct, frozen=True):
    """A person of the business wrote to a customer from the WhatsApp Business app (or edited or deleted there)."""

    phone_number_id: str
    waba_id: str | None
    wamid: str
    to: Sender
    at: datetime | None  # as in Message
    content: Received
    raw: bytes


class Kept(msgspec.Struct, frozen=True):
    """Something to keep for later: a field this version does not act on, or a part that could not be understood.

    `field` is "" when none was named. `raw` is the value of that field, or the part itself; what was not JSON, or was
    nested beyond `lenient.DEEPEST`, is one JSON string.
    """

    field: str
    waba_id: str | None
    phone_number_id: str | None
    reason: str
    raw: bytes


class Preference(msgspec.Struct, frozen=True):
    """A person moved WhatsApp's own switch for a business's marketing: `value` is stop, resume or signup."""

    phone_number_id: str
    waba_id: str | None
    sender: Sender
    value: str
    at: datetime | None
    raw: bytes


Event = Message | Status | Echo | Preference | Kept


def parse(body: bytes) -> list[Event]:
    """Everything a webhook body says, in the order in which it says it. Never raises, never returns an empty list.

    Each element of `messages[]`, `statuses[]` and `message_echoes[]` becomes exactly one event; so does every other field,
    and every part that cannot be understood, which never spoils its neighbours. Every `raw` is JSON that PostgreSQL
    accepts as jsonb.
    """
    try:
        envelope = lenient.decode(body)
    except lenient.Unreadable as problem:
        return [Kept("", None, None, str(problem), lenient.quote(body))]
    return list(_envelope(envelope))


class _Place(msgspec.Struct, frozen=True):
    """Where in the webhook an item stands, and the people introduced there, by BSUID and by phone."""

    field: str
    waba_id: str | None = None
    phone_number_id: str | None = None
    people: dict[str, JsonObject] = {}


class _Unusable(ValueError):
    """This item cannot become an event of its own; the message says why."""


def _kept(place: _Place, reason: str, part: Any) -> Kept:
    return Kept(place.field, place.waba_id, place.phone_number_id, reason, lenient.encode_anyhow(part))


def _envelope(envelope: Any) -> Iterator[Event]:
    nowhere = _Place("")
    kind = mapping(envelope).get("object", "whatsapp_business_account")
    if kind != "whatsapp_business_account":
        yield _kept(nowhere, "not about a WhatsApp account", envelope)
        return
    entries = elements(mapping(envelope).get("entry"))
    if not entries:
        yield _kept(nowhere, "no entry", envelope)
    for entry in entries:
        if type(entry) is dict:
            yield from _entry(entry)
        else:
            yield _kept(nowhere, "the entry is not an object", entry)


def _entry(entry: JsonObject) -> Iterator[Event]:
    waba_id = identifier(entry.get("id"))
    # Some of Meta's examples have `field` beside `changes`, and the value may then stand there as well.
    field = identifier(entry.get("field")) or ""
    changes = [entry] if "value" in entry and "changes" not in entry else elements(entry.get("changes"))
    if not changes:
        yield _kept(_Place(field, waba_id), "the entry has no changes", entry)
    for change in changes:
        named = identifier(mapping(change).get("field")) or field
        value = mapping(change).get("value")
        if type(value) is dict:
            yield from _change(named, waba_id, value)
        else:
            yield _kept(_Place(named, waba_id), "the change has no value", change)


def _change(field: str, waba_id: str | None, value: JsonObject) -> Iterator[Event]:
    if not field and not value.keys().isdisjoint(_MESSAGES):
        field = "messages"
    phone_number_id = identifier(mapping(value.get("metadata")).get("phone_number_id"))
    readers = _FIELDS.get(field)
    if readers is None:
        # A partner's event has the id of the business portfolio in the entry, and the account's in here.
        waba_id = identifier(mapping(value.get("waba_info")).get("waba_id")) or waba_id
        yield _kept(_Place(field, waba_id, phone_number_id), f"{field or 'a change without a field'} is kept, not acted on", value)
        return
    place = _Place(field, waba_id, phone_number_id, _people(value.get("contacts")))
    empty = True
    for key, items in value.items():
        if key == "contacts" or (type(items) is not list and key not in readers):
            continue
        for item in items if type(items) is list else [items]:
            empty = False
            yield _item(readers.get(key), key, item, place)
    if empty:
        yield _kept(place, "nothing in it", value)


def _people(contacts: Any) -> dict[str, JsonObject]:
    people = {}
    for contact in elements(contacts):
        if type(contact) is dict:
            for name in (digits(contact.get("wa_id")), identifier(contact.get("user_id"))):
                if name:
                    people[name] = contact
    return people


_Reader = Callable[[JsonObject, _Place], Event]


def _item(reader: _Reader | None, key: str, item: Any, place: _Place) -> Event:
    if reader is None:
        return _kept(place, _about(key, item), item)
    if type(item) is not dict:
        return _kept(place, f"{key} holds something that is not an object", item)
    if not place.phone_number_id:
        return _kept(place, "metadata.phone_number_id is missing", item)
    try:
        return reader(item, place)
    except (_Unusable, lenient.TooDeep) as problem:
        return _kept(place, str(problem), item)
    except Exception as problem:  # the last guard: a defect of ours must not make Meta repeat the whole batch for a week
        return _kept(place, f"could not be read: {type(problem).__name__}", item)


def _about(key: str, item: Any) -> str:
    if key == "errors" and type(item) is dict:
        failure = received.failure(item)
        return f"WhatsApp reports error {failure.code}: {failure.title[:200]}"
    return f"{key[:100]} is kept, not acted on"


def _message(item: JsonObject, place: _Place) -> Message:
    content = received.read(item)
    change = _identity_change(item) if content.type == "system" else None
    phone, bsuid = digits(item.get("from")), identifier(item.get("from_user_id"))
    if change and not phone and not bsuid:  # seen without `from` when the phone is hidden
        phone, bsuid = change.old_phone, change.old_bsuid or change.new_bsuid
        phone = phone or (None if bsuid else change.new_phone)
    return Message(
        phone_number_id=place.phone_number_id or "",
        waba_id=place.waba_id,
        wamid=_wamid(item),
        sender=_named(place, phone, bsuid, item.get("from_parent_user_id"), "sender"),
        at=moment(item.get("timestamp")),
        content=content,
        change=change,
        raw=lenient.encode(item),
    )


def _identity_change(item: JsonObject) -> IdentityChange:
    system = mapping(item.get("system"))
    before = digits(item.get("from"))
    after = digits(system.get("wa_id")) or digits(system.get("new_wa_id"))  # new_wa_id until v11
    new = identifier(system.get("user_id"))
    old = identifier(system.get("previous_user_id")) or identifier(item.get("from_user_id"))
    return IdentityChange(
        kind=identifier(system.get("type")) or "unknown",
        old_phone=before if before != after else None,
        new_phone=after,
        old_bsuid=old if old != new else None,
        new_bsuid=new,
        new_parent_bsuid=identifier(system.get("parent_user_id")),
    )


def _status(item: JsonObject, place: _Place) -> Status:
    status = identifier(item.get("status"))
    if item.get("type") == "call":
        raise _Unusable("the status of a call")
    if not status or len(status) > 32:
        raise _Unusable("the status has no name")
    in_group = item.get("recipient_type") == "group"
    who = "recipient_participant" if in_group else "recipient"
    phone, bsuid = digits(item.get(f"{who}_id")), identifier(item.get(f"{who}_user_id"))
    parent = item.get(f"{who}_parent_user_id") or item.get("parent_recipient_user_id")  # the latter until May 2026
    return Status(
        phone_number_id=place.phone_number_id or "",
        waba_id=place.waba_id,
        wamid=_wamid(item),
        status=status.lower(),
        at=moment(item.get("timestamp")),
        recipient=_person(place, phone, bsuid, parent),
        attempt=text(item.get("biz_opaque_callback_data")),
        errors=received.failures(item.get("errors")),
        pricing=mapping(item.get("pricing")) or None,
        conversation=mapping(item.get("conversation")) or None,
        participant=(bsuid or phone) if in_group else None,
        group_id=identifier(item.get("recipient_id")) if in_group else None,
        raw=lenient.encode(item),
    )


def _echo(item: JsonObject, place: _Place) -> Echo:
    return Echo(
        phone_number_id=place.phone_number_id or "",
        waba_id=place.waba_id,
        wamid=_wamid(item),
        to=_named(place, digits(item.get("to")), identifier(item.get("to_user_id")), item.get("to_parent_user_id"), "recipient"),
        at=moment(item.get("timestamp")),
        content=received.read(item),
        raw=lenient.encode(item),
    )


def _wamid(item: JsonObject) -> str:
    if wamid := identifier(item.get("id")):
        return wamid
    raise _Unusable("it has no usable id")


def _named(place: _Place, phone: str | None, bsuid: str | None, parent: Any, role: str) -> Sender:
    if phone or bsuid:
        return _person(place, phone, bsuid, parent)
    raise _Unusable(f"it names no {role}")


def _person(place: _Place, phone: str | None, bsuid: str | None, parent: Any) -> Sender:
    contact = place.people.get(bsuid or "") or place.people.get(phone or "") or {}
    profile = mapping(contact.get("profile"))
    username = identifier(profile.get("username"))
    return Sender(
        phone=phone or digits(contact.get("wa_id")),
        bsuid=bsuid or identifier(contact.get("user_id")),
        parent_bsuid=identifier(parent) or identifier(contact.get("parent_user_id")),
        username=username.removeprefix("@") or None if username else None,
        name=text(profile.get("name")) or None,
    )


def _preference(item: JsonObject, place: _Place) -> Preference:
    value = identifier(item.get("value"))
    if not value:
        raise _Unusable("the preference has no value")
    phone, bsuid = digits(item.get("wa_id")), identifier(item.get("user_id"))
    return Preference(
        phone_number_id=place.phone_number_id or "",
        waba_id=place.waba_id,
        sender=_named(place, phone, bsuid, item.get("parent_user_id"), "person"),
        value=value.lower()[:32],
        at=moment(item.get("timestamp")),
        raw=lenient.encode(item),
    )


_MESSAGES: dict[str, _Reader] = {"messages": _message, "statuses": _status, "message_echoes": _echo}
_ECHOES: dict[str, _Reader] = {"message_echoes": _echo, "statuses": _status}
_FIELDS: dict[str, dict[str, _Reader]] = {
    "messages": _MESSAGES,
    "smb_message_echoes": _ECHOES,
    "message_echoes": _ECHOES,
    "user_preferences": {"user_preferences": _preference},
}
