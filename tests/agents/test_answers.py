"""Echo answers in every form there is, and Bakery Lumen's customers get what it meant."""

import json

import pytest

from dragoman.agents.answers import Replies, Silence, Unrecognised, read
from dragoman.whatsapp.content import Button, Buttons, Choices, ContactCard, LinkButton, Location, Media, Row, Text

JSON = "application/json"
TART, MENU, VOICE, FILM = (f"https://lumen.example/{name}" for name in ("tart.jpg", "menu.pdf", "hello.ogg", "oven.mp4"))
HI = Text(body="Hi Dana")
PICTURE = Media(kind="image", url=TART)
PLACE = Location(latitude=48.1, longitude=-11.5)
ADA = ContactCard(name="Ada Byron", phone_number="+15550004321")


def image(caption=None):
    return Media(kind="image", url=TART, caption=caption)


def replies(*titles):
    return [{"type": "quick_reply", "text": title, "quickReplyId": title.lower()} for title in titles]


def buttons(*titles, **more):
    return Buttons(body="Which?", buttons=tuple(Button(title, title.lower()) for title in titles), **more)


SILENT = {
    "an empty body": (b"", JSON),
    "white space": (b" \r\n\t", "text/plain"),
    "nothing declared": (b"", None),
    "null": (b"null", JSON),
    "an empty string": (b'""', JSON),
    "an empty array": (b"[]", JSON),
    "an array of nothing": (b'[null, "", {"content": ""}]', JSON),
    "no content": (b'{"content": null}', JSON),
    "blank content": (b'{"content": " "}', JSON),
    "the agreed words": (b'{"content": "No CUSTOMER message reply"}', JSON),
    "the agreed words under a type": (b'{"type": "message", "content": "No CUSTOMER message reply"}', JSON),
    "the agreed words as text": (b"No CUSTOMER message reply.\n", "text/plain"),
    "n8n has taken it": (b'{"message": "Workflow was started"}', JSON),
    "a unified message of nothing": (b'{"unified": {}}', JSON),
}


@pytest.mark.parametrize("name", SILENT)
def test_some_answers_are_silence(name):
    assert read(*SILENT[name]) == Silence()


PLAIN = {
    "text": (b"Hi Dana", "text/plain"),
    "text of no type": (b"Hi Dana", None),
    "text with a byte order mark": (b"\xef\xbb\xbfHi Dana\r\n", "text/plain; charset=utf-8"),
    "text declared as JSON": (b"Hi Dana", JSON),
    "markdown": (b"Hi Dana", "text/markdown"),
    "a JSON string": (b'"Hi Dana"', JSON),
    "a JSON string of no type": (b'"Hi Dana"', None),
    "a JSON object as text": (b'{"content": "Hi Dana"}', "text/plain"),
    "a JSON object as HTML": (b'{"content": "Hi Dana"}', "text/html; charset=utf-8"),
    "another JSON type": (b'{"content": "Hi Dana"}', "application/vnd.lumen+json; charset=utf-8"),
    "a type in capitals": (b'{"content": "Hi Dana"}', "Application/JSON"),
    "a key that stands twice": (b'{"content": "Bye", "content": "Hi Dana"}', JSON),
    "control characters": (b'{"content": "Hi\\u0000 Dana\\u0007"}', JSON),
}


@pytest.mark.parametrize("name", PLAIN)
def test_text_comes_in_many_wrappings(name):
    assert read(*PLAIN[name]) == Replies([HI])


