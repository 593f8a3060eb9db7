"""Bodies that nobody should send, and what a real person can make Meta send anyway."""

import json
from datetime import UTC, datetime

import msgspec
import pytest
from expected import NUMBER, WABA

from dragoman.whatsapp.events import Echo, Kept, Message, Sender, Status, parse

DANA = {"from": "15550007890", "id": "wamid.DANA", "timestamp": "1794052800", "type": "text", "text": {"body": "Hello"}}
KINDS = [
    "text",
    "image",
    "document",
    "location",
    "contacts",
    "button",
    "interactive",
    "reaction",
    "order",
    "system",
    "edit",
    "revoke",
    "new",
]
SENT = {"id": "wamid.OUT", "status": "sent", "timestamp": "1794052800", "recipient_id": "15550007890"}


def webhook(*messages, key="messages", field="messages", **value):
    metadata = {"metadata": {"phone_number_id": NUMBER}, key: list(messages)}
    return {"entry": [{"id": WABA, "changes": [{"field": field, "value": metadata | value}]}]}


def parsed(*messages, **value):
    return parse(json.dumps(webhook(*messages, **value)).encode())


def with_hole(hole, filler):
    """Fifty messages of which the middle one has `filler`, as raw JSON text, in place of its `hole`."""
    messages = [DANA | {"id": f"wamid.{number}"} for number in range(50)]
    messages[25] = DANA | {"id": "wamid.25", hole: "HOLE"}
    return json.dumps(webhook(*messages)).replace('"HOLE"', filler).encode()


def deep(levels):
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"hello", "not JSON"),
        (b'{"entry": [', "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 1_000_000, "nested too deeply"),
        (deep(5000).encode(), "nested too deeply"),
        (b'{"a":' * 2000 + b"1" + b"}" * 2000, "nested too deeply"),
        (b"null", "no entry"),
        (b"[]", "no entry"),
        (b"17", "no entry"),
        (b"{}", "no entry"),
        (b'{"entry": {}}', "no entry"),
        (b'{"entry": []}', "no entry"),
        (b'{"entry": [[]]}', "the entry is not an object"),
        (b'{"entry": [{}]}', "the entry has no changes"),
        (b'{"entry": [{"changes": {"field": "messages"}}]}', "the entry has no changes"),
        (b'{"entry": [{"changes": [[]]}]}', "the change has no value"),
        (b'{"entry": [{"changes": [{"field": "messages", "value": []}]}]}', "the change has no value"),
        (b'{"object": "page", "entry": [{"id": "1"}]}', "not about a WhatsApp account"),
        (b'{"object": {"a": []}, "entry": [{"id": "1"}]}', "not about a WhatsApp account"),
    ],
)
def test_a_body_that_is_no_webhook_is_kept_whole(body, reason):
    [event] = parse(body)
    assert isinstance(event, Kept)
    assert event.reason.startswith(reason)
    msgspec.json.decode(event.raw)


def test_a_body_that_is_not_json_is_kept_as_text():
    [event] = parse(b"caf\xc3\xa9 \xff\x00")
    assert json.loads(event.raw) == "café \ufffd\ufffd"


@pytest.mark.parametrize("filler", ["null", "true", '""', "[]", "{}", json.dumps("w" * 257), "9" * 300, "[[]]", '{"a": [null]}'])
def test_one_bad_id_among_fifty_spoils_only_itself(filler):
    events = parse(with_hole("id", filler))
    assert [index for index, event in enumerate(events) if isinstance(event, Kept)] == [25]
    assert [event.wamid for event in events if isinstance(event, Message)] == [f"wamid.{n}" for n in range(50) if n != 25]


def test_a_message_nested_too_deeply_is_kept_as_text_and_the_others_are_read():
    events = parse(with_hole("text", deep(100)))
    assert [index for index, event in enumerate(events) if isinstance(event, Kept)] == [25]
    assert events[25].reason == "nested more than 64 levels"
    assert json.loads(json.loads(events[25].raw))["id"] == "wamid.25"


