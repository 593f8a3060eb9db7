"""The cast as the webhooks know it, and short ways to say which event a part of a payload should become.

Each of `message`, `status`, `echo` and `kept` returns a function from the part of the payload to the event, so that ids and
`raw` need not be repeated.
"""

from datetime import UTC, datetime

import msgspec

from dragoman.whatsapp.events import Echo, Kept, Message, Preference, Received, Sender, Status

WABA, NUMBER = "102290000000001", "106540000000001"
DANA = Sender(phone="15550007890", bsuid="US.13491200000000000001", name="Dana Ortiz")
ZOE = Sender(bsuid="US.13491200000000000077", username="zoe.k", name="Zoë")
NOON = datetime(2026, 11, 7, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 7, 12, 1, tzinfo=UTC)

raw = msgspec.json.encode


def message(kind="text", sender=DANA, at=NOON, change=None, waba=WABA, number=NUMBER, **content):
    return lambda part: Message(number, waba, str(part["id"]), sender, at, Received(type=kind, **content), change, raw(part))


def status(name, recipient=DANA, at=LATER, **known):
    rest = dict.fromkeys(("attempt", "pricing", "conversation", "participant", "group_id")) | {"errors": []} | known
    return lambda part: Status(NUMBER, WABA, part["id"], name, at, recipient, raw=raw(part), **rest)


def echo(to, kind="text", **content):
    return lambda part: Echo(NUMBER, WABA, part["id"], to, NOON, Received(type=kind, **content), raw(part))


def preference(value, sender=DANA):
    return lambda part: Preference(NUMBER, WABA, sender, value, NOON, raw(part))


def kept(field, reason=None, waba=WABA, number=NUMBER):
    return lambda part: Kept(field, waba, number, reason or f"{field} is kept, not acted on", raw(part))