FORMS = [
    *(({key: "Hi Dana"}, [HI]) for key in ("content", "message", "text", "reply", "response", "output", "answer")),
    ({"type": "message", "content": "Hi Dana"}, [HI]),
    ({"type": "text", "text": {"body": "Hi Dana"}}, [HI]),
    ({"type": "text", "body": "Hi Dana"}, [HI]),
    ({"message": {"content": "Hi Dana"}}, [HI]),
    ({"content": "", "answer": "Hi Dana"}, [HI]),
    ({"answer": "Bye", "content": "Hi Dana"}, [HI]),
    ({"error": None, "message": "Hi Dana", "session": 7}, [HI]),
    ({"content": "**Hi** Dana"}, [Text(body="*Hi* Dana")]),
    ({"content": "See https://lumen.example"}, [Text(body="See https://lumen.example", preview_url=True)]),
    ({"content": "cut \ud83d"}, [Text(body="cut \ufffd")]),
    ({"image": TART}, [PICTURE]),
    ({"image": {"url": TART}}, [PICTURE]),
    ({"image": {"link": TART, "caption": "**Fresh**"}}, [image("*Fresh*")]),
    ({"type": "image", "url": TART, "caption": "Fresh"}, [image("Fresh")]),
    ({"type": "image", "image": {"link": TART}}, [PICTURE]),
    ({"video": FILM}, [Media(kind="video", url=FILM)]),
    ({"audio": VOICE}, [Media(kind="audio", url=VOICE)]),
    ({"audio": {"url": VOICE, "voice": True}}, [Media(kind="audio", url=VOICE, voice=True)]),
    ({"document": MENU}, [Media(kind="document", url=MENU, filename="menu.pdf")]),
    ({"document": {"url": MENU, "filename": "Our menu.pdf"}}, [Media(kind="document", url=MENU, filename="Our menu.pdf")]),
    ({"document": "https://lumen.example/file?id=7"}, [Media(kind="document", url="https://lumen.example/file?id=7")]),
    ({"contact": {"name": "Ada Byron", "phone_number": "+15550004321"}}, [ADA]),
    ({"contact": {"name": "Ada Byron", "phone": "+15550004321"}}, [ADA]),
    ({"location": {"latitude": 48.1, "longitude": -11.5}}, [PLACE]),
    ({"location": {"latitude": "48.1", "lng": "-11.5"}}, [PLACE]),
    ({"type": "location", "latitude": 48.1, "longitude": -11.5}, [PLACE]),
    ({"location": {"latitude": 0, "longitude": 0, "name": "Lumen", "address": "1 Mill Lane"}}, [Location(latitude=0, longitude=0, name="Lumen", address="1 Mill Lane")]),
    ({"content": "Fresh", "image": TART}, [image("Fresh")]),
    ({"content": "Fresh", "image": {"url": TART, "caption": "Lemon"}}, [Text(body="Fresh"), image("Lemon")]),
    ({"content": "x" * 1025, "image": TART}, [PICTURE, Text(body="x" * 1025)]),
    ({"content": "Listen", "audio": VOICE}, [Text(body="Listen"), Media(kind="audio", url=VOICE)]),
    ({"content": "No CUSTOMER message reply", "image": TART}, [PICTURE]),
    ({"content": "Fresh", "audio": VOICE, "video": FILM, "image": TART}, [image("Fresh"), Media(kind="video", url=FILM), Media(kind="audio", url=VOICE)]),
    ({"content": "Here", "location": {"latitude": 48.1, "longitude": -11.5}, "contact": {"name": "Ada Byron", "phone_number": "+15550004321"}}, [Text(body="Here"), ADA, PLACE]),
    ({"content": "Hi Dana", "image": None, "contact": None, "audio": ""}, [HI]),
    ([{"content": "Hi Dana"}, "Hi Dana", {"image": TART}], [HI, HI, PICTURE]),
]  # fmt: skip
UNIFIED = [
    ({"text": "Hi Dana"}, [HI]),
    ({"body": "Hi Dana"}, [HI]),
    ({"text": "Hi Dana", "footer": "Lumen"}, [Text(body="Hi Dana\n\nLumen")]),
    ({"text": "Fresh", "media": {"url": TART}}, [image("Fresh")]),
    ({"text": "Fresh", "media": TART}, [image("Fresh")]),
    ({"text": "Fresh", "media": [{"url": TART}]}, [image("Fresh")]),
    ({"text": "Fresh", "url": TART}, [image("Fresh")]),
    ({"media": {"url": TART}}, [PICTURE]),
    ({"text": "Menu", "media": {"url": MENU}}, [Media(kind="document", url=MENU, filename="menu.pdf", caption="Menu")]),
    ({"media": {"url": "https://lumen.example/9", "mimeType": "video/mp4"}}, [Media(kind="video", url="https://lumen.example/9")]),
    ({"media": {"url": "https://lumen.example/9", "mimeType": "application/pdf"}}, [Media(kind="document", url="https://lumen.example/9")]),
    ({"media": {"url": "https://lumen.example/9"}}, [Media(kind="image", url="https://lumen.example/9")]),
    ({"text": "Listen", "media": VOICE}, [Media(kind="audio", url=VOICE), Text(body="Listen")]),
    ({"text": "Which?", "buttons": replies("Lemon", "Plum")}, [buttons("Lemon", "Plum")]),
    ({"text": "Which?", "buttons": ["Lemon"]}, [Buttons(body="Which?", buttons=(Button("Lemon", "Lemon"),))]),
    ({"text": "Which?", "buttons": [{"type": "reply", "reply": {"id": "lemon", "title": "Lemon"}}]}, [buttons("Lemon")]),
    ({"text": "Which?", "buttons": [{"title": "Lemon", "id": "lemon"}]}, [buttons("Lemon")]),
    ({"text": "Which?", "footer": "Lumen", "media": TART, "buttons": replies("Lemon")}, [buttons("Lemon", footer="Lumen", header=PICTURE)]),
    ({"text": "Which?", "media": VOICE, "buttons": replies("Lemon")}, [Media(kind="audio", url=VOICE), buttons("Lemon")]),
    ({"text": "Which?", "media": {"url": TART, "caption": "Fresh"}, "buttons": replies("Lemon")}, [image("Fresh"), buttons("Lemon")]),
    ({"text": "**Which?**", "buttons": [{"type": "url", "text": "Order", "url": MENU}]}, [LinkButton(body="*Which?*", title="Order", url=MENU)]),
    ({"text": "Which?", "media": TART, "buttons": [{"text": "Order", "url": MENU}]}, [LinkButton(body="Which?", title="Order", url=MENU, header=PICTURE)]),
    ({"text": "Which?", "buttons": replies("A", "B", "C", "D")}, [Choices(body="Which?", button="Choose", rows=tuple(Row(title, title.lower()) for title in "ABCD"))]),
    ({"text": "Which?", "footer": "Lumen", "listButton": "Tarts", "media": TART, "buttons": [*replies("A", "B", "C"), {"text": "D", "description": "New"}]},
     [PICTURE, Choices(body="Which?", button="Tarts", footer="Lumen", rows=(Row("A", "a"), Row("B", "b"), Row("C", "c"), Row("D", "D", "New")))]),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "contents"), FORMS)
