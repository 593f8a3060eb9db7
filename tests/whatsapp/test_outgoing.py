"""What Bakery Lumen says to its customers: within WhatsApp's limits, and in Meta's form."""

import json

import msgspec
import pytest

from dragoman.errors import Invalid
from dragoman.whatsapp.content import (
    Button,
    Buttons,
    Choices,
    ContactCard,
    LinkButton,
    Location,
    Media,
    Reaction,
    Row,
    Template,
    Text,
    dump,
    load,
)
from dragoman.whatsapp.messages import check, kind_of, split, wire

TART = "https://lumen.example/tart.jpg"
PICTURE = Media(kind="image", url=TART)
YES, NO = Button("Yes", "y"), Button("No", "n")
LEMON = Row("Lemon tart", "lemon")

GOOD = {
    "text": (Text(body="Hi Dana"), {"type": "text", "text": {"body": "Hi Dana"}}),
    "text with preview": (
        Text(body="See https://lumen.example", preview_url=True),
        {"type": "text", "text": {"body": "See https://lumen.example", "preview_url": True}},
    ),
    "image": (
        Media(kind="image", url=TART, caption="Fresh", filename="not for images"),
        {"type": "image", "image": {"link": TART, "caption": "Fresh"}},
    ),
    "document": (
        Media(kind="document", url="https://lumen.example/p.pdf", filename="Prices.pdf"),
        {"type": "document", "document": {"link": "https://lumen.example/p.pdf", "filename": "Prices.pdf"}},
    ),
    "voice": (
        Media(kind="audio", url="https://lumen.example/a.ogg", voice=True),
        {"type": "audio", "audio": {"link": "https://lumen.example/a.ogg", "voice": True}},
    ),
    "location": (
        Location(latitude=48.1, longitude=-11.5, name="Lumen", address="1 Mill Lane"),
        {"type": "location", "location": {"latitude": 48.1, "longitude": -11.5, "name": "Lumen", "address": "1 Mill Lane"}},
    ),
    "contact": (
        ContactCard(name="Ada Byron", phone_number="+1 555 000-4321"),
        {
            "type": "contacts",
            "contacts": [
                {
                    "name": {"formatted_name": "Ada Byron", "first_name": "Ada"},
                    "phones": [{"phone": "+1 555 000-4321", "type": "CELL", "wa_id": "15550004321"}],
                }
            ],
        },
    ),
    "reply buttons": (
        Buttons(body="Two tarts?", buttons=(YES, NO), footer="Lumen", header=PICTURE),
        {
            "type": "interactive",
            "interactive": {
                "type": "button",
                "header": {"type": "image", "image": {"link": TART}},
                "body": {"text": "Two tarts?"},
                "footer": {"text": "Lumen"},
                "action": {
                    "buttons": [
                        {"type": "reply", "reply": {"id": "y", "title": "Yes"}},
                        {"type": "reply", "reply": {"id": "n", "title": "No"}},
                    ]
                },
            },
        },
    ),
    "link button": (
        LinkButton(body="Order", title="Open", url="https://lumen.example/order"),
        {
            "type": "interactive",
            "interactive": {
                "type": "cta_url",
                "body": {"text": "Order"},
                "action": {"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://lumen.example/order"}},
            },
        },
    ),
    "list": (
        Choices(body="Which?", button="Choose", rows=(LEMON, Row("Plum tart", "plum", "New"))),
        {
            "type": "interactive",
            "interactive": {
                "type": "list",
                "body": {"text": "Which?"},
                "action": {
                    "button": "Choose",
                    "sections": [
                        {"rows": [{"id": "lemon", "title": "Lemon tart"}, {"id": "plum", "title": "Plum tart", "description": "New"}]}
                    ],
                },
            },
        },
    ),
    "reaction": (
        Reaction(message_id="wamid.1", emoji="👍"),
        {"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": "👍"}},
    ),
    "reaction taken back": (Reaction(message_id="wamid.1"), {"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": ""}}),
    "template": (
        Template(name="order_ready", language="en_US", components=[{"type": "body", "parameters": [{"type": "text", "text": "Dana"}]}]),
        {
            "type": "template",
            "template": {
                "name": "order_ready",
                "language": {"code": "en_US"},
                "components": [{"type": "body", "parameters": [{"type": "text", "text": "Dana"}]}],
            },
        },
    ),
    "template without variables": (
        Template(name="hello", language="en"),
        {"type": "template", "template": {"name": "hello", "language": {"code": "en"}}},
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_each_kind_of_content_has_its_form_at_meta(name):
    content, form = GOOD[name]
    check(content)
    body = json.loads(wire(content, to="+15550007890", recipient=None, attempt="a1"))
    envelope = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": "+15550007890", "biz_opaque_callback_data": "a1"}
    assert body == envelope | form


@pytest.mark.parametrize("name", GOOD)
def test_stored_content_reads_back_the_same(name):
    content, _ = GOOD[name]
    assert load(dump(content)) == content
    assert load(json.loads(dump(content))) == content


def test_the_phone_number_is_written_with_a_plus():
    assert json.loads(wire(Text(body="Hi"), to="15550007890", recipient=None, attempt="a"))["to"] == "+15550007890"


def test_a_customer_without_a_phone_is_reached_by_user_id():
    body = json.loads(wire(Text(body="Hi Zoë"), to=None, recipient="US.13491200000000000002", attempt="a"))
    assert body["recipient"] == "US.13491200000000000002"
    assert "to" not in body


def test_the_phone_number_wins_when_both_are_known():
    body = json.loads(wire(Text(body="Hi"), to="15550007890", recipient="US.1", attempt="a"))
    assert "recipient" not in body


def test_a_message_to_nobody_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="phone number or a BSUID"):
        wire(Text(body="Hi"), to=None, recipient=None, attempt="a")


