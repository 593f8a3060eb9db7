"""Whatever bytes an agent answers with: no exception, nothing beyond WhatsApp's limits, nothing the store could not take."""

import json
import time

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dragoman.agents.answers import Replies, Silence, Unrecognised, read
from dragoman.whatsapp.content import dump, load
from dragoman.whatsapp.messages import check, wire

patient = settings(deadline=None)  # the machine may be busy

TYPES = st.sampled_from([None, "", "application/json", "text/plain", "text/html", "application/octet-stream", "image/png", "x", "Text/Plain; charset=latin-1"])  # fmt: skip
KEYS = ["content", "message", "text", "reply", "response", "output", "answer", "caption", "type", "unified", "image", "video", "audio", "document", "contact", "location", "footer", "media", "buttons", "url", "link", "title", "id", "quickReplyId", "reply", "listButton", "name", "phone_number", "latitude", "longitude", "filename", "mimeType", "error", "template", "other"]  # fmt: skip
WORDS = ["Hi Dana", "", " ", "No CUSTOMER message reply", "https://lumen.example/t.png", "https://lumen.example/a.ogg", "x" * 61, "x" * 1025, "x" * 5000, "**bold** _i_", "```\ncode", "url", "quick_reply", "unified", "image", "48.1", "+1555", "%IMAGE_URL%"]  # fmt: skip

characters = st.text(st.characters(exclude_categories=()), max_size=12)  # halves of surrogate pairs and U+0000 among them
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(WORDS), characters)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=12), st.dictionaries(st.one_of(st.sampled_from(KEYS), characters), inner, max_size=6)),
    max_leaves=25,
)
bodies = st.one_of(st.binary(max_size=300), characters.map(lambda text: text.encode("utf-8", "surrogatepass")), values.map(lambda value: json.dumps(value).encode()))  # fmt: skip


# Dice throw these too seldom to be relied on: longer than a message, a caption or a footer may be; nested without end; halves, no text.
@patient
@example(json.dumps({"content": "x" * 5000}).encode(), "application/json")
@example(json.dumps({"content": "x" * 1025, "image": "https://lumen.example/t.png"}).encode(), "application/json")
@example(json.dumps({"content": "Hi Dana", "footer": "x" * 61}).encode(), "application/json")
@example(b"[" * 100_000, "application/json")
@example(b'{"content": "\\ud83d and \\u0000"}', "application/json")
@example(b"\xff\xfe", "")
@example(b"a\0b", "image/png")
@given(bodies, TYPES)
def test_no_answer_breaks_the_reader_and_every_reply_can_be_sent(body, kind):
    answer = read(body, kind)
    match answer:
        case Replies(contents):
            assert contents
            for content in contents:
                check(content)
                wire(content, to="+15550007890", recipient=None, attempt="a")
                assert load(dump(content)) == content
        case Unrecognised(reason=reason, head=head):
            assert reason
            assert len(head) <= 2048
            assert "\0" not in head + reason
            (head + reason + (answer.field or "")).encode()
        case _:
            assert answer == Silence()


@patient
@given(
    st.dictionaries(
        st.sampled_from(KEYS),
        st.one_of(scalars, st.lists(st.dictionaries(st.sampled_from(KEYS), scalars, max_size=4), max_size=5)),
        max_size=7,
    )
)
def test_no_unified_message_breaks_the_reader(message):
    answer = read(json.dumps({"unified": message}).encode(), "application/json")
    for content in answer.contents if isinstance(answer, Replies) else []:
        check(content)


@patient
@given(characters.filter(str.strip))
def test_the_same_text_means_the_same_in_every_wrapping(text):
    spoken = json.dumps(text).encode()
    assert read(b'{"content": %s}' % spoken, "application/json") == read(b'{"reply": %s}' % spoken, "application/json")
    assert read(b"[%s]" % spoken, "application/json") == read(spoken, "application/json")


def test_a_usual_answer_is_read_in_a_few_microseconds():
    body = b'{"content": "Hi Dana, your two lemon tarts are ready at five."}'
    best = min(_seconds(body) for _ in range(20))
    assert best < 1e-4  # 10 to 20 millionths where nobody else works


def _seconds(body):
    began = time.perf_counter()
    for _ in range(100):
        read(body, "application/json")
    return (time.perf_counter() - began) / 100
