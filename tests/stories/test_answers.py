"""Answers: every form an agent may answer in, from its webhook's response to the customer's phone."""

import json

import pytest
from aiohttp import web
from cast import until
from hook import calls, late, rested, says
from stage import serving

BYTES = {"jpg": b"\xff\xd8\xff a cake", "mp4": b"\0\0\0\x18ftypmp42 rolling", "mp3": b"ID3 the bell", "pdf": b"%PDF-1.4 the menu"}
TYPES = {"jpg": "image/jpeg", "mp4": "video/mp4", "mp3": "audio/mpeg", "pdf": "application/pdf"}


@pytest.fixture
async def shop():
    """Where the agent's own files lie; its address."""

    async def file(request):
        kind = request.path.rpartition(".")[2]
        return web.Response(body=BYTES[kind], content_type=TYPES[kind])

    async with serving(file) as url:
        yield url


def at(shop, value):
    """`value` with the shop's address in the place of SHOP."""
    return json.loads(json.dumps(value).replace("SHOP", shop))


def said(body, content_type="application/json"):
    return web.Response(body=body.encode() if isinstance(body, str) else body, headers={"Content-Type": content_type})


def replies(*titles, **more):
    return [{"type": "quick_reply", "text": title, "quickReplyId": f"id-{title}", **more} for title in titles]


def seen(message):
    """What of a bubble is there to see: its parts that are not empty."""
    parts = {name: message[name] for name in ("text", "caption", "footer", "buttons", "list", "location", "contact") if message[name]}
    if message["media"]:
        parts["media"] = (message["media"]["kind"], message["media"]["mime_type"])
    return parts


async def delivered(phone, count):
    """Wait until so many messages are on the phone, or have failed: WhatsApp fetches files after it has taken a message."""

    async def there():
        heard = await phone.heard()
        return heard if len(heard) >= count and all(message["ticks"] == "delivered" or message["failed"] for message in heard) else None

    return await until(there, f"{count} messages are delivered")


SILENCES = {
    "nothing at all": (200, b"", "application/json"),
    "nothing, typed as text": (200, b"", "text/plain"),
    "white space": (200, b" \n ", "text/plain"),
    "no content": (204, b"", ""),
    "null": (200, b"null", "application/json"),
    "an empty object's text": (200, b'{"content": ""}', "application/json"),
    "the word of silence": (200, b'{"content": "No CUSTOMER message reply"}', "application/json"),
    "the word of silence as text": (200, b"No CUSTOMER message reply", "text/plain"),
    "an empty list": (200, b"[]", "application/json"),
}


async def test_an_agent_may_be_silent_in_many_ways(lumen, echo, dana):
    echo.script = [web.Response(status=status, body=body, headers={"Content-Type": kind}) for status, body, kind in SILENCES.values()]
    await says(dana, *SILENCES)
    recorded = await calls(lumen, echo, len(SILENCES))
    assert {name: call["outcome"] for name, call in zip(SILENCES, recorded, strict=True)} == dict.fromkeys(SILENCES, "silent")
    assert {call["turnState"] for call in recorded} == {"silent"}
    await rested(lumen)
    assert await lumen.ledger() == []


TEXTS = {
    "plain text": said("Good morning", "text/plain"),
    "text without a type": said("Good morning", "application/octet-stream"),
    "text in the wrong type": said("Good morning", "application/json"),
    "a JSON string": said('"Good morning"'),
    "content": {"content": "Good morning"},
    "content of a message": {"type": "message", "content": "Good morning"},
    "message": {"message": "Good morning"},
    "text": {"text": "Good morning"},
    "reply": {"reply": "Good morning"},
    "response": {"response": "Good morning"},
    "output": {"output": "Good morning"},
    "answer": {"answer": "Good morning"},
    "JSON typed as text": said('{"content": "Good morning"}', "text/plain"),
    "status 201": web.Response(status=201, text="Good morning"),
}