def test_every_form_of_an_answer_is_understood(answer, contents):
    assert read(json.dumps(answer).encode(), JSON) == Replies(contents)


@pytest.mark.parametrize(("answer", "contents"), UNIFIED)
def test_every_form_of_a_unified_message_is_understood(answer, contents):
    expected = Replies(contents)
    assert read(json.dumps({"unified": answer}).encode(), JSON) == expected
    assert read(json.dumps({"type": "unified", "unified": answer}).encode(), JSON) == expected
    assert read(json.dumps([{"unified": answer}]).encode(), JSON) == expected


def test_buttons_may_stand_beside_the_content():
    answer = {"type": "message", "content": "Which?", "image": TART, "buttons": replies("Lemon")}
    assert read(json.dumps(answer).encode(), JSON) == Replies([buttons("Lemon", header=PICTURE)])


def test_a_long_answer_is_several_messages():
    paragraph = "Lemon tarts are baked every morning. " * 29 + "They are good."
    answer = read(json.dumps({"content": f"{paragraph}\n\n{paragraph}\n\n{paragraph}\n\n{paragraph}"}).encode(), JSON)
    assert [len(content.body) for content in answer.contents] == [3 * len(paragraph) + 4, len(paragraph)]


def test_a_long_text_with_a_picture_follows_it_in_several_messages():
    answer = read(json.dumps({"content": "Tarts. " * 1000, "image": TART}).encode(), JSON)
    assert [type(content) for content in answer.contents] == [Media, Text, Text]


def test_old_western_text_is_read_when_it_says_so():
    assert read("Zoë".encode("cp1252"), "text/plain; charset=ISO-8859-1") == Replies([Text(body="Zoë")])


