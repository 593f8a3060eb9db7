"""Webhooks by hand: any body signed and posted, deliveries listed and repeated."""

import msgspec

from dragoman.errors import Invalid
from dragoman.sandbox.box import Box
from dragoman.sandbox.webhooks import encode
from dragoman.sandbox.world import DEFAULT_BUSINESS, Delivery, Json, Message, Number, Person, digits

HEAD = 2000


class RawWebhook(msgspec.Struct, forbid_unknown_fields=True):
    """`body` is any JSON; `text` is posted byte by byte instead. `legacy` rewrites identities as in old or hidden-phone payloads.

    `remember`: people who write in the body's messages come to exist here, with an open window, so that answers reach them.
    """

    body: object = None
    text: str | None = None
    number: str | None = None
    url: str | None = None
    legacy: str | None = None
    signature: str = "good"
    remember: bool = True


async def post_raw_webhook(box: Box, raw: RawWebhook) -> Json:
    """Sign and post an arbitrary event to the number's app, and tell what the app answered the first time."""
    number = box.world.number(raw.number)
    app = box.world.state.apps[box.world.state.wabas[number.waba_id].apps[0]]
    value = raw.body
    if raw.legacy:
        if raw.legacy not in LEGACY:
            raise Invalid(f"legacy is one of {', '.join(LEGACY)}.", field="legacy")
        value = _without(value, LEGACY[raw.legacy])
    if raw.remember and raw.text is None:
        _remember(box, value)
    data = raw.text.encode() if raw.text is not None else encode(value, app)
    delivery = box.postman.post_raw(app, raw.url or app.callback_url, data, bad_signature=raw.signature != "good")
    await box.postman.settled(delivery)
    return show_delivery(delivery)


async def repeat_delivery(box: Box, delivery_id: str) -> Json:
    delivery = box.postman.repeat(box.postman.find(delivery_id))
    await box.postman.settled(delivery)
    return show_delivery(delivery)


def seen_deliveries(box: Box, limit: int) -> list[Json]:
    return [show_delivery(delivery) for delivery in list(box.postman.log)[-limit:]]


def show_delivery(delivery: Delivery) -> Json:
    return {
        "id": delivery.id,
        "app_id": delivery.app_id,
        "url": delivery.url,
        "status": delivery.status,
        "error": delivery.error,
        "attempt": delivery.attempts,
        "at": delivery.at,
        "next_at": delivery.next_at,
        "body": delivery.body[:HEAD].decode(errors="replace"),
    }


LEGACY = {
    "no_bsuid": {"user_id", "from_user_id", "recipient_user_id", "parent_user_id", "previous_user_id"},
    "bsuid_only": {"wa_id", "from", "recipient_id"},
}


def _without(value: object, keys: set[str]) -> object:
    if isinstance(value, dict):
        return {key: _without(inner, keys) for key, inner in value.items() if key not in keys}
    return [_without(inner, keys) for inner in value] if isinstance(value, list) else value


def _remember(box: Box, body: object) -> None:
    for entry in _dicts(body, "entry"):
        for change in _dicts(entry, "changes"):
            value = change.get("value")
            meta = value.get("metadata") if isinstance(value, dict) else None
            number = box.world.state.numbers.get(str(meta.get("phone_number_id"))) if isinstance(meta, dict) else None
            for message in _dicts(value, "messages") if number else []:
                if number and message.get("type") != "system" and (person := _writer(box, number, message, value)):
                    _remember_message(box, number, person, message)


def _remember_message(box: Box, number: Number, person: Person, element: Json) -> None:
    """As if the person had written it here: the window opens, and the business can mark it as read."""
    box.world.chat(number.id, person.id).last_inbound = box.now
    wamid = str(element.get("id") or "")
    if wamid and wamid not in box.world.state.messages:
        kind, raw = str(element.get("type")), msgspec.json.encode(element)
        box.world.keep(Message(wamid, number.id, person.id, "person", box.now, kind, raw, status="delivered"))
    box.changed(number.id, person.id)


def _writer(box: Box, number: Number, message: Json, value: object) -> Person | None:
    """The person a message comes from, made when new here."""
    phone = digits(str(message.get("from") or "")) or None
    bsuid = str(message.get("from_user_id") or "") or None
    if known := box.world.by_bsuid.get(bsuid or "") or box.world.by_phone.get(phone or ""):
        return known
    if not phone and not bsuid:
        return None
    contacts = _dicts(value, "contacts")
    profile = contacts[0].get("profile") if contacts else None
    name = str(profile.get("name") or "Someone") if isinstance(profile, dict) else "Someone"
    box.world.state.people_made += 1
    person = Person(id=f"p{box.world.state.people_made}", name=name)
    box.world.state.people[person.id] = person
    box.world.name_phone(person, phone)
    if bsuid:
        box.world.name_bsuid(person, box.world.business_of(number) or DEFAULT_BUSINESS, bsuid)
    return person


def _dicts(holder: object, key: str) -> list[Json]:
    items = holder.get(key) if isinstance(holder, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
