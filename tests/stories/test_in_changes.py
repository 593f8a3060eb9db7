"""In: a customer changes number or user id, and stays the same contact in the same conversation."""

import pytest
from meta import DANA, Meta, Names, contact, entry, everything, said, system, texts, value, webhook, words

PHONE, BSUID = DANA.phone, DANA.bsuid
NEW_PHONE, NEW_BSUID = "15550007891", "US.13491200000000000002"


@pytest.fixture
def meta(lumen):
    return Meta.of(lumen)


async def test_a_customer_who_changed_number_is_answered_at_the_new_one(lumen, echo, dana):
    await dana.says("Hello")
    await dana.hears()
    before = await contact(lumen, phone="15550007890")
    await lumen.control("POST", f"/people/{dana.id}/change-number", {"phone": f"+{NEW_PHONE}"})
    await dana.says("It is still me")
    await dana.hears(2)
    known = await contact(lumen, phone=NEW_PHONE)
    assert (known["id"], known["phone"]) == (before["id"], NEW_PHONE)
    assert await lumen.rows("select 1 from contact_identities where value = '15550007890'") == []
    assert (await everything(lumen))["conversations"] == 1
    assert [entry["body"]["to"] for entry in await lumen.ledger()] == ["+15550007890", f"+{NEW_PHONE}"]
    assert len(echo.deliveries) == 2, "the change itself is no question"


async def test_a_customer_whose_user_id_changed_is_answered_under_the_new_one(lumen, echo, zoe):
    await zoe.says("Hello")
    await zoe.hears()
    before = await contact(lumen, bsuid=zoe.person["bsuid"])
    await lumen.control("POST", f"/people/{zoe.id}/change-user-id", {})
    await zoe.says("It is still me")
    await zoe.hears(2)
    [now] = [person for person in await lumen.control("GET", "/people") if person["id"] == zoe.id]
    known = await contact(lumen, bsuid=now["bsuid"])
    assert now["bsuid"] != zoe.person["bsuid"]
    assert (known["id"], known["bsuid"]) == (before["id"], now["bsuid"])
    assert (await everything(lumen))["conversations"] == 1
    assert [entry["body"]["recipient"] for entry in await lumen.ledger()] == [zoe.person["bsuid"], now["bsuid"]]


async def test_before_user_ids_a_change_of_number_is_followed_by_the_numbers_alone(lumen, meta):
    old = Names(PHONE, None, "Dana")
    body = words(said(lumen, "wamid.1", "Hello", old), system(lumen, "wamid.2", old, "user_changed_number", wa_id=NEW_PHONE), people=[old])
    assert await meta.posts(body) == 200
    after = Names(NEW_PHONE, None, "Dana")
    assert await meta.posts(words(said(lumen, "wamid.3", "Hello again", after), people=[after])) == 200
    assert (await contact(lumen, phone=NEW_PHONE))["phone"] == NEW_PHONE
    assert await everything(lumen) == {"messages": 3, "conversations": 1, "contacts": 1, "contact_identities": 1}


async def test_what_was_said_before_a_change_in_the_same_body_was_said_under_the_old_name(lumen, meta):
    old, after = Names(PHONE, None, "Dana"), Names(NEW_PHONE, None, "Dana")
    body = webhook(
        entry(value(said(lumen, "wamid.1", "From the old phone", old), people=[old])),
        entry(value(system(lumen, "wamid.2", old, "user_changed_number", wa_id=NEW_PHONE))),
        entry(value(said(lumen, "wamid.3", "From the new phone", after), people=[after])),
    )
    assert await meta.posts(body) == 200
    assert await texts(lumen) == ["From the old phone", "…", "From the new phone"]
    assert await everything(lumen) == {"messages": 3, "conversations": 1, "contacts": 1, "contact_identities": 1}


async def test_who_wrote_from_the_new_number_before_whatsapp_told_of_it_becomes_one_with_the_old_contact(lumen, meta):
    old, after = Names(PHONE, None, "Dana"), Names(NEW_PHONE, None, "Dana O.")
    for wamid, names in (("wamid.1", old), ("wamid.2", after)):
        assert await meta.posts(words(said(lumen, wamid, "Hello", names), people=[names])) == 200
    first, second = await contact(lumen, phone=PHONE), await contact(lumen, phone=NEW_PHONE)
    assert await meta.posts(words(system(lumen, "wamid.3", old, "user_changed_number", wa_id=NEW_PHONE), people=[])) == 200
    known = await contact(lumen, phone=NEW_PHONE)
    assert (known["id"], known["phone"], known["name"]) == (first["id"], NEW_PHONE, "Dana O.")
    [merge] = await lumen.rows("select kept_id, merged_id, reason from contact_merges")
    assert merge == {"kept_id": first["id"], "merged_id": second["id"], "reason": "user_changed_number"}


