"""Bakery Lumen's own programs write to customers."""

import asyncio

import pytest

RYE = "https://lumen.example/rye.jpg"
REPLIES = [{"type": "quick_reply", "text": "Yes", "quickReplyId": "yes"}, {"type": "quick_reply", "text": "No", "quickReplyId": "no"}]
LINK = [{"type": "url", "text": "Look", "url": "https://lumen.example/breads"}]


@pytest.fixture
async def chat(story, bakery):
    """Dana wrote a moment ago."""
    await story.hears(bakery.chat, "Do you have rye bread?")
    return f"/conversations/{bakery.chat}/messages/"


async def stored(lumen, message):
    row = await lumen.services.db.fetch_one("select content, author, state from messages where id = %s", [message["id"]])
    assert (row["author"], row["state"]) == ("api", "queued")
    return row["content"]


async def test_a_text_is_stored_and_waits_to_be_sent(lumen, chat, bakery):
    sent = await lumen.post(chat, {"type": "text", "text": {"body": "Yes, until *noon*."}})

    assert sent.status == 201
    assert (sent["type"], sent["role"], sent["status"], sent["source"]) == ("text", "assistant", None, "api")
    assert sent["text"]["body"] == "Yes, until *noon*."
    assert sent["delivery"] == {"state": "queued", "cause": None, "attempts": 0, "errorCode": None, "waId": None}
    assert (await lumen.get(chat)).body[0] == sent.body
    due = await lumen.services.db.fetch_one("select due_at from conversations where id = %s", [bakery.chat])
    assert due["due_at"] is not None


@pytest.mark.parametrize(
    ("unified", "content"),
    [
        ({"text": "Yes"}, {"type": "text", "body": "Yes"}),
        ({"text": "See https://lumen.example"}, {"type": "text", "body": "See https://lumen.example", "preview_url": True}),
        ({"text": "Yes", "footer": "Until noon"}, {"type": "text", "body": "Yes\n\nUntil noon"}),
        ({"media": {"url": RYE}}, {"type": "media", "kind": "image", "url": RYE}),
        ({"media": {"url": RYE}, "text": "Rye"}, {"type": "media", "kind": "image", "url": RYE, "caption": "Rye"}),
        (
            {"media": {"url": "https://l.example/menu.PDF?x=1"}},
            {"type": "media", "kind": "document", "url": "https://l.example/menu.PDF?x=1"},
        ),
        ({"media": {"url": "https://l.example/oven"}}, {"type": "media", "kind": "image", "url": "https://l.example/oven"}),
        (
            {"text": "Shall we keep one?", "footer": "Until noon", "buttons": REPLIES, "media": {"url": RYE}},
            {
                "type": "buttons",
                "body": "Shall we keep one?",
                "footer": "Until noon",
                "buttons": [{"title": "Yes", "id": "yes"}, {"title": "No", "id": "no"}],
                "header": {"type": "media", "kind": "image", "url": RYE},
            },
        ),
        (
            {"text": "Our breads", "buttons": LINK},
            {"type": "link_button", "body": "Our breads", "title": "Look", "url": "https://lumen.example/breads"},
        ),
    ],
)
async def test_a_unified_message_is_shown_as_it_was_sent(lumen, chat, unified, content):
    sent = await lumen.post(chat, {"type": "unified", "unified": unified})

    assert sent.status == 201
    assert sent["type"] == "unified"
    assert await stored(lumen, sent) == content
    assert sent["unified"]["buttons"] == unified.get("buttons", [])
    assert [media["url"] for media in sent["unified"]["media"]] == [media["url"] for media in [unified.get("media")] if media]
    assert (await lumen.get(chat)).body[0] == sent.body


async def test_a_call_to_action(lumen, chat):
    cta = {"body": "Our breads", "buttonText": "Look", "url": "https://lumen.example/breads", "image": {"url": RYE}}

    sent = await lumen.post(chat, {"type": "cta", "cta": cta})

    assert (sent.status, sent["type"]) == (201, "cta")
    assert sent["cta"].items() >= {"text": "Our breads", "url": cta["url"], "buttonText": "Look", "clicks": []}.items()
    assert sent["cta"]["image"]["url"] == RYE
    assert (await lumen.get(chat)).body[0] == sent.body


