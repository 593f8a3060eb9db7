"""Whatever the bytes: no exception, nothing lost, nothing that the store could not take."""

import json
from datetime import timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from payloads import NAMES, body_of, parts_of

from dragoman.whatsapp import received
from dragoman.whatsapp.events import Echo, Kept, Message, Preference, Status, parse

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
PAYLOADS = {name: json.loads(body_of(name)) for name in NAMES}
LISTS = ("messages", "statuses", "message_echoes")

characters = st.text(st.characters(exclude_categories=()), max_size=12)  # halves of surrogate pairs and NUL among them
words = st.sampled_from(
    [
        "id",
        "from",
        "type",
        "text",
        "body",
        "timestamp",
        "messages",
        "statuses",
        "message_echoes",
        "contacts",
        "metadata",
        "phone_number_id",
        "user_id",
        "wa_id",
        "from_user_id",
        "profile",
        "errors",
        "value",
        "changes",
        "field",
        "entry",
        "object",
        "status",
        "to",
        "context",
        "system",
        "interactive",
        "image",
        "recipient_id",
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | characters | words | st.just("1794052800")
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words | characters, inner, max_size=5))
batches = st.dictionaries(st.sampled_from(LISTS), st.lists(anything, max_size=6))


def written(value):
    return json.dumps(value).encode()


def checked(body):
    """The events of a body, after making sure of what every caller relies on."""
    events = parse(body)
    assert events
    for event in events:
        json.loads(event.raw, parse_constant=pytest.fail)
        _assert_storable(json.loads(event.raw))
        _assert_storable({name: value for name, value in msgspec.to_builtins(event).items() if name != "raw"})
        if not isinstance(event, Kept):
            _assert_usable(event)
    return events


def _assert_usable(event):
    assert event.phone_number_id
    if isinstance(event, Preference):
        assert event.value
    else:
        assert 0 < len(event.wamid) <= 256
    assert event.at is None or event.at.utcoffset() == timedelta(0)
    person = {Message: "sender", Echo: "to", Status: "recipient", Preference: "sender"}[type(event)]
    assert isinstance(event, Status) or getattr(event, person).phone or getattr(event, person).bsuid
    if not isinstance(event, Status | Preference):
        assert received.load(received.dump(event.content)) == event.content


def _assert_storable(value):
    if isinstance(value, dict):
        _assert_storable(list(value) + list(value.values()))
    elif isinstance(value, list):
        for part in value:
            _assert_storable(part)
    elif isinstance(value, str):
        value.encode()
        assert "\0" not in value


def places_in(value, path=()):
    """The path of every node below `value`."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (*path, key)
        yield from places_in(part, (*path, key))


def changed(value, path, new):
    """A copy of `value` in which `path` leads to `new`, or to nothing when `new` is ..."""
    key, rest = path[0], path[1:]
    copy = list(value) if isinstance(value, list) else dict(value)
    if rest:
        copy[key] = changed(copy[key], rest, new)
    elif new is ... and isinstance(copy, dict):
        del copy[key]
    else:
        copy[key] = None if new is ... else new
    return copy


@patient
@given(st.binary(max_size=300))
def test_random_bytes_become_one_kept_event(body):
    [event] = checked(body)
    assert isinstance(event, Kept)


@patient
@given(anything)
def test_random_json_does_no_harm(value):
    checked(written(value))
    checked(written({"entry": value}))
    checked(written({"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}))


@settings(patient, max_examples=50)
@given(st.lists(st.lists(st.tuples(st.booleans(), batches), max_size=3), max_size=4))
def test_each_item_of_a_batch_becomes_one_event_in_order(entries):
    metadata = {"phone_number_id": "106540000000001"}
    payload = {
        "entry": [
            {
                "id": "1",
                "changes": [{"field": "messages", "value": ({"metadata": metadata} if known else {}) | lists} for known, lists in entry],
            }
            for entry in entries
        ]
    }
    wanted = [
        part
        for entry in payload["entry"]
        for change in entry["changes"] or [None]
        for part in ([item for key in change["value"] if key in LISTS for item in change["value"][key]] if change else []) or [...]
    ]
    events = checked(written(payload))
    assert len(events) == (len(wanted) or 1)
    for event, part in zip(events, wanted, strict=False):
        if not isinstance(event, Kept) and isinstance(part["id"], str) and part["id"].isascii() and "\0" not in part["id"]:
            assert event.wamid == part["id"]


@settings(patient, max_examples=300)
@given(st.data())
def test_a_payload_with_one_wrong_value_does_no_harm(data):
    payload = PAYLOADS[data.draw(st.sampled_from(NAMES))]
    path = data.draw(st.sampled_from(list(places_in(payload))))
    checked(written(changed(payload, path, data.draw(anything | st.just(...)))))


@settings(patient, max_examples=300)
@given(st.data())
def test_whatever_is_wrong_inside_an_item_the_number_of_events_stays(data):
    payload = PAYLOADS[data.draw(st.sampled_from(NAMES))]
    inside = [path for path in places_in(payload) if len(path) > 7 and path[5] in LISTS]
    if inside:
        broken = changed(payload, data.draw(st.sampled_from(inside)), data.draw(anything | st.just(...)))
        assert len(checked(written(broken))) == len(list(parts_of(payload)))


@patient
@given(st.data())
def test_a_payload_with_wrong_bytes_does_no_harm(data):
    body = bytearray(body_of(data.draw(st.sampled_from(NAMES))))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    checked(bytes(body[: data.draw(st.sampled_from([len(body), len(body) // 2]))]))