def test_a_reply_quotes_but_a_reaction_does_not():
    quoted = json.loads(wire(Text(body="Hi"), to="1", recipient=None, attempt="a", reply_to="wamid.9"))
    assert quoted["context"] == {"message_id": "wamid.9"}
    assert "context" not in json.loads(wire(Reaction(message_id="wamid.9"), to="1", recipient=None, attempt="a", reply_to="wamid.9"))


def buttons(**changes):
    return msgspec.structs.replace(Buttons(body="Two tarts?", buttons=(YES, NO)), **changes)


def choices(**changes):
    return msgspec.structs.replace(Choices(body="Which?", button="Choose", rows=(LEMON,)), **changes)


def link(**changes):
    return msgspec.structs.replace(LinkButton(body="Order", title="Open", url=TART), **changes)


LIMITS = [
    (Text(body="x" * 4096), Text(body="x" * 4097), "text.body is 4097 characters; WhatsApp allows 4096"),
    (Text(body="."), Text(body=" \n"), "text.body is empty"),
    (Text(body="a"), Text(body="a\0"), "text.body holds a character that cannot be sent (U+0000 or half of a surrogate pair)"),
    (Text(body="a"), Text(body="\ud83d"), "text.body holds a character that cannot be sent (U+0000 or half of a surrogate pair)"),
    (Media(kind="image", url=TART, caption="x" * 1024), Media(kind="image", url=TART, caption="x" * 1025), "image.caption is 1025 characters; WhatsApp allows 1024"),
    (PICTURE, Media(kind="image", url="tart.jpg"), "image.url is not a public http or https address"),
    (PICTURE, Media(kind="image", url="ftp://lumen.example/a"), "image.url is not a public http or https address"),
    (PICTURE, Media(kind="image", url="https://"), "image.url is not a public http or https address"),
    (PICTURE, Media(kind="image", url="https://[::1"), "image.url is not a public http or https address"),
    (PICTURE, Media(kind="image", url="https://a/b c"), "image.url is not a public http or https address"),
    (PICTURE, Media(kind="video", url="https://a/" + "x" * 2000), "video.url is 2010 characters; WhatsApp allows 2000"),
    (Media(kind="audio", url=TART), Media(kind="audio", url=TART, caption="x"), "audio.caption cannot be sent: WhatsApp shows no caption with audio; send it as a text"),
    (Media(kind="document", url=TART, filename="x" * 240), Media(kind="document", url=TART, filename="x" * 241), "document.filename is 241 characters; WhatsApp allows 240"),
    (Location(latitude=-90, longitude=180), Location(latitude=90.1, longitude=0), "location.latitude is 90.1; it must be between -90 and 90"),
    (Location(latitude=0, longitude=-180), Location(latitude=0, longitude=-181), "location.longitude is -181; it must be between -180 and 180"),
    (Location(latitude=0, longitude=0), Location(latitude=float("nan"), longitude=0), "location.latitude is nan; it must be between -90 and 90"),
    (ContactCard(name="Ada", phone_number="112"), ContactCard(name="", phone_number="112"), "contact.name is empty"),
    (ContactCard(name="Ada", phone_number="112"), ContactCard(name="Ada", phone_number="call me"), "contact.phone_number holds no digit; give a phone number such as +15550001234"),
    (buttons(body="x" * 1024), buttons(body="x" * 1025), "body is 1025 characters; WhatsApp allows 1024"),
    (buttons(), buttons(body=""), "body is empty"),
    (buttons(footer="x" * 60), buttons(footer="x" * 61), "footer is 61 characters; WhatsApp allows 60"),
    (buttons(), buttons(buttons=()), "buttons has 0 entries; WhatsApp allows 1 to 3"),
    (buttons(), buttons(buttons=(YES, NO, LEMON, LEMON)), "buttons has 4 entries; WhatsApp allows 1 to 3"),
    (buttons(buttons=(Button("x" * 20, "y"),)), buttons(buttons=(YES, Button("x" * 21, "n"))), "buttons[1].title is 21 characters; WhatsApp allows 20"),
    (buttons(buttons=(Button("Yes", "x" * 256),)), buttons(buttons=(Button("Yes", "x" * 257),)), "buttons[0].id is 257 characters; WhatsApp allows 256"),
    (buttons(), buttons(buttons=(Button("Yes ", "y"),)), "buttons[0].title begins or ends with a space; remove it"),
    (buttons(), buttons(buttons=(YES, Button("Yes", "n"))), "buttons[1].title is the same as an earlier one; each must differ"),
    (buttons(), buttons(buttons=(YES, Button("No", "y"))), "buttons[1].id is the same as an earlier one; each must differ"),
    (buttons(header=PICTURE), buttons(header=Media(kind="audio", url=TART)), "header is audio; above buttons WhatsApp shows an image, a video or a document"),
    (buttons(header=PICTURE), buttons(header=Media(kind="image", url=TART, caption="x")), "header.caption cannot be sent: above buttons a file has no caption; use the body"),
    (buttons(header=PICTURE), buttons(header=Media(kind="image", url="x")), "header.url is not a public http or https address"),
    (link(title="x" * 20), link(title="x" * 21), "title is 21 characters; WhatsApp allows 20"),
    (link(), link(url="mailto:a@b.c"), "url is not a public http or https address"),
    (choices(body="x" * 4096), choices(body="x" * 4097), "body is 4097 characters; WhatsApp allows 4096"),
    (choices(button="x" * 20), choices(button="x" * 21), "button is 21 characters; WhatsApp allows 20"),
    (choices(rows=tuple(Row(str(i), str(i)) for i in range(10))), choices(rows=tuple(Row(str(i), str(i)) for i in range(11))), "rows has 11 entries; WhatsApp allows 1 to 10"),
    (choices(rows=(Row("x" * 24, "a"),)), choices(rows=(Row("x" * 25, "a"),)), "rows[0].title is 25 characters; WhatsApp allows 24"),
    (choices(rows=(Row("a", "x" * 200),)), choices(rows=(Row("a", "x" * 201),)), "rows[0].id is 201 characters; WhatsApp allows 200"),
    (choices(rows=(Row("a", "a", "x" * 72),)), choices(rows=(Row("a", "a", "x" * 73),)), "rows[0].description is 73 characters; WhatsApp allows 72"),
    (choices(), choices(rows=(LEMON, Row("Other", "lemon"))), "rows[1].id is the same as an earlier one; each must differ"),
    (Reaction(message_id="w"), Reaction(message_id="", emoji="👍"), "reaction.message_id is empty"),
    (Reaction(message_id="w", emoji="👩‍❤️‍💋‍👩"), Reaction(message_id="w", emoji="x" * 17), "reaction.emoji is 17 characters; WhatsApp allows 16"),
    (Template(name="x" * 512, language="en"), Template(name="x" * 513, language="en"), "template.name is 513 characters; WhatsApp allows 512"),
    (Template(name="a", language="pt_BR"), Template(name="Order Ready", language="en"), "template.name may hold only a-z, 0-9 and _"),
    (Template(name="a", language="en"), Template(name="a", language="english!"), "template.language is not a language code such as en or en_US"),
]  # fmt: skip