def test_many_brackets_side_by_side_are_not_depth():
    [event] = parsed(DANA | {"novelty": [[] for _ in range(500)]})
    assert isinstance(event, Message)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (rb"a\u0000b", "a\ufffdb"),
        (rb"\u0000\u0000", "\ufffd\ufffd"),
        (rb"half \ud83d", "half \ufffd"),
        (rb"half \ud83d and more", "half \ufffd and more"),
        (rb"\ude00 other half", "\ufffd other half"),
        (rb"\ude00\ud83d swapped", "\ufffd\ufffd swapped"),
        (rb"\ud83d\ud83d\ude00 one and a half", "\ufffd😀 one and a half"),
        (rb"\ud83d\ude00 whole, \u0000 not", "😀 whole, \ufffd not"),
        (rb"\\u0000 is only text", r"\u0000 is only text"),
        (rb"\\\u0000", "\\\ufffd"),
        (rb"\\ud83d is only text, \ud83d is not", "\\ud83d is only text, \ufffd is not"),
        (b"a\x00b", "a\ufffdb"),
        (b"line\nbreak", "line\nbreak"),
        (b"\xff", "\ufffd"),
        (b"\xed\xa0\xbd\xed\xb8\x80", "\ufffd" * 6),
        (rb"Zo\u00eb \/ caf\u00e9", "Zoë / café"),
    ],
)
def test_text_that_postgresql_would_refuse_is_mended(sent, read):
    body = json.dumps(webhook(DANA | {"text": {"body": "HOLE"}})).encode().replace(b"HOLE", sent)
    [event] = parse(body)
    assert event.content.text == read
    assert json.loads(event.raw)["text"]["body"] == read


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e400", "-1e999", "9" * 400, "9" * 5000, "1." + "1" * 5000, "1e-5000"])
def test_numbers_beyond_all_measure_do_no_harm(number):
    for hole in ("timestamp", "novelty"):
        events = parse(with_hole(hole, number))
        assert [type(event) for event in events] == [Message] * 50
        json.loads(events[25].raw, parse_constant=pytest.fail)
    assert parse(with_hole("timestamp", number))[25].at is None


def test_of_duplicate_keys_the_last_counts():
    [event] = parse(json.dumps(webhook(DANA)).encode().replace(b'"Hello"', b'"Hello", "body": "Goodbye"'))
    assert event.content.text == "Goodbye"


def test_a_byte_order_mark_is_not_minded():
    [event] = parse(b"\xef\xbb\xbf" + json.dumps(webhook(DANA)).encode())
    assert isinstance(event, Message)


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        ("1794052800", datetime(2026, 11, 7, 12, tzinfo=UTC)),
        (1794052800, datetime(2026, 11, 7, 12, tzinfo=UTC)),
        (1794052800.0, datetime(2026, 11, 7, 12, tzinfo=UTC)),
        (" 1794052800 ", datetime(2026, 11, 7, 12, tzinfo=UTC)),
        ("1794052800000", None),  # milliseconds
        ("0", None),
        (-1, None),
        ("", None),
        ("yesterday", None),
        ("nan", None),
        ("²", None),
        (None, None),
        (True, None),
        ([1794052800], None),
        ("9" * 5000, None),
    ],
)
def test_a_message_without_a_usable_time_leaves_it_to_the_receiver(timestamp, at):
    assert parsed(DANA | {"timestamp": timestamp})[0].at == at
    assert parsed(SENT | {"timestamp": timestamp}, key="statuses")[0].at == at


@pytest.mark.parametrize(
    ("written", "phone"),
    [("+1 (555) 000-7890", "15550007890"), (15550007890, "15550007890"), ("15550007890", "15550007890")],
)
def test_phones_are_digits_however_they_are_written(written, phone):
    assert parsed(DANA | {"from": written})[0].sender.phone == phone


@pytest.mark.parametrize("written", ["US.13491200000000000001", "", "+", "١٢٣", "1" * 33, "1 " * 40, True, None, [], {}, 1e300])
def test_what_is_no_phone_is_not_taken_for_one(written):
    assert isinstance(parsed(DANA | {"from": written})[0], Kept)


def test_a_person_is_found_by_bsuid_first_then_by_phone_and_never_by_place():
    dana = {"profile": {"name": "Dana"}, "wa_id": "15550007890", "user_id": "US.1"}
    zoe = {"profile": {"name": "Zoë"}, "user_id": "US.2"}
    by_phone, by_bsuid, stranger = parsed(
        DANA, DANA | {"from": None, "from_user_id": "US.2"}, DANA | {"from": "15550001111"}, contacts=[zoe, None, 5, dana]
    )
    assert by_phone.sender == Sender(phone="15550007890", bsuid="US.1", name="Dana")
    assert by_bsuid.sender == Sender(bsuid="US.2", name="Zoë")
    assert stranger.sender == Sender(phone="15550001111")


def test_what_the_message_says_of_its_sender_wins_over_the_contact():
    [event] = parsed(DANA | {"from_user_id": "US.9"}, contacts=[{"wa_id": "15550007890", "user_id": "US.1"}])
    assert event.sender == Sender(phone="15550007890", bsuid="US.9")


def test_names_that_the_message_leaves_out_come_from_the_contact():
    dana = {"wa_id": "15550007890", "user_id": "US.1", "parent_user_id": "US.ENT.1"}
    by_bsuid, own_parent = parsed(
        DANA | {"from": None, "from_user_id": "US.1"}, DANA | {"from_user_id": "US.1", "from_parent_user_id": "US.ENT.2"}, contacts=[dana]
    )
    assert by_bsuid.sender == Sender(phone="15550007890", bsuid="US.1", parent_bsuid="US.ENT.1")
    assert own_parent.sender == Sender(phone="15550007890", bsuid="US.1", parent_bsuid="US.ENT.2")


