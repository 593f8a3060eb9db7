"""From an `apiSchema` to what the model is asked for, and from the model's arguments to the request.

The model writes values, never structure: what it says is percent-encoded in the address, one line in a header, JSON in the body. Tokens
are filled into fixed values only, so a token that the model writes is plain text.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode

from dragoman.agents.apischema import keeping
from dragoman.agents.apischema.schema import CONTROL, PLACEHOLDER, TOKEN, ApiSchema, Input, Param, Shape, Slot, slots
from dragoman.errors import Invalid

Json = dict[str, Any]
USER_AGENT = "Dragoman/1"
ACCEPT = "application/json, text/*;q=0.9, */*;q=0.5"

# Many servers decode these before they choose what to do; a `;` would reach them undone.
_STRUCTURE = re.compile(r"[/\\;]")
_DOTS = (".", "..")


class Absent:
    """What a value is that is left out of the request."""


ABSENT = Absent()


class Facts(NamedTuple):
    """What the tokens stand for. `customer` is the phone number with a +, or WhatsApp's id of a customer who hides it."""

    customer: str | None
    image: str | None
    callback: str


class Request(NamedTuple):
    """`secrets` are the secret texts in it, as they are sent."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    secrets: tuple[str, ...] = ()


def parameters(schema: ApiSchema) -> Json:
    """The JSON Schema of what the model writes: the described values of all places, and none of the fixed ones."""
    properties: Json = {}
    required = []
    for name, slot in _arguments(schema).items():
        properties[name] = _described(slot.param)
        if slot.place == "path" and slot.param.type == "string":
            properties[name]["minLength"] = 1
        if slot.required:
            required.append(name)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def build(schema: ApiSchema, arguments: Mapping[str, Any], facts: Facts, key: str) -> Request:
    """The request for `arguments`, which fit `parameters(schema)`; `key` is the Idempotency-Key of one that can change something.

    Raises Invalid for a value that cannot be sent where it goes.
    """
    names = {slot.at: name for name, slot in _arguments(schema).items()}
    filled = []
    secrets: list[str] = []
    for slot in slots(schema):
        given = arguments.get(names[slot.at], ABSENT) if slot.at in names else ABSENT
        filled.append((slot, _Filling(facts, slot.place, secrets).value(slot.name, slot.param, given)))
    headers = _headers(filled) | ({} if schema.reads else {"Idempotency-Key": key})
    body = None
    if schema.request_body is not None:
        body = _json({slot.name: value for slot, value in filled if slot.place == "body" and value is not ABSENT})
        headers.setdefault("Content-Type", "application/json")
    return Request(schema.method, _url(schema.url, filled), headers, body, tuple(secrets))


def masked(schema: ApiSchema, arguments: Mapping[str, Any], facts: Facts, key: str) -> Request:
    """The same request as somebody may see it."""
    sent = schema.model_dump(mode="json")
    for path in keeping.paths(sent):
        at: Any = sent
        for part in path[:-1]:
            at = at[part]
        at[path[-1]] = keeping.MASK
    request = build(ApiSchema.model_validate(sent), arguments, facts, key)
    return request._replace(url=request.url.replace(quote(keeping.MASK), keeping.MASK))


Filled = Iterable[tuple[Slot, Any]]


class _Filling(NamedTuple):
    """Finds the values of one slot; notes the secret ones."""

    facts: Facts
    place: str
    secrets: list[str]

    def value(self, name: str, param: Param, given: Any) -> Any:
        if param.properties is not None:
            return self._object(param, param.properties, given)
        if not param.fixed or param.input is None:
            return given
        value = _substituted(param.input.value, self.facts)
        if isinstance(value, str) and keeping.is_secret(name, self.place, param.input.value, declared=param.secret):
            self.secrets.append(value)
        return value

    def _object(self, param: Param, properties: Mapping[str, Param], given: Any) -> Any:
        if given is ABSENT and any(_is_offered(properties[name]) for name in param.required or []):
            return ABSENT  # the model left it out, and without what only the model knows it is not whole
        given = given if isinstance(given, dict) else {}
        values = {name: self.value(name, child, given.get(name, ABSENT)) for name, child in properties.items()}
        found = {name: value for name, value in values.items() if value is not ABSENT}
        return found if found or given else ABSENT


def _substituted(value: Any, facts: Facts) -> Any:
    """`value` with its tokens filled in, at any depth; ABSENT when it speaks of an image and there is none."""
    if isinstance(value, str):
        if facts.image is None and "%IMAGE_URL%" in value:
            return ABSENT
        return TOKEN.sub(lambda found: _fact(found[1], facts), value)
    if isinstance(value, list):
        return [part for part in (_substituted(part, facts) for part in value) if part is not ABSENT]
    if isinstance(value, dict):
        parts = {name: _substituted(part, facts) for name, part in value.items()}
        return {name: part for name, part in parts.items() if part is not ABSENT}
    return value


def _fact(name: str, facts: Facts) -> str:
    if name == "PHONE_NUMBER":
        if not facts.customer:
            # Leaving it out could ask for everybody's.
            raise Invalid("the customer's phone number is not known, and this request needs it", field="phoneNumber")
        return facts.customer
    return facts.callback if name == "CALLBACK_URL" else facts.image or ""


def _url(template: str, filled: Filled) -> str:
    values = {slot.name: _in_path(slot, value) for slot, value in filled if slot.place == "path"}
    url = PLACEHOLDER.sub(lambda found: values[found[1]], template)
    path = url.partition("?")[0]
    if any(_decoded(segment) in _DOTS for segment in path.split("/")[3:]):
        raise Invalid("the address would hold . or .. as a part of its own")
    pairs = [(slot.name, _text(part)) for slot, value in filled if slot.place == "query" for part in _parts(value)]
    if not pairs:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(pairs, quote_via=quote, safe='', errors='replace')}"


def _parts(value: Any) -> list[Any]:
    """A list repeats its name in the query."""
    return [] if value is ABSENT else value if isinstance(value, list) else [value]


def _in_path(slot: Slot, value: Any) -> str:
    if value is ABSENT:
        raise Invalid(f"{slot.name} is part of the address and there is none: the customer sent no image", field=slot.name)
    text = _text(value)
    if not text.strip() or CONTROL.search(text):
        raise Invalid(f"{slot.name} is part of an address: it must not be empty or hold a line break", field=slot.name)
    if not slot.param.fixed and (_STRUCTURE.search(text) or text in _DOTS):
        raise Invalid(f"{slot.name} is part of an address: it cannot hold / \\ or ; and cannot be . or ..", field=slot.name)
    return quote(text, safe="", errors="replace")


def _decoded(segment: str) -> str:
    """As the laxest server reads it, which decodes twice and takes what follows a ; for an option."""
    return unquote(unquote(segment)).partition(";")[0]


def _headers(filled: Filled) -> dict[str, str]:
    headers = {"User-Agent": USER_AGENT, "Accept": ACCEPT}
    names = {name.lower(): name for name in headers}
    for slot, value in filled:
        if slot.place != "header" or value is ABSENT:
            continue
        text = _text(value).strip()
        if CONTROL.search(text):
            raise Invalid(f"{slot.name} is a header: it must be one line", field=slot.name)
        if slot.name.lower() in names:
            del headers[names[slot.name.lower()]]
        headers["Content-Type" if slot.name.lower() == "content-type" else slot.name] = text
    return headers


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _json(value: Json) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        raise Invalid("the body holds a number or a depth that JSON cannot carry") from None


def _arguments(schema: ApiSchema) -> dict[str, Slot]:
    """What the model is asked for, by the name of the argument: the value's own, with its place in front where two share one."""
    offered = [slot for slot in slots(schema) if _is_offered(slot.param)]
    shared = Counter(_plain(slot.name) for slot in offered)
    named: dict[str, Slot] = {}
    for slot in offered:
        name = _plain(slot.name)
        if shared[name] > 1:
            name = f"{slot.place}_{name}"[:60]
        number = 2
        while (name if number == 2 else f"{name}_{number}") in named:
            number += 1
        named[name if number == 2 else f"{name}_{number}"] = slot
    return named