@pytest.mark.parametrize(("fits", "broken", "message"), LIMITS, ids=[message[:60] for _, _, message in LIMITS])
def test_each_limit_is_named_when_it_is_broken(fits, broken, message):
    check(fits)
    with pytest.raises(Invalid) as refused:
        check(broken)
    assert refused.value.message == message
    assert refused.value.field == message.split()[0]


def test_a_caller_hears_his_own_names_of_the_fields():
    with pytest.raises(Invalid) as refused:
        check(buttons(buttons=(YES, Button("x" * 21, "n"))), {"buttons[].title": "[0].unified.buttons[].text"})
    assert refused.value.field == "[0].unified.buttons[1].text"
    assert refused.value.message.startswith("[0].unified.buttons[1].text is 21")


def test_what_fits_is_not_split():
    for content, _ in GOOD.values():
        assert split(content) == [content]


def test_a_long_text_keeps_its_preview_in_every_piece():
    parts = split(Text(body="Lemon tart. " * 700, preview_url=True))
    assert [part.preview_url for part in parts] == [True] * len(parts)
    assert all(len(part.body) <= 4096 for part in parts)


def test_a_caption_that_is_too_long_follows_as_text():
    caption = "Fresh today. " * 100
    first, second = split(Media(kind="image", url=TART, caption=caption))
    assert first == PICTURE
    assert second == Text(body=caption)


def test_a_caption_on_sound_follows_as_text():
    assert split(Media(kind="audio", url=TART, caption="Listen")) == [Media(kind="audio", url=TART), Text(body="Listen")]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://a/b.JPG", "image"),
        ("https://a/b.mp4?x=.pdf", "video"),
        ("https://a/b.ogg#t", "audio"),
        ("https://a/b.c/d.pdf", "document"),
        ("https://a/b", None),
        ("https://[", None),
    ],
)
def test_the_ending_of_an_address_tells_the_kind_of_file(url, kind):
    assert kind_of(url) == kind
