"""In: what each kind of message does. Which ones the agent is asked about, and what a conversation knows afterwards."""

from datetime import datetime, timedelta

import pytest
from cast import until
from meta import Meta, Names, entry, message, rested, said, system, unread, value, webhook, words


@pytest.fixture
def meta(lumen):
    return Meta.of(lumen)


def silent(lumen, person):
    """Marks and notes: nothing that somebody said."""
    return {
        "reaction": message(lumen, "wamid.reaction", person, type="reaction", reaction={"message_id": "wamid.0", "emoji": "🥐"}),
        "reaction taken back": message(lumen, "wamid.unreaction", person, type="reaction", reaction={"message_id": "wamid.0", "emoji": ""}),
        "system": system(lumen, "wamid.system", person, "customer_identity_changed"),
        "edit": message(
            lumen,
            "wamid.edit",
            person,
            type="edit",
            edit={"original_message_id": "wamid.0", "message": {"type": "text", "text": {"body": "Hi"}}},
        ),
        "revoke": message(lumen, "wamid.revoke", person, type="revoke", revoke={"original_message_id": "wamid.0"}),
        "request_welcome": message(lumen, "wamid.welcome", person, type="request_welcome"),
    }


def speaking(lumen, person):
    """What somebody said, also where this version does not understand it."""
    card = {"name": {"formatted_name": "Zoë"}, "phones": [{"phone": "+15550001111"}]}
    items = {
        "unsupported": {"unsupported": {"type": "poll"}, "errors": [{"code": 131051, "title": "Message type unknown"}]},
        "hologram": {"hologram": {"id": "1"}},
        "text": {"text": {"body": "Hello"}},
        "image": {"image": {"id": "1", "mime_type": "image/png", "sha256": "x"}},
        "sticker": {"sticker": {"id": "2", "mime_type": "image/webp", "sha256": "x"}},
        "location": {"location": {"latitude": 1.5, "longitude": 2.5}},
        "contacts": {"contacts": [card]},
        "button": {"button": {"payload": "yes", "text": "Yes"}},
        "interactive": {"interactive": {"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes"}}},
        "order": {"order": {"catalog_id": "1", "product_items": []}},
    }
    return {kind: message(lumen, f"wamid.{kind}", person, type=kind, **more) for kind, more in items.items()}


async def test_marks_and_notes_are_stored_and_the_agent_is_not_asked(lumen, echo, dana, meta):
    await dana.says("Hello")
    await dana.hears()
    items = silent(lumen, Names.of(dana))
    assert await meta.posts(words(*items.values(), people=[])) == 200
    await dana.says("Still there?")
    assert await dana.hears_text(2) == ["You said: Hello", "You said: Still there?"]
    await rested(lumen)
    assert [delivery["message"] for delivery in echo.deliveries] == ["Hello", "Still there?"]
    stored = await lumen.rows("select wamid from messages where direction = 'in' and not wants_answer")
    assert {row["wamid"] for row in stored} == {item["id"] for item in items.values()}


async def test_a_conversation_that_begins_with_a_mark_waits_for_words(lumen, echo, dana, meta):
    for kind, item in silent(lumen, Names.of(dana)).items():
        assert await meta.posts(words(item, people=[])) == 200, kind
    await rested(lumen)
    assert echo.deliveries == []
    await dana.says("Hello")
    assert await dana.hears_text() == ["You said: Hello"]


async def test_the_agent_is_asked_about_everything_that_somebody_said(lumen, echo, dana, meta):
    items = speaking(lumen, Names.of(dana))
    echo.answer = 204
    assert await meta.posts(words(*items.values(), people=[])) == 200
    deliveries = await echo.delivered(len(items))
    assert [delivery["context"]["type"] for delivery in deliveries] == list(items)
    assert [delivery["context"]["whatsapp_id"] for delivery in deliveries] == [item["id"] for item in items.values()]


async def window(lumen):
    [row] = await lumen.rows("select window_until, last_inbound_at from conversations")
    return row["window_until"]