async def test_a_text_may_come_in_many_forms(lumen, echo, dana):
    echo.script = list(TEXTS.values())
    await says(dana, *TEXTS)
    assert dict(zip(TEXTS, await dana.hears_text(len(TEXTS)), strict=True)) == dict.fromkeys(TEXTS, "Good morning")


FORMS = {
    "a picture by address": ({"image": "SHOP/cake.jpg"}, [{"media": ("image", "image/jpeg")}]),
    "a picture as an object": (
        {"image": {"url": "SHOP/cake.jpg", "caption": "Our **best**"}},
        [{"media": ("image", "image/jpeg"), "caption": "Our *best*"}],
    ),
    "a picture with the text beside it": (
        {"content": "Look", "image": "SHOP/cake.jpg"},
        [{"media": ("image", "image/jpeg"), "caption": "Look"}],
    ),
    "a picture with a text too long for a caption": (
        {"content": "L" * 1025, "image": "SHOP/cake.jpg"},
        [{"media": ("image", "image/jpeg")}, {"text": "L" * 1025}],
    ),
    "a video by address": ({"video": "SHOP/oven.mp4"}, [{"media": ("video", "video/mp4")}]),
    "a video as an object": (
        {"video": {"link": "SHOP/oven.mp4", "caption": "Baking"}},
        [{"media": ("video", "video/mp4"), "caption": "Baking"}],
    ),
    "a sound by address": ({"audio": "SHOP/bell.mp3"}, [{"media": ("audio", "audio/mpeg")}]),
    "a sound as an object": ({"audio": {"url": "SHOP/bell.mp3"}}, [{"media": ("audio", "audio/mpeg")}]),
    "a sound with a text": ({"content": "Hark", "audio": "SHOP/bell.mp3"}, [{"text": "Hark"}, {"media": ("audio", "audio/mpeg")}]),
    "a document by address": ({"document": "SHOP/menu.pdf"}, [{"media": ("document", "application/pdf")}]),
    "a document as an object": (
        {"document": {"url": "SHOP/menu.pdf", "caption": "All we bake", "filename": "Menu 2026.pdf"}},
        [{"media": ("document", "application/pdf"), "caption": "All we bake"}],
    ),
    "a contact": (
        {"contact": {"name": "Ada Lumen", "phone_number": "+15550009999"}},
        [{"contact": {"name": "Ada Lumen", "phone": "+15550009999"}}],
    ),
    "a location": (
        {"location": {"latitude": 52.5, "longitude": 13.4, "name": "Lumen", "address": "Ostkreuz 1"}},
        [{"location": {"latitude": 52.5, "longitude": 13.4, "name": "Lumen", "address": "Ostkreuz 1"}}],
    ),
    "a location without a name": (
        {"location": {"latitude": -33.0, "longitude": 151.0}},
        [{"location": {"latitude": -33.0, "longitude": 151.0, "name": None, "address": None}}],
    ),
    "a unified text with a footer": ({"unified": {"text": "Hello", "footer": "Bakery Lumen"}}, [{"text": "Hello\n\nBakery Lumen"}]),
    "unified with three buttons": (
        {"unified": {"text": "Which?", "footer": "Baked today", "buttons": replies("Rye", "Spelt", "Oat")}},
        [
            {
                "text": "Which?",
                "footer": "Baked today",
                "buttons": [{"id": f"id-{title}", "title": title, "url": None} for title in ("Rye", "Spelt", "Oat")],
            }
        ],
    ),
    "unified with a picture above a button": (
        {"unified": {"text": "This?", "media": {"url": "SHOP/cake.jpg"}, "buttons": replies("Yes")}},
        [{"text": "This?", "media": ("image", "image/jpeg"), "buttons": [{"id": "id-Yes", "title": "Yes", "url": None}]}],
    ),
    "unified with a link": (
        {"unified": {"text": "Order here", "buttons": [{"type": "url", "text": "Open", "url": "https://lumen.example/order"}]}},
        [{"text": "Order here", "buttons": [{"id": "", "title": "Open", "url": "https://lumen.example/order"}]}],
    ),
    "unified with four choices": (
        {"unified": {"text": "Which?", "footer": "Baked today", "buttons": replies("Rye", "Spelt", "Oat", "Corn", description="500 g")}},
        [
            {
                "text": "Which?",
                "footer": "Baked today",
                "list": {
                    "button": "Choose",
                    "rows": [{"id": f"id-{title}", "title": title, "description": "500 g"} for title in ("Rye", "Spelt", "Oat", "Corn")],
                },
            }
        ],
    ),
    "unified media alone": (
        {"unified": {"text": "Look", "media": {"url": "SHOP/menu.pdf"}}},
        [{"media": ("document", "application/pdf"), "caption": "Look"}],
    ),
    "a list, in its order": (
        ["One", {"image": "SHOP/cake.jpg"}, {"content": "Two"}, {"location": {"latitude": 1.5, "longitude": 2.5}}, {"message": "Three"}],
        [
            {"text": "One"},
            {"media": ("image", "image/jpeg")},
            {"text": "Two"},
            {"location": {"latitude": 1.5, "longitude": 2.5, "name": None, "address": None}},
            {"text": "Three"},
        ],
    ),
    "ten in a list": ([{"content": str(n)} for n in range(10)], [{"text": str(n)} for n in range(10)]),
    "Markdown": (
        {"content": "# Today\n\n**Rye** and ~~spelt~~, see [our menu](https://lumen.example)\n\n* one\n* two"},
        [{"text": "*Today*\n\n*Rye* and ~spelt~, see our menu (https://lumen.example)\n\n- one\n- two"}],
    ),
    "a long text, split at its paragraphs": (
        {"content": "\n\n".join(letter * 2000 for letter in "abcde")},
        [{"text": f"{'a' * 2000}\n\n{'b' * 2000}"}, {"text": f"{'c' * 2000}\n\n{'d' * 2000}"}, {"text": "e" * 2000}],
    ),
    "a text of just the length that fits": ({"content": "x" * 4096}, [{"text": "x" * 4096}]),
}