async def test_who_wrote_under_a_new_number_and_a_new_user_id_is_merged_once(lumen, meta):
    new_id = "US.13491200000000000098"
    after = Names(NEW_PHONE, new_id, "Dana O.")
    for wamid, names in (("wamid.1", DANA), ("wamid.2", after)):
        assert await meta.posts(words(said(lumen, wamid, "Hello", names), people=[names])) == 200
    first, second = await contact(lumen, bsuid=BSUID), await contact(lumen, bsuid=new_id)
    change = system(lumen, "wamid.3", DANA, "user_changed_number", wa_id=NEW_PHONE, user_id=new_id)
    assert await meta.posts(words(change, people=[])) == 200
    assert await lumen.rows("select kept_id, merged_id from contact_merges") == [{"kept_id": first["id"], "merged_id": second["id"]}]


async def test_the_former_owner_of_the_new_number_is_somebody_else(lumen, meta):
    """The number was Mallory's, whose user id we know: what she said never becomes part of Dana's conversation."""
    mallory = Names(NEW_PHONE, "US.13491200000000000099", "Mallory")
    for wamid, names in (("wamid.1", DANA), ("wamid.2", mallory)):
        assert await meta.posts(words(said(lumen, wamid, "Hello", names), people=[names])) == 200
    change = system(lumen, "wamid.3", DANA, "user_changed_number", wa_id=NEW_PHONE, user_id=BSUID)
    assert await meta.posts(words(change, people=[])) == 200
    her, dana = await contact(lumen, bsuid=mallory.bsuid), await contact(lumen, bsuid=BSUID)
    assert (her["phone"], her["merged_into"], dana["phone"]) == (None, None, NEW_PHONE)
    assert (await everything(lumen)) == {"messages": 3, "conversations": 2, "contacts": 2, "contact_identities": 3}


async def test_the_next_owner_of_the_old_number_keeps_it(lumen, meta):
    """Mallory wrote from Dana's old number before WhatsApp told us that Dana had left it."""
    mallory = Names(PHONE, "US.13491200000000000099", "Mallory")
    for wamid, names in (("wamid.1", DANA), ("wamid.2", mallory)):
        assert await meta.posts(words(said(lumen, wamid, "Hello", names), people=[names])) == 200
    change = system(lumen, "wamid.3", DANA, "user_changed_number", wa_id=NEW_PHONE, user_id=BSUID)
    assert await meta.posts(words(change, people=[])) == 200
    assert (await contact(lumen, bsuid=mallory.bsuid))["phone"] == PHONE
    assert (await contact(lumen, phone=PHONE))["name"] == "Mallory"
    assert (await contact(lumen, bsuid=BSUID))["phone"] == NEW_PHONE


async def test_a_late_copy_of_a_change_changes_nothing(lumen, meta):
    first = words(system(lumen, "wamid.2", DANA, "user_changed_number", wa_id=NEW_PHONE, user_id=BSUID), people=[])
    moved = DANA._replace(phone=NEW_PHONE)
    second = words(system(lumen, "wamid.3", moved, "user_changed_number", wa_id="15550007892", user_id=BSUID), people=[])
    for body in (words(said(lumen, "wamid.1", "Hello", DANA)), first, second):
        assert await meta.posts(body) == 200
    before = await contact(lumen, bsuid=BSUID)
    assert before["phone"] == "15550007892"
    assert await meta.posts(first) == 200
    assert await contact(lumen, bsuid=BSUID) == before
    assert (await everything(lumen))["contacts"] == 1


async def test_a_change_of_somebody_unknown_makes_him_known_under_the_new_names(lumen, meta):
    change = system(lumen, "wamid.1", DANA, "user_changed_user_id", user_id=NEW_BSUID, previous_user_id=BSUID)
    assert await meta.posts(words(change, people=[])) == 200
    known = await contact(lumen, bsuid=NEW_BSUID)
    assert await everything(lumen) == {"messages": 1, "conversations": 1, "contacts": 1, "contact_identities": 2}
    assert known["phone"] == PHONE


async def test_somebody_else_on_the_phone_is_only_noted(lumen, meta):
    """customer_identity_changed: a new device or SIM, perhaps a new person; WhatsApp does not say who."""
    assert await meta.posts(words(said(lumen, "wamid.1", "Hello", DANA))) == 200
    note = system(lumen, "wamid.2", DANA, "customer_identity_changed", identity="abc", customer=PHONE)
    assert await meta.posts(words(note, people=[])) == 200
    known = await contact(lumen, bsuid=BSUID)
    assert (known["phone"], known["name"]) == (PHONE, "Dana")
    assert await everything(lumen) == {"messages": 2, "conversations": 1, "contacts": 1, "contact_identities": 2}