@pytest.mark.parametrize(
    ("variables", "components"),
    [
        ({}, []),
        ({"body": ["Dana", "rye"]}, [{"type": "body", "parameters": [{"type": "text", "text": "Dana"}, {"type": "text", "text": "rye"}]}]),
        ({"body": {"name": "Dana"}}, [{"type": "body", "parameters": [{"type": "text", "parameter_name": "name", "text": "Dana"}]}]),
        ({"header": "Sunday"}, [{"type": "header", "parameters": [{"type": "text", "text": "Sunday"}]}]),
        ({"header": {"image": RYE}}, [{"type": "header", "parameters": [{"type": "image", "image": {"link": RYE}}]}]),
        ({"header": {"image": {"link": RYE}}}, [{"type": "header", "parameters": [{"type": "image", "image": {"link": RYE}}]}]),
        ({"header": {"day": "Sunday"}}, [{"type": "header", "parameters": [{"type": "text", "parameter_name": "day", "text": "Sunday"}]}]),
        ({"buttons": ["4711"]}, [{"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "4711"}]}]),
        (
            {"cards": [{"header": RYE, "body": ["Rye"]}]},
            [
                {
                    "type": "carousel",
                    "cards": [
                        {
                            "card_index": 0,
                            "components": [
                                {"type": "header", "parameters": [{"type": "image", "image": {"link": RYE}}]},
                                {"type": "body", "parameters": [{"type": "text", "text": "Rye"}]},
                            ],
                        }
                    ],
                }
            ],
        ),
        (
            {"cards": [{"body": ["Plum"]}]},
            [
                {
                    "type": "carousel",
                    "cards": [{"card_index": 0, "components": [{"type": "body", "parameters": [{"type": "text", "text": "Plum"}]}]}],
                }
            ],
        ),
    ],
)
async def test_a_template_is_filled_in(lumen, chat, variables, components):
    sent = await lumen.post(chat, {"type": "template", "template": {"name": "pick_up", "language": "de", "variables": variables}})

    assert (sent.status, sent["type"]) == (201, "template")
    assert sent["template"].items() >= {"templateName": "pick_up", "variables": variables, "components": components}.items()
    assert (await stored(lumen, sent))["language"] == "de"


async def test_outside_the_window_only_a_template_is_taken(lumen, bakery):
    path = f"/conversations/{bakery.chat}/messages/"

    refused = await lumen.post(path, {"type": "unified", "unified": {"text": "Good morning"}})

    assert (refused.status, refused["code"]) == (409, "window_closed")
    assert (await lumen.get(path)).body == []
    assert (await lumen.post(path, {"type": "template", "template": {"name": "good_morning"}})).status == 201


async def test_messages_keep_their_order(lumen, chat):
    for number in range(5):
        await lumen.post(chat, {"type": "unified", "unified": {"text": f"No. {number}"}})

    assert [message["unified"]["body"] for message in (await lumen.get(f"{chat}?limit=5")).body] == [f"No. {n}" for n in (4, 3, 2, 1, 0)]


async def test_an_idempotency_key_sends_once(lumen, chat):
    body, key = {"type": "unified", "unified": {"text": "Once"}}, {"Idempotency-Key": "order-4711"}

    first = await lumen.post(chat, body, headers=key)
    again = await lumen.post(chat, body, headers=key)

    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert len((await lumen.get(chat)).body) == 2


async def test_many_at_once_are_all_stored(lumen, chat):
    sent = await asyncio.gather(*[lumen.post(chat, {"type": "unified", "unified": {"text": f"No. {n}"}}) for n in range(20)])

    assert {answer.status for answer in sent} == {201}
    assert len((await lumen.get(f"{chat}?limit=100")).body) == 21


def unified(**parts):
    return {"type": "unified", "unified": parts}


def button(**parts):
    return unified(text="Which?", buttons=[{"type": "quick_reply", "text": "Rye", "quickReplyId": "rye"} | parts])


REFUSED = [
    ({}, "type"),
    ({"type": "image", "image": {"url": RYE}}, "type"),
    ({"type": "unified"}, "unified"),
    ({"type": "unified", "text": {"body": "Hi"}}, "unified"),
    ({"type": "text", "text": {"body": "Hi"}, "cta": {"body": "Hi", "buttonText": "Hi", "url": RYE}}, "cta"),
    ({"type": "text", "text": {"body": ""}}, "text.body"),
    ({"type": "text", "text": {"body": " \n"}}, "text.body"),
    ({"type": "text", "text": {"body": "x" * 1025}}, "text.body"),
    ({"type": "text", "text": "Hi"}, "text"),
    ({"type": "cta", "cta": {"body": "Hi", "buttonText": "x" * 21, "url": RYE}}, "cta.buttonText"),
    ({"type": "cta", "cta": {"body": "Hi", "buttonText": "Go", "url": "lumen.example"}}, "cta.url"),
    ({"type": "cta", "cta": {"body": "Hi", "buttonText": "Go", "url": "javascript:alert(1)"}}, "cta.url"),
    ({"type": "cta", "cta": {"body": "Hi", "buttonText": "Go", "url": RYE, "image": {"url": "https://[/x"}}}, "cta.image.url"),
    (unified(), "unified.text"),
    (unified(text=""), "unified.text"),
    (unified(text="x" * 1025), "unified.text"),
    (unified(text="Hi", footer="x" * 61), "unified.footer"),
    (unified(text="Hi", headline="Hi"), "unified.headline"),
    (unified(media={"url": "ftp://lumen.example/rye.jpg"}), "unified.media.url"),
    (unified(media={"url": "https://lumen.example/" + "x" * 2000}), "unified.media.url"),
    (unified(media={"url": "https://lumen.example/song.mp3"}, text="Listen"), "unified.text"),
    (unified(media={"url": "https://lumen.example/song.mp3"}, text="Listen", buttons=LINK), "unified.media.url"),
    (unified(text="Hi", buttons=[*REPLIES, *REPLIES]), "unified.buttons"),
    (unified(text="Hi", buttons=[*REPLIES, *LINK]), "unified.buttons"),
    (unified(text="Hi", buttons=[*LINK, *LINK]), "unified.buttons"),
    (unified(text="Hi", buttons=[REPLIES[0], {**REPLIES[1], "text": "Yes"}]), "unified.buttons.1.text"),
    (unified(text="Hi", buttons=[REPLIES[0], {**REPLIES[1], "quickReplyId": "yes"}]), "unified.buttons.1.quickReplyId"),
    (unified(buttons=REPLIES), "unified.text"),
    (button(text="x" * 21), "unified.buttons.0.text"),
    (button(text=" Rye"), "unified.buttons.0.text"),
    (button(quickReplyId=None), "unified.buttons.0.quickReplyId"),
    (button(quickReplyId="x" * 257), "unified.buttons.0.quickReplyId"),
    (button(url=RYE), "unified.buttons.0.url"),
    (button(type="url"), "unified.buttons.0.quickReplyId"),
    (button(type="call"), "unified.buttons.0.type"),
    ({"type": "template", "template": {}}, "template.name"),
    ({"type": "template", "template": {"name": "Pick up"}}, "template.name"),
    ({"type": "template", "template": {"name": "pick_up", "variables": {"body": ["x" * 1025]}}}, "template.variables.body"),
    ({"type": "template", "template": {"name": "pick_up", "variables": {"body": "Dana"}}}, "template.variables.body"),
    ({"type": "template", "template": {"name": "pick_up", "variables": {"body": {"name": 1}}}}, "template.variables.body"),
    ({"type": "template", "template": {"name": "pick_up", "variables": {"header": 1}}}, "template.variables.header"),
    ({"type": "template", "template": {"name": "pick_up", "variables": {"header": {"image": {"link": []}}}}}, "template.variables.header"),
    ({"type": "template", "template": {"name": "pick_up", "variables": {"header": {"image": "rye.jpg"}}}}, "template.variables.header"),
]


async def test_each_limit_is_an_error_that_names_the_field(lumen, chat):
    for body, field in REFUSED:
        refused = await lumen.post(chat, body)

        assert (refused.status, refused.body["code"], refused.body["field"]) == (400, "invalid", field), body
        assert refused["error"].startswith(field)
    assert len((await lumen.get(chat)).body) == 1


async def test_another_business_cannot_write_here(lumen, rival, chat):
    assert (await rival.post(chat, {"type": "unified", "unified": {"text": "Mallory was here"}})).status == 404
    assert len((await lumen.get(chat)).body) == 1
