"""From one input another: JSON by its structure, anything by its bytes. The same dice make the same input."""

import json

DEEP = 3000
LARGEST = 256 * 1024
WORDS = [
    "", " ", "null", "[]", "{", "}", '"', "\\", "\0", "\ud800", "💥", "NaN", "Infinity", "-0", "1e999", "true", "'", "\u202e", "\ufeff", "\ufdd0", "\x1b[31m",
    "https://lumen.example/a.png", "http://127.0.0.1/", "http://[::ffff:7f00:1]/", "https://user@lumen.example:99999/", "//", "%00", "%IMAGE_URL%",
    "**", "__", "```", "~~", "](", "| a | b |\n|---|---|\n", "\n", "\r\n", "# ", "- ", "> ", "1. ", "<", "&amp;", "{{", "}}", "{{name}}", "{{1}}",
    "Q:", "|", "A:", "Q: When?|A: Now", "••••", "9" * 400, "2026-11-27T10:00:00Z", "+15550007890", "wamid.1", "15550007890", "No CUSTOMER message reply",
    "a.b.c", "$ref", "#/properties/a", "__proto__", "type", "id", "text", "body", "url",
]  # fmt: skip
VALUES = [None, True, False, 0, -1, 1, 1.5, 2**31, 2**63, 10**30, 1e308, float("inf"), "", [], {}, [[]], [None], {"": ""}, {"a": {"b": []}}, "x" * 61, "x" * 1025, "x" * 5000]  # fmt: skip


def mutated(dice, one, other, words=()):
    """Something between `one` and `other`, two inputs as bytes; `words` are of the target's own language."""
    words = [*words, *WORDS]
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        changed = _as_json(dice, one, other, words) if dice.random() < 0.75 else None
        one = _as_bytes(dice, one, other, words) if changed is None else changed
    return one[:LARGEST]


def _as_json(dice, one, other, words):
    """None for what is no JSON."""
    try:
        value = json.loads(one)
    except (ValueError, RecursionError):
        return None
    places = list(_places(value))
    if not places:
        return json.dumps(_value(dice, words)).encode()
    _change(dice, places, words, other)
    try:
        return json.dumps(value, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")
    except RecursionError:
        return one


def _places(value):
    """(holder, key) of every part, at most 2,000."""
    left, found = [value], 0
    while left and found < 2000:
        holder = left.pop()
        if isinstance(holder, dict | list):
            for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
                found += 1
                yield holder, key
                left.append(holder[key])


def _change(dice, places, words, other):
    holder, key = dice.choice(places)
    match dice.randrange(8):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder[key:key] = [holder[key]] * dice.choice((1, 2, 30))
        case 1 | 2:
            new = holder[key]
            holder[dice.choice(words) if isinstance(holder, dict) else key] = new
        case 3:
            there, name = dice.choice(places)
            holder[key] = json.loads(json.dumps(there[name])) if there.__class__ is dict and name in there else None
        case 4 if isinstance(holder[key], str):
            holder[key] = _text(dice, holder[key], words)
        case 5:
            holder[key] = _nested(dice)
        case 6:
            holder[key] = other.decode("utf-8", "replace")[: dice.choice((10, 300, 5000))]
        case _:
            holder[key] = _value(dice, words)


def _value(dice, words):
    return dice.choice(VALUES) if dice.random() < 0.6 else dice.choice(words) * dice.choice((1, 1, 3, 50))


def _text(dice, text, words):
    at, word = dice.randrange(len(text) + 1), dice.choice(words)
    return text[:at] + word * dice.choice((1, 1, 1, 2, 20, 2000 if dice.random() < 0.05 else 5)) + text[at + dice.randrange(3) :]


def _nested(dice):
    made, depth = dice.choice(VALUES), dice.choice((2, 10, 70, 200))
    for _ in range(depth):
        made = [made] if depth % 2 else {"a": made}
    return made


def _as_bytes(dice, one, other, words):
    at = dice.randrange(len(one) + 1)
    match dice.randrange(7):
        case 0:
            return one[:at] + bytes([dice.randrange(256)]) + one[at + 1 :]
        case 1:
            return one[:at] + one[at + dice.randint(1, 40) :]
        case 2:
            return one[:at] + one[at : at + dice.randint(1, 40)] * dice.choice((2, 5, 50)) + one[at:]
        case 3:
            return one[:at] + other[dice.randrange(len(other) + 1) :]
        case 4 if dice.random() < 0.05:
            return dice.choice((b"[", b'{"a":', b"(", b"*", b" ", b"\n", b">", b"<a", b"_a ", b"`", b"\xff")) * DEEP
        case _:
            word = dice.choice(words).encode("utf-8", "surrogatepass")
            return one[:at] + word * dice.choice((1, 1, 1, 2, 10, 1000 if dice.random() < 0.02 else 3)) + one[at:]
