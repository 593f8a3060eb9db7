"""Think: what an agent is told about a message, beside the words."""

import base64
import hashlib
from datetime import datetime, timedelta

from cast import until
from hook import arrives

PICTURE = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC")
VOICE = b"OggS\0\x02 not really Opus, but bytes that must arrive as they left" * 500


def sha256(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


async def test_a_picture_can_be_fetched_by_the_agent_without_a_key(lumen, echo, dana, session):
    await dana.sends_file("image", PICTURE, "image/png", caption="Can you bake this?")
    delivery = (await echo.delivered())[0]
    (file,) = delivery["context"]["media"]
    assert delivery["message"] == "Can you bake this?"
    assert delivery["image"] == file["url"]
    assert delivery["context"]["type"] == "image"
    assert (file["mime_type"], file["size"], file["sha256"]) == ("image/png", len(PICTURE), sha256(PICTURE))
    assert (file["kind"], file["state"], file["voice"]) == ("image", "ready", False)
    assert file["url"].startswith(f"{lumen.url}/media/")
    async with session.get(file["url"]) as answer:
        assert (answer.status, answer.content_type, await answer.read()) == (200, "image/png", PICTURE)
        assert answer.headers["Content-Disposition"].startswith("attachment")


async def test_a_voice_note_is_told_from_a_file_and_is_no_image(lumen, echo, dana, session):
    await dana.sends_file("audio", VOICE, "audio/ogg; codecs=opus", voice=True)
    delivery = (await echo.delivered())[0]
    (file,) = delivery["context"]["media"]
    assert (delivery["message"], delivery["image"]) == ("", None)
    assert (file["kind"], file["voice"]) == ("audio", True)
    assert (file["mime_type"], file["size"], file["sha256"]) == ("audio/ogg; codecs=opus", len(VOICE), sha256(VOICE))
    async with session.get(file["url"]) as answer:
        assert (answer.status, answer.content_type, await answer.read()) == (200, "audio/ogg", VOICE)


async def test_a_document_keeps_its_name(lumen, echo, dana, session):
    await dana.sends_file("document", b"%PDF-1.4 the order", "application/pdf", filename="Bestellung für Zoë.pdf")
    (file,) = (await echo.delivered())[0]["context"]["media"]
    assert file["filename"] == "Bestellung für Zoë.pdf"
    async with session.get(file["url"]) as answer:
        assert "Bestellung%20f%C3%BCr%20Zo%C3%AB.pdf" in answer.headers["Content-Disposition"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_forged_link_leads_nowhere(lumen, echo, dana, session):
    await dana.sends_file("image", PICTURE, "image/png")
    url = (await echo.delivered())[0]["image"]
    token = bytearray(base64.urlsafe_b64decode(url.rpartition("/")[2] + "=="))
    for place in (0, 20, 39, len(token) - 1):
        changed = token.copy()
        changed[place] ^= 1
        forged = base64.urlsafe_b64encode(changed).decode().rstrip("=")
        async with session.get(f"{lumen.url}/media/{forged}") as answer:
            assert answer.status == 404
    for nonsense in ("", "x", "%00", "é", url.rpartition("/")[2][:-3]):
        async with session.get(f"{lumen.url}/media/{nonsense}") as answer:
            assert answer.status == 404


async def test_a_link_expires_when_it_says(lumen, echo, dana, session):
    await dana.sends_file("image", PICTURE, "image/png")
    (file,) = (await echo.delivered())[0]["context"]["media"]
    until_expiry = datetime.fromisoformat(file["expires_at"]) - lumen.services.clock.now()
    assert timedelta(hours=24) <= until_expiry <= timedelta(hours=25)
    await lumen.skip(hours=23)
    async with session.get(file["url"]) as answer:
        assert answer.status == 200
    await lumen.skip(hours=2)
    async with session.get(file["url"]) as answer:
        assert answer.status == 404


async def test_the_agent_is_asked_although_whatsapp_does_not_give_the_file(lumen, echo, dana, session):
    await lumen.fault(on="media", action="error", code=131000, http=500, times=1)
    await dana.sends_file("image", PICTURE, "image/png", caption="This one")
    delivery = (await echo.delivered())[0]
    (file,) = delivery["context"]["media"]
    assert (delivery["message"], file["state"]) == ("This one", "pending")
    async with session.get(file["url"]) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    await lumen.skip(seconds=2)

    async def arrived():
        async with session.get(file["url"]) as answer:
            return answer.status == 200 and await answer.read()

    assert await until(arrived, "the file is fetched at the second try") == PICTURE


async def test_a_tapped_button_comes_with_its_id_and_what_it_was_under(lumen, echo, dana):
    buttons = [
        {"type": "quick_reply", "text": "Rye", "quickReplyId": "rye-1"},
        {"type": "quick_reply", "text": "Spelt", "quickReplyId": "spelt"},
    ]
    echo.script = [{"unified": {"text": "Which bread?", "buttons": buttons}}]
    await dana.says("Bread")
    (question,) = await dana.hears()
    tap = await dana.taps(question["id"], button_id="rye-1")
    delivery = (await echo.delivered(2))[1]
    context = delivery["context"]
    assert delivery["message"] == "Rye"
    assert (context["type"], context["whatsapp_id"]) == ("interactive", tap)
    assert {"id": "rye-1", "title": "Rye", "kind": "button"}.items() <= context["reply"].items()
    assert context["quoted"]["text"] == "Which bread?"


async def test_a_chosen_row_comes_with_its_id_title_and_description(lumen, echo, dana):
    rows = [
        {"type": "quick_reply", "text": f"Cake {n}", "quickReplyId": f"cake-{n}", "description": f"For {n} people"} for n in range(1, 5)
    ]
    echo.script = [{"unified": {"text": "Which cake?", "buttons": rows}}]
    await dana.says("Cake")
    (question,) = await dana.hears()
    await dana.taps(question["id"], row_id="cake-3")
    context = (await echo.delivered(2))[1]["context"]
    assert {"id": "cake-3", "title": "Cake 3", "description": "For 3 people", "kind": "list"}.items() <= context["reply"].items()


async def test_a_location_comes_as_degrees(lumen, echo, dana):
    await dana.sends(type="location", latitude=52.5, longitude=13.4, name="Home", address="Ostkreuz")
    context = (await echo.delivered())[0]["context"]
    assert context["location"] == {"latitude": 52.5, "longitude": 13.4, "name": "Home", "address": "Ostkreuz"}


async def test_a_quoted_message_comes_with_its_words_and_its_author(lumen, echo, dana):
    mine = await dana.says("One rye")
    (answer,) = await dana.hears()
    for text, quoted in (("Make it two", mine), ("Really?", answer["id"]), ("And this?", "wamid.of-another-time")):
        await arrives(dana, dana.says(text, quoted=quoted))
    deliveries = await echo.delivered(4)
    stored = {m["delivery"]["waId"]: m["id"] for m in await lumen.messages()}
    ours, theirs, unseen = (delivery["context"]["quoted"] for delivery in deliveries[1:])
    assert deliveries[0]["context"]["quoted"] is None
    assert ours == {"whatsapp_id": mine, "message_id": stored[mine], "from": "customer", "text": "One rye", "product": None}
    assert (theirs["whatsapp_id"], theirs["message_id"]) == (answer["id"], stored[answer["id"]])
    assert (theirs["from"], theirs["text"]) == ("business", "You said: One rye")
    assert (unseen["whatsapp_id"], unseen["message_id"], unseen["text"]) == ("wamid.of-another-time", None, None)


async def test_the_ad_a_customer_came_from_is_told(lumen, echo, dana):
    ad = {"source_url": "https://fb.me/ad", "source_id": "120210", "source_type": "ad", "headline": "Fresh rolls", "ctwa_clid": "Aff-x"}
    await arrives(dana, dana.says("I saw your ad", referral=ad))
    await arrives(dana, dana.says("Still there?"))
    first, second = await echo.delivered(2)
    assert first["context"]["referral"] == ad
    assert second["context"]["referral"] is None
    assert (await lumen.conversation())["latestReferral"] == ad


async def test_zoe_who_hides_her_number_is_answered(lumen, echo, zoe):
    await zoe.says("Hello")
    delivery = (await echo.delivered())[0]
    assert delivery["phone_number"] is None
    contact = delivery["context"]["contact"]
    assert (contact["name"], contact["username"], contact["phone_number"]) == ("Zoë", "zoe.k", None)
    assert contact["user_id"] == zoe.person["bsuid"]
    assert await zoe.hears_text() == ["You said: Hello"]
    (entry,) = await lumen.ledger()
    assert entry["to"] == zoe.person["bsuid"]


async def test_the_context_names_its_conversation_its_message_and_the_time(lumen, echo, dana):
    before = lumen.services.clock.now()
    await dana.says("Hello")
    await dana.hears()
    context = echo.deliveries[0]["context"]
    said = next(m for m in await lumen.messages() if m["role"] == "user")
    assert (context["message_id"], context["conversation_id"]) == (said["id"], (await lumen.conversation())["id"])
    assert context["number"] == {"id": "106540000000001", "phone_number": "+15550001234"}
    assert context["event"] == "message"
    assert abs(datetime.fromisoformat(context["timestamp"]) - before) < timedelta(seconds=30)
    assert timedelta(hours=23) < datetime.fromisoformat(context["window_expires_at"]) - before <= timedelta(hours=25)
    assert timedelta(hours=23) < datetime.fromisoformat(context["callback_expires_at"]) - before <= timedelta(hours=25)
