"""In: two organisations with an app each. An app's secret opens the events of its own numbers and of nothing else."""

import json

import pytest
from cast import until
from meta import DANA, Meta, Names, contact, counted, entry, everything, message, rested, said, texts, value, webhook, words

from dragoman.accounts import organisations

ANOTHERS = 'dragoman_webhooks_refused_total{reason="number_of_another_app"}'
UNKNOWN = 'dragoman_webhooks_refused_total{reason="unknown_number"}'
LUMENS, RIVALS = "106540000000001", "106540000000077"


@pytest.fixture
async def rival(lumen):
    """A second organisation, with an app whose secret Mallory knows, and a number."""
    organisation_id = await organisations.create(lumen.services.db, lumen.services.clock, "Rival")
    meta = await Meta.app(lumen, organisation_id, "7007007007", "Rival's own secret")
    meta.organisation_id = organisation_id
    await meta.number(organisation_id, RIVALS, "+15550009999")
    return meta


async def test_events_for_another_apps_number_are_refused_and_the_rest_of_the_body_is_taken(lumen, rival):
    before = await counted(lumen, ANOTHERS)
    forged = [said(lumen, f"wamid.{n}", "I cancel my order", DANA) for n in range(3)]
    own = said(lumen, "wamid.own", "Hello Rival", DANA)
    body = webhook(
        entry(value(forged[0], people=[DANA]), value(own, people=[DANA], number=RIVALS)),
        entry(value(*forged[1:], people=[DANA])),
    )
    assert await rival.posts(body) == 200
    assert await counted(lumen, ANOTHERS) == before + 3
    assert await texts(lumen) == ["Hello Rival"]
    assert {row["organisation_id"] for row in await lumen.rows("select organisation_id from contacts")} == {rival.organisation_id}
    assert (await lumen.get("/conversations/"))["count"] == 0
    assert (await lumen.get("/contacts/"))["count"] == 0
    kept = await lumen.rows("select organisation_id, app_id, reason, raw from kept_events order by id")
    assert [json.loads(row["raw"]) for row in kept] == forged
    assert {(row["organisation_id"], row["app_id"], row["reason"]) for row in kept} == {
        (None, "7007007007", "the number belongs to another app")
    }


async def test_no_event_of_another_app_changes_a_conversation(lumen, echo, dana, rival):
    """A status, an echo that would silence the agent, a change of number, and an event of the account."""
    await dana.says("Hello")
    await dana.hears()
    await rested(lumen)
    # Our own message's own statuses first, or they would look like the stranger's doing.
    await until(lambda: lumen.rows("select 1 from messages where direction = 'out' and state in ('delivered', 'read')"), "it is delivered")
    [sent] = await lumen.ledger()
    before = await lumen.rows("select state, cause from messages order by seq"), await lumen.rows("select owner, epoch from conversations")
    person = await contact(lumen, phone="15550007890")
    failed = {"id": sent["wamid"], "status": "failed", "timestamp": "1794052860", "recipient_id": "15550007890"}
    failed["biz_opaque_callback_data"] = sent["attempt"]
    staff = message(lumen, "wamid.staff", Names(), **{"from": "15550001234", "to": "15550007890"}, text={"body": "Get lost"})
    moved = message(lumen, "wamid.moved", Names.of(dana), type="system", system={"type": "user_changed_number", "wa_id": "15550006666"})
    body = webhook(
        entry(value(failed, key="statuses"), value(moved)),
        entry(value(failed, key="statuses", number=RIVALS)),
        entry(value(staff, key="message_echoes"), field="smb_message_echoes"),
        entry({"metadata": {"phone_number_id": LUMENS}, "event": "BANNED"}, field="account_update"),
    )
    assert await rival.posts(body) == 200
    after = await lumen.rows("select state, cause from messages order by seq"), await lumen.rows("select owner, epoch from conversations")
    assert after == before
    assert await contact(lumen, phone="15550007890") == person
    assert await lumen.rows("select 1 from kept_events where organisation_id = %(id)s", id=lumen.organisation_id) == []
    [noted] = await lumen.rows("select organisation_id, message_id from statuses where status = 'failed'")
    assert noted == {"organisation_id": rival.organisation_id, "message_id": None}, "Rival's own note, about no message of Lumen's"


async def test_a_customer_of_two_organisations_is_a_contact_of_each(lumen, rival):
    renamed = DANA._replace(name="Dana at Rival", phone="15550006666")
    assert await Meta.of(lumen).posts(words(said(lumen, "wamid.1", "Hello", DANA), people=[DANA])) == 200
    assert await rival.posts(words(said(lumen, "wamid.1", "Hello", renamed), people=[renamed], number=RIVALS)) == 200
    known = await lumen.rows("select organisation_id, name, phone, bsuid from contacts")
    assert sorted((row["name"], row["phone"]) for row in known) == [("Dana", DANA.phone), ("Dana at Rival", "15550006666")]
    assert {row["organisation_id"] for row in known} == {lumen.organisation_id, rival.organisation_id}


async def test_a_number_of_another_app_of_the_same_organisation_is_refused_too(lumen):
    second = await Meta.app(lumen, lumen.organisation_id, "1002003004", "a second app of Lumen's")
    before = await counted(lumen, ANOTHERS)
    assert await second.posts(words(said(lumen, "wamid.1", "Hello", DANA))) == 200
    assert await texts(lumen) == []
    assert await counted(lumen, ANOTHERS) == before + 1


async def test_a_number_that_moves_to_another_app_goes_with_it(lumen, monkeypatch):
    monkeypatch.setattr("dragoman.conversations.inbox.NUMBER_CACHE_SECONDS", 0)
    first = await Meta.app(lumen, lumen.organisation_id, "1002003004", "the first")
    second = await Meta.app(lumen, lumen.organisation_id, "1002003005", "the second")
    for wamid, app, other in (("wamid.1", first, second), ("wamid.2", second, first)):
        await app.number(lumen.organisation_id, RIVALS, "+15550009999")
        assert await app.posts(words(said(lumen, wamid, f"by {app.app_id}", DANA), number=RIVALS)) == 200
        assert await other.posts(words(said(lumen, wamid + "x", "forged", DANA), number=RIVALS)) == 200
    assert await texts(lumen) == ["by 1002003004", "by 1002003005"]


async def test_a_number_that_nobody_connected_is_kept_until_it_is_connected(lumen):
    meta, unknown = Meta.of(lumen), "106540000000055"
    before = await counted(lumen, UNKNOWN)
    assert await meta.posts(words(said(lumen, "wamid.1", "Too early", DANA), number=unknown)) == 200
    assert await everything(lumen) == {"kept_events": 1}
    assert await counted(lumen, UNKNOWN) == before + 1
    await meta.number(lumen.organisation_id, unknown, "+15550005555")
    assert await meta.posts(words(said(lumen, "wamid.2", "In time", DANA), number=unknown)) == 200
    assert await texts(lumen) == ["In time"]