async def test_words_open_the_window_for_24_hours_from_when_they_were_said(lumen, dana, meta):
    at = int(lumen.services.clock.timestamp()) - 3600
    assert await meta.posts(words(said(lumen, "wamid.1", "Hello", Names.of(dana), timestamp=str(at)))) == 200
    assert await window(lumen) == datetime.fromtimestamp(at, tz=(await window(lumen)).tzinfo) + timedelta(hours=24)
    conversation = await lumen.conversation()
    await lumen.post(f"/conversations/{conversation['id']}/messages/", {"type": "text", "text": {"body": "Still open"}})
    await lumen.skip(hours=23)
    status, refused = await lumen.call(
        "POST", f"/conversations/{conversation['id']}/messages/", {"type": "text", "text": {"body": "Too late"}}
    )
    assert (status, refused["code"]) == (409, "window_closed")


async def test_an_older_message_that_comes_late_does_not_close_the_window(lumen, dana, meta):
    now = int(lumen.services.clock.timestamp())
    for wamid, at in (("wamid.2", now), ("wamid.1", now - 7200)):
        assert await meta.posts(words(said(lumen, wamid, "Hello", Names.of(dana), timestamp=str(at)))) == 200
    assert (await window(lumen)).timestamp() == now + 24 * 3600


async def test_a_message_of_yesterday_is_put_to_the_agent_and_its_answer_waits_for_no_closed_window(lumen, echo, dana, meta):
    """WhatsApp could not reach us for two days: the answer may no longer be sent, and the record says why."""
    at = int(lumen.services.clock.timestamp()) - 48 * 3600
    assert await meta.posts(words(said(lumen, "wamid.1", "Hello", Names.of(dana), timestamp=str(at)))) == 200
    await echo.delivered()
    await rested(lumen)
    [answer] = await lumen.rows("select state, cause from messages where direction = 'out'")
    assert answer["state"] == "expired_window"
    assert answer["cause"]
    assert await lumen.ledger() == []


@pytest.mark.parametrize("timestamp", ["4000000000", "0", "-1", "soon", "1e99", None, ""])
async def test_a_time_that_cannot_be_is_the_time_of_arrival(lumen, dana, meta, timestamp):
    now = lumen.services.clock.timestamp()
    item = said(lumen, "wamid.1", "Hello", Names.of(dana), timestamp=timestamp)
    assert await meta.posts(words(item)) == 200
    [row] = await lumen.rows("select said_at from messages")
    assert abs(row["said_at"].timestamp() - now) < 30
    assert abs((await window(lumen)).timestamp() - now - 24 * 3600) < 30


async def test_what_the_business_says_from_its_phone_opens_no_window(lumen, dana, meta):
    staff = message(lumen, "wamid.1", Names(), **{"from": "15550001234", "to": "15550007890"}, text={"body": "Your cake is ready"})
    assert await meta.posts(webhook(entry(value(staff, key="message_echoes"), field="smb_message_echoes"))) == 200
    assert await window(lumen) is None
    assert await unread(lumen) == 0


async def test_unread_counts_what_the_customer_said_until_it_is_read(lumen, dana, meta):
    names = Names.of(dana)
    items = [said(lumen, f"wamid.{n}", "Hello", names) for n in range(3)]
    assert await meta.posts(words(*items, items[0], system(lumen, "wamid.9", names, "customer_identity_changed"))) == 200
    assert await unread(lumen) == 3
    conversation = await lumen.conversation()
    await lumen.post(f"/conversations/{conversation['id']}/messages/", {"type": "text", "text": {"body": "Hi"}})
    assert await unread(lumen) == 3
    await lumen.post(f"/conversations/{conversation['id']}/read/")
    assert await unread(lumen) == 0
    await dana.says("One more")
    assert await until(lambda: unread(lumen)) == 1


AD = {"source_url": "https://fb.me/1", "source_type": "ad", "source_id": "120", "headline": "Fresh croissants", "ctwa_clid": "Aff-1"}


async def test_the_advertisement_that_somebody_came_by_is_kept(lumen, echo, dana):
    await dana.says("Hello", referral=AD)
    await dana.hears()
    await dana.says("And two croissants")
    await dana.hears(2)
    first, second = echo.deliveries
    assert first["context"]["referral"] == AD
    assert not second["context"].get("referral")
    [row] = await lumen.rows("select referral from conversations")
    assert row["referral"] == AD
    await dana.says("Back again", referral={**AD, "source_id": "121"})
    await dana.hears(3)
    [row] = await lumen.rows("select referral from conversations")
    assert row["referral"]["source_id"] == "121", "the last one counts"