@pytest.mark.parametrize("form", FORMS)
async def test_the_customer_gets_what_the_agent_meant(lumen, echo, dana, shop, form):
    answer, expected = FORMS[form]
    echo.script = [at(shop, answer)]
    await dana.says(form)
    heard = await delivered(dana, len(expected))
    assert [seen(message) for message in heard] == expected
    assert not any(message["failed"] for message in heard)
    (call,) = await calls(lumen, echo)
    assert (call["outcome"], call["turnState"], call["status"]) == ("answered", "answered", 200)


async def test_the_callback_takes_the_same_forms(lumen, echo, dana, shop):
    echo.answer = 204
    await dana.says("Surprise me")
    (delivery,) = await echo.delivered()
    expected = []
    for form, (answer, messages) in FORMS.items():
        status, body, _ = await late(lumen, delivery, at(shop, answer))
        assert (form, status, len(body["messages"])) == (form, 202, len(messages))
        expected += messages
        await lumen.skip(minutes=1)  # WhatsApp takes one message in six seconds for one customer, once 45 are sent
    assert [seen(message) for message in await delivered(dana, len(expected))] == expected


async def test_a_document_is_shown_under_its_name(lumen, echo, dana, shop):
    echo.script = [at(shop, {"document": {"url": "SHOP/menu.pdf", "filename": "Menu 2026.pdf"}}), at(shop, {"document": "SHOP/menu.pdf"})]
    await says(dana, "The menu?", "And again?")
    assert [message["media"]["filename"] for message in await delivered(dana, 2)] == ["Menu 2026.pdf", "menu.pdf"]