def test_a_change_of_identity_is_read_from_whatever_it_names():
    system = {"id": "wamid.S", "type": "system"}
    kept_id, only_new_phone, nothing = parsed(
        system | {"from_user_id": "US.1", "system": {"type": "user_changed_user_id", "user_id": "US.2"}},
        system | {"system": {"type": "user_changed_number", "wa_id": "15550007999"}},
        system | {"from": "15550007890", "system": None},
    )
    assert (kept_id.change.old_bsuid, kept_id.change.new_bsuid, kept_id.sender.bsuid) == ("US.1", "US.2", "US.1")
    assert (only_new_phone.change.old_phone, only_new_phone.sender.phone) == (None, "15550007999")
    assert (nothing.change.kind, nothing.change.new_phone, nothing.sender.phone) == ("unknown", None, "15550007890")


def test_a_message_without_a_type_is_of_unknown_type():
    assert parsed(DANA | {"type": None})[0].content.type == "unknown"


@pytest.mark.parametrize("contacts", [None, {}, "Dana", [None], [[]], [{"profile": None, "wa_id": {}}], [{"profile": {"name": []}}]])
def test_contacts_of_any_shape_do_not_hurt_the_message(contacts):
    assert parsed(DANA, contacts=contacts)[0].sender.phone == "15550007890"


@pytest.mark.parametrize("junk", [None, 0, "", "junk", [], [[]], {}, {"id": []}, {"body": {}}, {"type": 1}, [None], True, 1.5])
@pytest.mark.parametrize(
    "kind",
    KINDS,
)
def test_content_of_any_shape_is_still_a_message(kind, junk):
    wrapped = {"type": "nfm_reply", "nfm_reply": junk}
    for part in (junk, wrapped, {"original_message_id": "wamid.X", "message": junk}, {"type": "list_reply", "list_reply": junk}):
        [event] = parsed(DANA | {"type": kind, kind: part, "context": junk, "referral": junk, "errors": junk, "group_id": junk})
        assert (type(event), event.content.type) == (Message, kind)


def test_half_a_place_is_no_place():
    assert parsed(DANA | {"type": "location", "location": {"latitude": 37.5}})[0].content.location is None


def test_an_edit_of_an_edit_does_not_take_its_place():
    for kind in ("edit", "revoke"):
        inner = {"type": kind, kind: {"original_message_id": "wamid.INNER"}}
        [event] = parsed(DANA | {"type": "edit", "edit": {"original_message_id": "wamid.OUTER", "message": inner}})
        assert (event.content.edit_of, event.content.revoke_of) == ("wamid.OUTER", None)


@pytest.mark.parametrize("response", ["", "{", "17", "[]", "null", deep(5000), '{"a":' + deep(80) + "}", r'{"a": "\ud83d'])
def test_a_form_that_cannot_be_read_is_a_form_without_data(response):
    [event] = parsed(DANA | {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"response_json": response}}})
    assert (event.content.reply.kind, event.content.reply.data) == ("flow", None)


def test_a_form_is_mended_like_any_other_text():
    form = r'{"name": "D\u0000 \ud83d", "big": 1e999}'
    [event] = parsed(DANA | {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"response_json": form}}})
    assert event.content.reply.data == {"name": "D\ufffd \ufffd", "big": "1e999"}


def test_messages_without_a_field_are_messages_all_the_same():
    assert isinstance(parsed(DANA, field=None)[0], Message)
    assert isinstance(parsed(SENT, key="statuses", field="")[0], Status)
    assert isinstance(parsed(DANA | {"to": "15550007890"}, key="message_echoes", field=None)[0], Echo)


def test_messages_under_a_field_of_echoes_are_not_taken_for_a_customers():
    assert isinstance(parsed(DANA, field="smb_message_echoes")[0], Kept)
    assert isinstance(parsed(SENT, key="statuses", field="smb_message_echoes")[0], Status)


def test_the_status_of_a_call_is_not_the_status_of_a_message():
    assert parsed(SENT | {"type": "call"}, key="statuses")[0].reason == "the status of a call"


def test_an_error_code_that_no_column_holds_is_left_out():
    [event] = parsed(SENT | {"status": "failed", "errors": [{"code": 10**12, "title": "T"}, {"code": "131026"}, 5]}, key="statuses")
    assert [failure.code for failure in event.errors] == [None, 131026]


def test_every_raw_can_be_stored_in_postgresql(server):
    bodies = [
        b"hello \x00 \xff",
        deep(5000).encode(),
        deep(900).encode(),
        rb'{"entry": [{"\u0000": "\ud83d\u0000"}]}',
        with_hole("text", deep(100)),
        with_hole("text", deep(60)),
        *(with_hole("novelty", number) for number in ("1e400", "9" * 4300, "-" + "9" * 4301, "1e308", "NaN")),
        with_hole("novelty", r'"\u0000\ud83d\\u0000"'),
        with_hole("novelty", r'{"\u0000\ud83d": "\u0001\u001f\u007f"}'),
    ]
    for event in (event for body in bodies for event in parse(body)):
        server.execute("select %s::jsonb, %s::text", [event.raw.decode(), event.raw.decode()])
