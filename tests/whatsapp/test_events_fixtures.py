"""Every shape of webhook that we know, and exactly the events it becomes."""

import json

import expected_fields
import expected_messages
import expected_statuses
import msgspec
import pytest
from payloads import NAMES, body_of, parts_of

from dragoman.whatsapp import received
from dragoman.whatsapp.events import Echo, Message, parse

EXPECTED = expected_messages.EXPECTED | expected_statuses.EXPECTED | expected_fields.EXPECTED


def test_every_payload_has_an_expectation():
    assert sorted(EXPECTED) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_payload_becomes_exactly_these_events(name):
    parts = list(parts_of(json.loads(body_of(name))))
    assert parse(body_of(name)) == [event(part) for event, part in zip(EXPECTED[name], parts, strict=True)]


@pytest.mark.parametrize("name", NAMES)
def test_spacing_and_escaping_make_no_difference(name):
    as_meta_writes_it = json.dumps(json.loads(body_of(name)), separators=(",", ":")).replace("/", "\\/")
    assert parse(as_meta_writes_it.encode()) == parse(body_of(name))


@pytest.mark.parametrize("name", NAMES)
def test_content_survives_the_store(name):
    for event in parse(body_of(name)):
        if isinstance(event, Message | Echo):
            stored = received.dump(event.content)
            assert received.load(stored) == received.load(json.loads(stored)) == event.content


def test_what_is_stored_of_a_plain_text_is_small():
    [event] = parse(body_of("text"))
    assert msgspec.json.decode(received.dump(event.content)) == {"type": "text", "text": "Hi, is the blue jacket still in stock?"}