def test_plain_text_in_brackets_is_just_text():
    for text in ("[1]", "[Lumen] Hi", "5", "true", '"Hi" said Dana', "{name}, hi"):
        assert read(text.encode(), "text/plain") == Replies([Text(body=text)])


REFUSED = [
    (b"<!DOCTYPE html><p>Sign in", None, None, "HTML page"),
    (b" <html><body>502", "text/plain", None, "HTML page"),
    (b"<p>Hi Dana</p>", "text/html", None, "HTML page"),
    (b"Hi Dana", "text/html; charset=utf-8", None, "HTML page"),
    (b"\x89PNG\r\n", "image/png", None, "content type image/png"),
    (b"a=b", "application/x-www-form-urlencoded", None, "content type application/x-www-form-urlencoded"),
    (b"\xff\xfe\x00", None, None, "not text"),
    (b"\xff\xfe\x00", "application/octet-stream", None, "not text"),
    (b'{"content": "Hi', JSON, None, "looks like JSON but cannot be read"),
    (b'{"content": "Hi', None, None, "looks like JSON but cannot be read"),
    (b'["Hi"', JSON, None, "looks like JSON but cannot be read"),
    (b'{"content": "Hi", "score": NaN}', JSON, None, "looks like JSON but cannot be read"),
    (b"[" * 100_000, JSON, None, "nested too deeply"),
    (b'{"content":' * 20_000, JSON, None, "nested too deeply"),
    (b" " * 300_000 + b"Hi", "text/plain", None, "at most 262,144 are read"),
    (b"5", JSON, None, "the answer is a number"),
    (b"true", JSON, None, "the answer is true"),
    (b"[[\"Hi\"]]", JSON, "[0]", "is an array"),
    (b"[\"Hi\", 5]", JSON, "[1]", "is a number"),
    (json.dumps(["Hi"] * 11).encode(), JSON, None, "has 11 items; at most 10"),
    (json.dumps(["Hi " * 3000] * 10).encode(), JSON, None, "more than 20 messages"),
    (json.dumps({"content": "x" * 41_000}).encode(), JSON, "content", "is 41000 characters; at most 40960"),
    (b"{}", JSON, None, "none of the keys content, unified"),
    (b'{"status": "ok"}', JSON, None, "none of the keys"),
    (b'["Hi", {"status": "ok"}]', JSON, "[1]", "none of the keys"),
    (b'{"error": "no model", "message": "Internal error"}', JSON, "error", "error report"),
    (b'{"template": {"name": "hello"}}', JSON, "template", "sent through the API"),
    (b'{"content": 5}', JSON, "content", "is a number; it must be text"),
    (b'{"content": ["Hi"]}', JSON, "content", "is an array; it must be text"),
    (b'{"reply": true}', JSON, "reply", "is true; it must be text"),
    (b'{"image": "%IMAGE_URL%"}', JSON, "image", "not a public http or https address"),
    (b'{"image": {"url": "tart.jpg"}}', JSON, "image.url", "not a public http or https address"),
    (b'{"image": {"link": "tart.jpg"}}', JSON, "image.link", "not a public http or https address"),
    (b'{"image": {"id": "1479"}}', JSON, "image.url", "is missing"),
    (b'{"image": ["https://a/b.png"]}', JSON, "image", "is an array"),
    (b'[{"video": 5}]', JSON, "[0].video", "is a number"),
    (b'{"contact": {"name": "Ada"}}', JSON, "contact.phone_number", "is missing"),
    (b'{"contact": {"phone_number": "+1555"}}', JSON, "contact.name", "is missing"),
    (b'{"contact": "Ada"}', JSON, "contact", "is a text"),
    (b'{"location": {"latitude": 91, "longitude": 0}}', JSON, "location.latitude", "between -90 and 90"),
    (b'{"location": {"latitude": 1, "longitude": "east"}}', JSON, "location.longitude", "not a number"),
    (b'{"location": {"latitude": 1, "longitude": true}}', JSON, "location.longitude", "not a number"),
    (b'{"location": {"latitude": 1%s, "longitude": 1}}' % (b"0" * 400), JSON, "location.latitude", "not a number"),
    (b'{"location": "48.1,11.5"}', JSON, "location", "is a text"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "kind", "field", "reason"), REFUSED, ids=[repr(body[:40]) for body, *_ in REFUSED])
