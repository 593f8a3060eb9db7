"""What happens to a message after the 200: sent, delivered, read, or failed, each told to the apps by a webhook.

Default times after acceptance: sent 100 ms, delivered 400 ms; read 300 ms after delivery when the person has the chat
open, or when the person opens it. A reaction is only ever sent. A person who blocks the business gets nothing.
"""

from functools import partial

from dragoman.sandbox.box import Box
from dragoman.sandbox.failures import title
from dragoman.sandbox.people import contact_of
from dragoman.sandbox.webhooks import Update
from dragoman.sandbox.world import Chat, Json, Message, Person

SENT_AFTER = 0.1
DELIVERED_AFTER = 0.4
READ_AFTER = 0.3
RANKS = {"accepted": 0, "sent": 1, "delivered": 2, "read": 3, "played": 4, "failed": 9}


def begin(box: Box, message: Message, earliest: float = 0.0) -> None:
    """Let the accepted message run its course; not before `earliest`, when a link had to be fetched first."""
    box.timers.at(max(message.at + SENT_AFTER, earliest), partial(_send, box, message))


def resume(box: Box) -> None:
    """Take up the messages that an earlier run of the sandbox left under way."""
    for message in box.world.state.messages.values():
        if message.by == "business" and message.status == "accepted":
            begin(box, message)
        elif message.by == "business" and message.status == "sent":
            _deliver_later(box, message)


def read(box: Box, chat: Chat) -> int:
    """The person opens the chat: everything there is read, what is still on its way as soon as it arrives."""
    count = 0
    for wamid in reversed(chat.messages):
        message = box.world.state.messages[wamid]
        if message.by != "business" or message.status in ("failed", "played"):
            continue
        if message.seen:
            break
        message.seen = True
        if message.status == "delivered":
            tell(box, message, "read")
            count += 1
    return count


def play(box: Box, message: Message) -> None:
    """The person listens to a voice message."""
    if message.by == "business" and message.type == "audio":
        message.seen = True
        tell(box, message, "played")


def tell(box: Box, message: Message, status: str) -> None:
    """Move the message up to `status` and tell the apps. Never down: a status has a rank."""
    if RANKS[status] <= RANKS[message.status]:
        return
    had_delivery = message.status == "delivered"
    message.status = status
    number = box.world.state.numbers[message.number_id]
    person = box.world.state.people.get(message.person_id or "")
    item: Json = {"id": message.id, "status": status, "timestamp": str(int(box.now))}
    item |= _recipient(box, message, person)
    if message.attempt is not None:
        item["biz_opaque_callback_data"] = message.attempt
    if status in ("sent", "delivered") or (status == "read" and not had_delivery):
        item |= _price(message, status, box)
    if status == "failed":
        item["errors"] = [_error(message)]
    contact = None
    if person and status != "failed":
        contact = contact_of(box, number, person, username=status != "sent", phone=message.by_phone or None)
    box.postman.post(Update(number.waba_id, number, "statuses", item, contact, message.person_id, status))
    box.changed(message.number_id, message.person_id)


def fail(box: Box, message: Message, code: int, details: str | None = None) -> None:
    message.error, message.details = code, details
    tell(box, message, "failed")


def _send(box: Box, message: Message) -> None:
    if message.error is not None:
        tell(box, message, "failed")
        return
    tell(box, message, "sent")
    _deliver_later(box, message)


def _deliver_later(box: Box, message: Message) -> None:
    person = box.world.state.people.get(message.person_id or "")
    if person and not person.blocks_business and message.type != "reaction":
        box.timers.at(max(message.at + DELIVERED_AFTER, box.now), partial(_deliver, box, message, person))


def _deliver(box: Box, message: Message, person: Person) -> None:
    tell(box, message, "delivered")
    if message.seen or person.auto_read:
        message.seen = True
        box.timers.after(READ_AFTER, partial(tell, box, message, "read"))


def _recipient(box: Box, message: Message, person: Person | None) -> Json:
    """Meta: addressed by phone, all ids (on `failed` no BSUID); addressed by BSUID, the phone only when it is visible."""
    ids: Json = {}
    if message.by_phone:
        ids["recipient_id"] = message.to
    if person and (message.status != "failed" or not message.by_phone):
        number = box.world.state.numbers[message.number_id]
        chat = box.world.chat(number.id, person.id)
        if not message.by_phone and box.world.knows_phone(chat, person, box.now):
            ids["recipient_id"] = person.phone
        ids["recipient_user_id"] = box.world.bsuid(person, box.world.business_of(number))
    elif not person and not message.by_phone:
        ids["recipient_user_id"] = message.to
    return ids


def _price(message: Message, status: str, box: Box) -> Json:
    """Meta: per-message pricing; `conversation` only for free entry points from v24 on, with its end on `sent`."""
    if message.free_entry:
        chat = box.world.chat(message.number_id, message.person_id or "")
        conversation: Json = {"id": f"fep{chat.free_entry_until:.0f}", "origin": {"type": "referral_conversion"}}
        if status == "sent":
            conversation["expiration_timestamp"] = str(int(chat.free_entry_until))
        price = {"billable": False, "pricing_model": "PMP", "type": "free_entry_point", "category": "referral_conversion"}
        return {"conversation": conversation, "pricing": price}
    free = message.category == "service"
    kind = "free_customer_service" if free else "regular"
    return {"pricing": {"billable": not free, "pricing_model": "PMP", "type": kind, "category": message.category}}


def _error(message: Message) -> Json:
    code = message.error or 131000
    name = title(code)
    href = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"
    return {"code": code, "title": name, "message": name, "error_data": {"details": message.details or name}, "href": href}
