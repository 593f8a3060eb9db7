"""In: who is who. One contact, many names; which of them a webhook uses is WhatsApp's choice."""

import pytest
from cast import until
from meta import DANA, ZOE, Meta, Names, contact, entry, everything, message, said, texts, value, webhook, words

from dragoman.conversations import identity
from dragoman.whatsapp.events import Sender

PHONE = DANA.phone
BSUID = DANA.bsuid


@pytest.fixture
def meta(lumen):
    return Meta.of(lumen)


async def test_zoe_who_hides_her_number_is_answered(lumen, echo, zoe):
    await zoe.says("Hello")
    assert await zoe.hears_text() == ["You said: Hello"]
    delivery = echo.deliveries[0]
    assert delivery["phone_number"] is None
    assert delivery["context"]["contact"]["user_id"] == zoe.person["bsuid"]
    assert delivery["context"]["contact"]["username"] == "zoe.k"
    [sent] = await lumen.ledger()
    assert "to" not in sent["body"]
    assert sent["body"]["recipient"] == zoe.person["bsuid"]
    assert (await contact(lumen, bsuid=zoe.person["bsuid"]))["phone"] is None


NAMINGS = {
    "first by phone alone, then by both": [Names(PHONE), Names(PHONE, BSUID)],
    "first by user id alone, then by both": [Names(None, BSUID), Names(PHONE, BSUID)],
    "first by both, then by each alone": [Names(PHONE, BSUID), Names(PHONE), Names(None, BSUID)],
    "by phone before April 2026, by user id after": [Names(PHONE), Names(PHONE, BSUID), Names(None, BSUID)],
}


@pytest.mark.parametrize("naming", NAMINGS)
async def test_a_person_is_one_contact_however_named(lumen, meta, naming):
    for n, names in enumerate(NAMINGS[naming]):
        assert await meta.posts(words(said(lumen, f"wamid.{n}", f"Message {n}", names), people=[names])) == 200
    assert (await everything(lumen)) == {"messages": n + 1, "conversations": 1, "contacts": 1, "contact_identities": 2}
    known = await contact(lumen, phone=PHONE, bsuid=BSUID)
    assert (known["phone"], known["bsuid"]) == (PHONE, BSUID)


@pytest.mark.parametrize("naming", NAMINGS)
async def test_a_person_is_one_contact_however_named_in_one_body(lumen, meta, naming):
    items = [said(lumen, f"wamid.{n}", f"Message {n}", names) for n, names in enumerate(NAMINGS[naming])]
    assert await meta.posts(webhook(*(entry(value(item)) for item in items))) == 200
    assert await texts(lumen) == [f"Message {n}" for n in range(len(items))]
    known = await contact(lumen, phone=PHONE, bsuid=BSUID)
    assert (known["phone"], known["bsuid"]) == (PHONE, BSUID)
    assert (await everything(lumen))["conversations"] == 1


async def test_two_contacts_become_one_when_a_message_proves_it(lumen, meta):
    by_phone, by_id, both = Names(PHONE, None, "Dana"), Names(None, BSUID, "Dana O."), Names(PHONE, BSUID, "Dana Ortiz")
    assert await meta.posts(words(said(lumen, "wamid.1", "It is me", by_phone), people=[by_phone])) == 200
    assert await meta.posts(words(said(lumen, "wamid.2", "Me again", by_id), people=[by_id])) == 200
    first, second = await contact(lumen, phone=PHONE), await contact(lumen, bsuid=BSUID)
    assert first["id"] != second["id"]

    assert await meta.posts(words(said(lumen, "wamid.3", "Both are me", both), people=[both])) == 200
    known = await contact(lumen, phone=PHONE, bsuid=BSUID)
    assert (known["id"], known["phone"], known["name"]) == (second["id"], PHONE, "Dana Ortiz")
    [merge] = await lumen.rows("select * from contact_merges")
    assert (merge["kept_id"], merge["merged_id"], merge["reason"]) == (second["id"], first["id"], "one message named both")
    assert list(merge["identities"]) == [f"phone:{PHONE}"]
    [merged] = await lumen.rows("select * from contacts where id = %(id)s", id=first["id"])
    assert (merged["merged_into"], merged["phone"], merged["bsuid"]) == (second["id"], None, None)
    assert [c["id"] for c in (await lumen.get("/contacts/"))["results"]] == [str(second["id"])]
    assert (await lumen.get(f"/contacts/{first['id']}/"))["id"] == str(second["id"]), "the old id still leads there"
    [last] = await lumen.rows(
        """select c.contact_id from messages m join conversations c on c.organisation_id = m.organisation_id and c.id = m.conversation_id
           where m.wamid = 'wamid.3'"""
    )
    assert last["contact_id"] == second["id"]


