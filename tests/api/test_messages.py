"""What was said, as the dialect shows it."""

from unittest.mock import ANY

import pytest
from tests.api.story import Story

BODIES = ("text", "image", "cta", "listSelection", "template", "unified", "quickReply")
PHOTO = {"kind": "image", "url": "https://lumen.example/rye.jpg?size=2"}
TWO_BUTTONS = [{"title": "Yes", "id": "yes"}, {"title": "No", "id": "no"}]


async def only_message(lumen, chat):
    """The one message of the conversation; exactly one body of it is there."""
    [message] = (await lumen.get(f"/conversations/{chat}/messages/")).body
    assert [name for name in BODIES if message[name] is not None] == [camel(message["type"])]
    return message


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


async def test_messages_come_newest_first_in_a_bare_list(lumen, story, bakery):
    await story.hears(bakery.chat, "Do you have rye bread?")
    await story.says(bakery.chat, "Yes, until noon.")
    await story.hears(bakery.chat, "Thank you!")

    messages = (await lumen.get(f"/conversations/{bakery.chat}/messages/")).body

    assert [message["text"]["body"] for message in messages] == ["Thank you!", "Yes, until noon.", "Do you have rye bread?"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert [message["source"] for message in messages] == ["customer", "agent", "customer"]
    assert all(message["toolExecutions"] == [] for message in messages)
    middle = (await lumen.get(f"/conversations/{bakery.chat}/messages/?limit=1&offset=1")).body
    assert [message["text"]["body"] for message in middle] == ["Yes, until noon."]


async def test_a_conversation_without_words_has_an_empty_list(lumen, bakery):
    answer = await lumen.get(f"/conversations/{bakery.chat}/messages/")

    assert (answer.status, answer.body) == (200, [])


class TestReceived:
    async def test_words(self, lumen, story, bakery):
        message_id = await story.hears(bakery.chat, "Do you have rye bread?", wamid="wamid.1")

        message = await only_message(lumen, bakery.chat)

        assert message["id"] == str(message_id)
        assert message["text"] == {"id": str(message_id), "body": "Do you have rye bread?"}
        assert (message["status"], message["replyTo"]) == (None, None)
        assert message["delivery"] == {"state": "received", "cause": None, "attempts": 0, "errorCode": None, "waId": "wamid.1"}

    @pytest.mark.parametrize(("kind", "type_"), [("button", "interactive"), ("list", "interactive"), ("template_button", "button")])
    async def test_a_tap_is_a_quick_reply(self, lumen, story, bakery, kind, type_):
        await story.hears(bakery.chat, {"type": type_, "text": "Rye", "reply": {"kind": kind, "id": "rye", "title": "Rye"}})

        message = await only_message(lumen, bakery.chat)

        assert message["type"] == "quick_reply"
        assert message["quickReply"] == {"text": "Rye", "quickReplyId": "rye"}

    @pytest.mark.parametrize("kind", ["image", "sticker"])
    async def test_a_picture_has_an_address_on_our_host(self, lumen, story, bakery, kind):
        await story.hears_file(bakery.chat, kind, "image/jpeg", caption="This one?", size=52_000)

        message = await only_message(lumen, bakery.chat)

        image = message["image"]["image"]
        assert message["image"]["caption"] == "This one?"
        assert image["url"].startswith("https://dragoman.example/media/")
        assert image["url"].endswith(image["path"])
        assert image["size"] == 52_000

    async def test_a_voice_message_is_media(self, lumen, story, bakery):
        await story.hears_file(bakery.chat, "audio", "audio/ogg; codecs=opus")

        message = await only_message(lumen, bakery.chat)

        assert message["type"] == "unified"
        assert message["unified"]["body"] == ""
        assert [media["mimeType"] for media in message["unified"]["media"]] == ["audio/ogg; codecs=opus"]
        assert message["unified"]["media"][0]["url"].startswith("https://dragoman.example/media/")

    @pytest.mark.parametrize("state", ["pending", "failed"])
    async def test_a_file_that_is_not_here_has_no_address(self, lumen, story, bakery, state):
        await story.hears_file(bakery.chat, "image", "image/jpeg", caption="This one?", state=state)

        assert (await only_message(lumen, bakery.chat))["image"] == {"id": ANY, "image": None, "caption": "This one?"}

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ({"type": "location", "location": {"latitude": 52.5, "longitude": 13.4, "name": "Home"}}, "Home (52.5, 13.4)"),
            ({"type": "contacts", "contacts": [{"name": "Noor", "phones": ["+15550007891"]}]}, "Noor +15550007891"),
            ({"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": "🥐"}}, "🥐"),
            ({"type": "order", "text": "For Sunday", "order": {"product_items": []}}, "For Sunday"),
            ({"type": "unsupported"}, "[a message of a kind that WhatsApp does not pass on]"),
            ({"type": "hologram"}, "[a message of type hologram]"),
            ({"type": "interactive", "reply": {"kind": "flow", "title": "Sent", "data": {"size": "L"}}, "text": "Sent"}, "Sent"),
        ],
    )
    async def test_everything_else_is_told_in_words(self, lumen, story, bakery, content, words):
        await story.hears(bakery.chat, content)

        assert (await only_message(lumen, bakery.chat))["text"]["body"] == words

    async def test_a_note_of_whatsapp_has_the_role_system(self, lumen, story, bakery):
        await story.hears(bakery.chat, {"type": "system", "text": "Dana changed her number"})

        assert (await only_message(lumen, bakery.chat))["role"] == "system"

    async def test_a_stored_message_that_cannot_be_read_does_not_hide_the_others(self, lumen, story, bakery):
        await story.hears(bakery.chat, "Hello?")
        await story.says(bakery.chat, {"type": "telegram", "body": "of a later version"})

        messages = await lumen.get(f"/conversations/{bakery.chat}/messages/")

        assert messages.status == 200
        assert messages.body[1]["text"]["body"] == "Hello?"


