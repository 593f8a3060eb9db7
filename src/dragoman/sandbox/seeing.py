"""What the control API shows: the state, a chat as it looks on the phone, the ledger, and a stream that says when to look again."""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from dragoman.sandbox.box import Box
from dragoman.sandbox.showing import show
from dragoman.sandbox.starting import show_number, show_person
from dragoman.sandbox.world import Chat, Json, Message
from dragoman.whatsapp import limits

MOST_SHOWN = 500
KEEP_ALIVE_SECONDS = 15


def state(box: Box) -> Json:
    world = box.world
    return {
        "now": box.now,
        "offset_seconds": box.clock.offset.total_seconds(),
        "numbers": [show_number(box, number) for number in world.state.numbers.values()],
        "people": [show_person(box, person) for person in world.state.people.values()],
    }


def chat(box: Box, chat: Chat, after: str | None, limit: int = MOST_SHOWN) -> Json:
    """The chat as bubbles, the newest `limit`; reactions show on the message they are about. `after`: only what follows it."""
    wamids = chat.messages
    if after in wamids:
        wamids = wamids[wamids.index(after) + 1 :]
    bubbles = []
    for wamid in reversed(wamids):
        message = box.world.state.messages[wamid]
        if message.type != "reaction":
            bubbles.append(show(box, message))
        if len(bubbles) >= limit:
            break
    ends = chat.last_inbound + limits.WINDOW_SECONDS if chat.last_inbound else None
    return {"typing": chat.typing_until > box.now, "messages": bubbles[::-1], "window_until": ends, "now": box.now}


def ledger(box: Box, *, after: int = 0, person: str | None = None, number: str | None = None) -> bytes:
    """Every message the Graph API accepted, in order: the ground truth of what was sent. `after` skips that many."""
    entries = []
    for wamid in box.world.state.ledger[after:]:
        message = box.world.state.messages[wamid]
        if person in (None, message.person_id) and number in (None, message.number_id):
            entries.append(_entry(message))
    return msgspec.json.encode(entries)


async def changes(box: Box, chat: Chat) -> AsyncIterator[str]:
    """Server-sent events: one "changed" at the start and one after each change of the chat."""
    event = asyncio.Event()
    event.set()
    watchers = box.watchers.setdefault(f"{chat.number_id}/{chat.person_id}", set())
    watchers.add(event)
    try:
        while not box.closed:
            try:
                await asyncio.wait_for(event.wait(), KEEP_ALIVE_SECONDS)
                event.clear()
                yield "data: changed\n\n"
            except TimeoutError:
                yield ": still here\n\n"
    finally:
        watchers.discard(event)


def _entry(message: Message) -> Json:
    return {
        "to": message.to,
        "person": message.person_id,
        "phone_number_id": message.number_id,
        "wamid": message.id,
        "at": message.at,
        "type": message.type,
        "body": msgspec.Raw(message.raw),
        "attempt": message.attempt,
        "status": message.status,
        "error": message.error,
    }