async def test_the_name_that_the_business_gave_survives_a_merge(lumen, meta):
    made = await lumen.post("/contacts/", {"phoneNumber": f"+{PHONE}", "name": "Dana from the market"})
    by_id, both = Names(None, BSUID, "Dana O."), Names(PHONE, BSUID, "Dana O.")
    assert await meta.posts(words(said(lumen, "wamid.1", "Hello", by_id), people=[by_id])) == 200
    assert await meta.posts(words(said(lumen, "wamid.2", "Hello", both), people=[both])) == 200
    known = await lumen.get(f"/contacts/{made['id']}/")
    assert known["name"] == "Dana from the market"


async def test_a_question_asked_under_the_one_name_is_answered_although_the_contacts_merge_meanwhile(lumen, meta, echo):
    """Dana's phone is known; then a message by her user id alone, and one with both while the agent thinks about the first."""
    by_phone, by_id, both = Names(PHONE, None, "Dana"), Names(None, BSUID, "Dana"), Names(PHONE, BSUID, "Dana")
    await lumen.control("POST", "/people", {"name": "Dana", "phone": f"+{PHONE}", "bsuid": BSUID})
    for n, names in enumerate((by_phone, by_id)):
        body = words(said(lumen, f"wamid.{n}", f"Question {n}", names), people=[names])
        assert (await lumen.control("POST", "/webhooks/raw", {"body": body}))["status"] == 200
    await echo.delivered(2)
    await until(lambda: sent_texts(lumen, 2), "both are answered")
    echo.answer = 503
    body = words(said(lumen, "wamid.3", "Question 3", by_phone), people=[by_phone])
    assert await meta.posts(body) == 200
    await echo.delivered(3)
    echo.answer = None
    assert await meta.posts(words(said(lumen, "wamid.4", "Question 4", both), people=[both])) == 200
    await lumen.skip(minutes=10)
    answered = await until(lambda: sent_texts(lumen, 4), "what was asked before the merge is answered, too")
    assert sorted(answered) == ["You said: Question 0", "You said: Question 1", "You said: Question 3", "You said: Question 4"]


async def sent_texts(lumen, count):
    sent = [entry["body"]["text"]["body"] for entry in await lumen.ledger()]
    return sent if len(sent) >= count else None


async def test_a_number_that_comes_with_a_new_user_id_has_a_new_owner(lumen, meta):
    """Numbers are given out again. The new owner sees nothing of what the old one said, and gets none of his messages."""
    other = Names(PHONE, "US.13491200000000000099", "Mallory")
    assert await meta.posts(words(said(lumen, "wamid.1", "My order", DANA), people=[DANA])) == 200
    before = await contact(lumen, bsuid=BSUID)
    assert await meta.posts(words(said(lumen, "wamid.2", "What did I order?", other), people=[other])) == 200
    old, new = await contact(lumen, bsuid=BSUID), await contact(lumen, bsuid=other.bsuid)
    assert (old["id"], old["phone"], old["name"]) == (before["id"], None, "Dana")
    assert (new["phone"], new["name"]) == (PHONE, "Mallory")
    assert (await contact(lumen, phone=PHONE))["id"] == new["id"] != old["id"]
    rows = await everything(lumen)
    assert rows == {"messages": 2, "conversations": 2, "contacts": 2, "contact_identities": 3}


async def test_the_new_owner_of_an_old_number_takes_only_that_number(lumen, meta):
    """Dana had written from another phone meanwhile: that one stays hers."""
    now_at = Names("15550007891", BSUID, "Dana")
    for n, names in enumerate((DANA, now_at)):
        assert await meta.posts(words(said(lumen, f"wamid.{n}", "Hello", names), people=[names])) == 200
    other = Names(PHONE, "US.13491200000000000099", "Mallory")
    assert await meta.posts(words(said(lumen, "wamid.3", "Hello", other), people=[other])) == 200
    assert (await contact(lumen, bsuid=BSUID))["phone"] == "15550007891"
    assert (await contact(lumen, phone=PHONE))["name"] == "Mallory"