class TestSent:
    async def test_buttons(self, lumen, story, bakery):
        content = {"type": "buttons", "body": "Shall we keep one?", "footer": "Until noon", "buttons": TWO_BUTTONS, "header": PHOTO}
        await story.says(bakery.chat, content)

        message = await only_message(lumen, bakery.chat)

        assert message["unified"] == {
            "body": "Shall we keep one?",
            "footer": "Until noon",
            "buttons": [
                {"type": "quick_reply", "text": "Yes", "quickReplyId": "yes"},
                {"type": "quick_reply", "text": "No", "quickReplyId": "no"},
            ],
            "media": [{"url": PHOTO["url"], "mimeType": "image/jpeg"}],
        }

    async def test_a_link(self, lumen, story, bakery):
        await story.says(bakery.chat, {"type": "link_button", "body": "Our breads", "title": "Look", "url": "https://lumen.example"})

        message = await only_message(lumen, bakery.chat)

        assert message["unified"]["buttons"] == [{"type": "url", "text": "Look", "url": "https://lumen.example"}]

    async def test_a_list(self, lumen, story, bakery):
        rows = [{"title": "Rye", "id": "rye", "description": "Dark"}, {"title": "Spelt", "id": "spelt"}]
        await story.says(bakery.chat, {"type": "choices", "body": "Which?", "button": "Choose", "rows": rows})

        shown = (await only_message(lumen, bakery.chat))["listSelection"]

        assert (shown["text"], shown["buttonText"]) == ("Which?", "Choose")
        assert shown["sections"] == [{"title": "", "rows": [rows[0], {**rows[1], "description": None}]}]

    async def test_a_template(self, lumen, story, bakery):
        components = [{"type": "body", "parameters": [{"type": "text", "text": "Dana"}]}]
        content = {"type": "template", "name": "pick_up", "language": "en_US", "components": components, "variables": {"body": ["Dana"]}}
        await story.says(bakery.chat, content)

        shown = (await only_message(lumen, bakery.chat))["template"]

        assert (shown["templateName"], shown["variables"], shown["components"]) == ("pick_up", {"body": ["Dana"]}, components)

    @pytest.mark.parametrize(
        ("kind", "url", "type_", "mime_type"),
        [
            ("image", "https://lumen.example/rye.png", "image", None),
            ("video", "https://lumen.example/oven.mp4#t=3", "unified", "video/mp4"),
            ("document", "https://lumen.example/menu", "unified", "application/pdf"),
            ("audio", "https://[lumen/song.ogg", "unified", "audio/ogg"),
        ],
    )
    async def test_media(self, lumen, story, bakery, kind, url, type_, mime_type):
        await story.says(bakery.chat, {"type": "media", "kind": kind, "url": url, "caption": "Fresh"})

        message = await only_message(lumen, bakery.chat)

        assert message["type"] == type_
        if mime_type:
            assert message["unified"]["media"] == [{"url": url, "mimeType": mime_type}]
        else:
            assert (message["image"]["image"]["url"], message["image"]["image"]["name"]) == (url, "rye.png")

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ({"type": "location", "latitude": 52.5, "longitude": 13.4}, "52.5, 13.4"),
            ({"type": "contact", "name": "Lumen", "phone_number": "+15550001234"}, "Lumen (+15550001234)"),
            ({"type": "reaction", "message_id": "wamid.1"}, "[a reaction]"),
        ],
    )
    async def test_what_has_no_form_is_told_in_words(self, lumen, story, bakery, content, words):
        await story.says(bakery.chat, content)

        assert (await only_message(lumen, bakery.chat))["text"]["body"] == words

    @pytest.mark.parametrize(
        ("state", "status"),
        [
            ("queued", None),
            ("sending", None),
            ("accepted", "sent"),
            ("sent", "sent"),
            ("delivered", "delivered"),
            ("read", "read"),
            ("played", "read"),
            ("unknown", None),
            ("rejected", "failed"),
            ("failed", "failed"),
            ("expired_window", "failed"),
        ],
    )
    async def test_how_far_it_came(self, lumen, story, bakery, state, status):
        await story.says(bakery.chat, "Yes", state=state, cause="why", error_code=131000, attempts=2, wamid="wamid.2")

        message = await only_message(lumen, bakery.chat)

        assert message["status"] == status
        assert message["delivery"] == {"state": state, "cause": "why", "attempts": 2, "errorCode": 131000, "waId": "wamid.2"}

    async def test_a_discarded_answer_is_not_among_the_messages(self, lumen, story, bakery):
        await story.says(bakery.chat, "Too late", state="discarded")

        assert (await lumen.get(f"/conversations/{bakery.chat}/messages/")).body == []

    async def test_what_the_staff_wrote_on_the_phone_is_shown_as_ours(self, lumen, story, bakery):
        await story.says(bakery.chat, {"type": "text", "text": "Hi, it is Luz from the shop"}, author="phone_app")

        message = await only_message(lumen, bakery.chat)

        assert (message["role"], message["source"], message["text"]["body"]) == ("assistant", "phone_app", "Hi, it is Luz from the shop")


async def test_an_answer_points_to_the_message_it_answers(lumen, story, bakery):
    question = await story.hears(bakery.chat, "Do you have rye bread?", wamid="wamid.question")
    answer = await story.says(bakery.chat, "Yes", reply_to_wamid="wamid.question", wamid="wamid.answer")
    await story.hears(bakery.chat, {"type": "text", "text": "Great", "quoted": {"wamid": "wamid.answer"}})
    await story.hears(bakery.chat, {"type": "text", "text": "And?", "quoted": {"wamid": "wamid.of-another-time"}})

    messages = (await lumen.get(f"/conversations/{bakery.chat}/messages/")).body

    assert [message["replyTo"] for message in messages] == [None, str(answer), str(question), None]


async def test_a_message_of_another_business_is_never_quoted(lumen, rival, story, bakery):
    theirs = Story(rival.services.db, rival.services.clock, rival.organisation_id)
    chat = (await theirs.bakery()).chat
    await theirs.hears(chat, "secret", wamid="wamid.theirs")
    await story.hears(bakery.chat, {"type": "text", "text": "?", "quoted": {"wamid": "wamid.theirs"}})

    assert (await only_message(lumen, bakery.chat))["replyTo"] is None