def _plain(name: str) -> str:
    """As providers take the name of an argument."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-zA-Z0-9_-]", "_", letters)[:60] or "value"


def _is_offered(param: Param) -> bool:
    if param.properties is not None:
        return any(map(_is_offered, param.properties.values()))
    return not param.fixed


def _described(param: Param) -> Json:
    words = param.input.description if isinstance(param.input, Input) else None
    made: Json = {"type": param.type} | ({"description": words} if words else {})
    if param.properties is not None:
        offered = {name: child for name, child in param.properties.items() if _is_offered(child)}
        made["properties"] = {name: _described(child) for name, child in offered.items()}
        made["required"] = [name for name in param.required or [] if name in offered]
        return made | {"additionalProperties": False}
    return made | _inside(param)


def _inside(part: Param | Shape) -> Json:
    made: Json = {}
    if part.enum:
        made["enum"] = list(part.enum)
    if part.type == "array":  # providers refuse a list of nobody says what
        made["items"] = _shape(part.items) if part.items else {"type": "string"}
    return made


def _shape(shape: Shape) -> Json:
    made: Json = {"type": shape.type} | ({"description": shape.description} if shape.description else {}) | _inside(shape)
    if shape.properties is not None:
        made["properties"] = {name: _shape(child) for name, child in shape.properties.items()}
        made["required"] = list(shape.required or [])
    return made