def test_what_is_not_understood_is_sent_to_nobody(body, kind, field, reason):
    answer = read(body, kind)
    assert isinstance(answer, Unrecognised)
    assert reason in answer.reason
    assert answer.field == field
    assert len(answer.head) <= 2048


ASKED = {"text": "Which?", "buttons": replies("Lemon")}
LIMITS = [
    ({"footer": "x" * 61}, "unified.footer", "is 61 characters; WhatsApp allows 60"),
    ({"footer": "x" * 61, "buttons": []}, "unified.footer", "is 61 characters; WhatsApp allows 60"),
    ({"footer": 5}, "unified.footer", "is a number; it must be text"),
    ({"text": ""}, "unified.text", "is empty"),
    ({"text": "x" * 1025}, "unified.text", "is 1025 characters; WhatsApp allows 1024"),
    ({"text": "x" * 4097, "buttons": replies("A", "B", "C", "D")}, "unified.text", "is 4097 characters; WhatsApp allows 4096"),
    ({"buttons": replies("x" * 21)}, "unified.buttons[0].text", "is 21 characters; WhatsApp allows 20"),
    ({"buttons": replies("Lemon", "")}, "unified.buttons[1].text", "is empty"),
    ({"buttons": replies("Lemon", "Lemon")}, "unified.buttons[1].text", "is the same as an earlier one; each must differ"),
    ({"buttons": [{"text": "A", "id": "x" * 257}]}, "unified.buttons[0].quickReplyId", "is 257 characters; WhatsApp allows 256"),
    ({"buttons": replies("A", "B", "C", "x" * 25)}, "unified.buttons[3].text", "is 25 characters; WhatsApp allows 24"),
    ({"buttons": replies("A", "B", "C", "D"), "listButton": "x" * 21}, "unified.listButton", "is 21 characters; WhatsApp allows 20"),
    ({"buttons": replies(*"ABCDEFGHIJK")}, "unified.buttons", "has 11 entries; WhatsApp shows at most 10 choices"),
    ({"buttons": [{"type": "url", "text": "Go"}]}, "unified.buttons[0].url", "is missing; a button of type url opens one"),
    ({"buttons": [{"type": "url", "text": "Go", "url": "x"}]}, "unified.buttons[0].url", "is not a public http or https address"),
    ({"buttons": [{"text": "x" * 21, "url": MENU}]}, "unified.buttons[0].text", "is 21 characters; WhatsApp allows 20"),
    ({"buttons": [{"text": "A", "url": MENU}] * 2}, "unified.buttons", "has several links; WhatsApp allows one"),
    ({"buttons": [{"text": "A", "url": MENU}, "B"]}, "unified.buttons", "mixes a link with replies; WhatsApp allows one kind"),
    ({"buttons": [{"type": "call", "text": "A"}]}, "unified.buttons[0].type", "is not known; there are quick_reply and url"),
    ({"buttons": [5]}, "unified.buttons[0]", "is a number; it must be an object with type, text and url or quickReplyId"),
    ({"buttons": "Lemon"}, "unified.buttons", "is a text; it must be an array"),
    ({"media": {"url": "tart.jpg"}}, "unified.media.url", "is not a public http or https address"),
    ({"media": "tart.jpg"}, "unified.media", "is not a public http or https address"),
    ({"media": [TART, TART]}, "unified.media", "has 2 entries; a message has one"),
    ({"media": TART, "image": TART}, "unified.media", "is a second file beside image; a message with footer or buttons has one"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "field", "problem"), LIMITS)
def test_each_limit_of_a_unified_message_is_named(change, field, problem):
    answer = read(json.dumps({"unified": ASKED | change}).encode(), JSON)
    assert (answer.field, answer.reason) == (field, f"{field} {problem}")
    inside = read(json.dumps(["Hi", {"unified": ASKED | change}]).encode(), JSON)
    assert inside.field == f"[1].{field}"