async def test_two_people_with_one_phone_in_one_body(lumen, meta):
    """Both are new, and the number has changed hands between their messages."""
    other = Names(PHONE, "US.13491200000000000099", "Mallory")
    body = webhook(
        entry(value(said(lumen, "wamid.1", "One", DANA), people=[DANA]), value(said(lumen, "wamid.2", "Two", other), people=[other]))
    )
    assert await meta.posts(body) == 200
    assert sorted(await texts(lumen)) == ["One", "Two"]
    assert (await contact(lumen, bsuid=BSUID))["phone"] is None
    assert (await contact(lumen, bsuid=other.bsuid))["phone"] == PHONE


async def test_senders_of_one_batch_may_share_a_name(lumen):
    """Two webhooks stored together, both by people never seen: the statement that makes many contacts would meet one name twice."""
    senders = [
        Sender(phone=PHONE),
        Sender(phone=PHONE, bsuid=BSUID),
        Sender(bsuid="US.1", username="zoe.k"),
        Sender(bsuid="US.2", username="zoe.k"),
    ]
    async with lumen.services.db.transaction() as connection:
        await identity.admit(connection, lumen.services.vault, lumen.organisation_id, senders, lumen.services.clock.now())
    assert (await contact(lumen, phone=PHONE, bsuid=BSUID))["phone"] == PHONE
    assert (await contact(lumen, username="zoe.k", bsuid="US.2"))["username"] == "zoe.k"
    assert (await contact(lumen, bsuid="US.1"))["username"] is None


async def test_the_name_and_the_username_are_followed(lumen, meta):
    steps = [ZOE, ZOE._replace(name="Zoë K."), ZOE._replace(name="Zoë K.", username="zoe.bakes"), ZOE._replace(name=None, username=None)]
    for n, names in enumerate(steps):
        assert await meta.posts(words(said(lumen, f"wamid.{n}", "Hello", names), people=[names])) == 200
    known = await contact(lumen, bsuid=ZOE.bsuid)
    assert (known["name"], known["username"]) == ("Zoë K.", "zoe.bakes"), "what a webhook leaves out is not forgotten"
    assert (await contact(lumen, username="zoe.bakes"))["id"] == known["id"]
    assert (await everything(lumen))["contacts"] == 1


async def test_a_username_that_somebody_else_took_is_no_longer_the_old_ones(lumen, meta):
    """Usernames can be given up and taken by others: they are no proof of who somebody is."""
    taker = Names(None, "US.13491200000000000098", "Zora", "zoe.k")
    for n, names in enumerate((ZOE, taker)):
        assert await meta.posts(words(said(lumen, f"wamid.{n}", "Hello", names), people=[names])) == 200
    old, new = await contact(lumen, bsuid=ZOE.bsuid), await contact(lumen, bsuid=taker.bsuid)
    assert (old["username"], new["username"]) == (None, "zoe.k")
    assert (await everything(lumen))["contacts"] == 2


async def test_a_contact_that_the_business_made_is_the_one_who_writes(lumen, meta):
    made = await lumen.post("/contacts/", {"phoneNumber": f"+{PHONE}", "name": "Dana"})
    assert await meta.posts(words(said(lumen, "wamid.1", "Hello", DANA))) == 200
    assert str((await contact(lumen, phone=PHONE, bsuid=BSUID))["id"]) == made["id"]


async def test_a_late_copy_of_an_old_message_brings_no_old_name_back(lumen, meta):
    old = words(said(lumen, "wamid.1", "Hello", DANA), people=[DANA])
    moved = Names("15550007891", BSUID, "Dana Ortiz", "dana.o")
    assert await meta.posts(old) == 200
    assert await meta.posts(words(said(lumen, "wamid.2", "I moved", moved), people=[moved])) == 200
    before = await contact(lumen, bsuid=BSUID)
    assert await meta.posts(old) == 200
    assert await contact(lumen, bsuid=BSUID) == before


async def test_an_echo_finds_the_contact_it_was_written_to(lumen, meta):
    assert await meta.posts(words(said(lumen, "wamid.1", "Hello", DANA))) == 200
    echoed = message(lumen, "wamid.2", Names(), **{"from": "15550001234", "to": PHONE}, text={"body": "Hi Dana"})
    body = webhook(entry(value(echoed, key="message_echoes"), field="smb_message_echoes"))
    assert await meta.posts(body) == 200
    assert (await everything(lumen)) == {"messages": 2, "conversations": 1, "contacts": 1, "contact_identities": 2}
