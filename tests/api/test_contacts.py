"""The people Bakery Lumen talks to, as its own programs keep them."""

import asyncio

import pytest


async def test_a_contact_is_made_of_a_phone_number_in_any_spelling(lumen):
    made = await lumen.post("/contacts/", {"phoneNumber": "+1 (555) 000-7890", "name": "Dana"})

    assert made.status == 201
    assert made["phoneNumber"] == "15550007890"
    assert made["name"] == "Dana"
    assert (await lumen.get(f"/contacts/{made['id']}/")).body == made.body


async def test_a_contact_that_exists_is_found_and_left_as_it_is(lumen):
    first = await lumen.post("/contacts/", {"phoneNumber": "15550007890", "name": "Dana"})
    again = await lumen.post("/contacts/", {"phoneNumber": "001 555 000 7890", "name": "Somebody else"})

    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body


async def test_a_contact_who_wrote_first_is_found_by_phone(lumen, story):
    dana = await story.contact("Dana", phone="15550007890", bsuid="US.13491200000000000001")

    found = await lumen.post("/contacts/", {"phoneNumber": "+15550007890"})

    assert found.status == 200
    assert found["id"] == str(dana)
    assert found["userId"] == "US.13491200000000000001"


async def test_ten_requests_at_once_make_one_contact(lumen):
    made = await asyncio.gather(*[lumen.post("/contacts/", {"phoneNumber": "+15550007890"}) for _ in range(10)])

    assert sorted(answer.status for answer in made) == [200] * 9 + [201]
    assert len({answer["id"] for answer in made}) == 1
    assert (await lumen.get("/contacts/"))["count"] == 1


@pytest.mark.parametrize("phone_number", ["", "Dana", "+1", "12345678901234567890", "+15550007890 ext. 4", "+1555FLOWERS"])
async def test_what_is_not_a_phone_number_is_refused(lumen, phone_number):
    refused = await lumen.post("/contacts/", {"phoneNumber": phone_number})

    assert (refused.status, refused["code"], refused["field"]) == (400, "invalid", "phoneNumber")
    assert "country code" in refused["error"]


async def test_a_misspelt_field_is_refused(lumen):
    refused = await lumen.post("/contacts/", {"phoneNumber": "+15550007890", "nmae": "Dana"})

    assert (refused.status, refused["field"]) == (400, "nmae")


async def test_many_contacts_are_made_at_once_in_the_order_of_the_request(lumen):
    dana = await lumen.post("/contacts/", {"phoneNumber": "+15550007890", "name": "Dana"})

    numbers = ["+15550007893", "+15550007890", "+15550007892", "+1 555 000 7893"]
    made = await lumen.post("/contacts/bulk/", {"contacts": [{"phoneNumber": number, "name": f"No. {number[-1]}"} for number in numbers]})

    assert made.status == 201
    assert [contact["phoneNumber"] for contact in made.body] == ["15550007893", "15550007890", "15550007892", "15550007893"]
    assert made.body[1] == dana.body
    assert made.body[0] == made.body[3]
    assert (await lumen.get("/contacts/"))["count"] == 3


async def test_one_wrong_number_among_many_makes_none(lumen):
    refused = await lumen.post("/contacts/bulk/", {"contacts": [{"phoneNumber": "+15550007890"}, {"phoneNumber": "the baker"}]})

    assert (refused.status, refused["field"]) == (400, "contacts.1.phoneNumber")
    assert (await lumen.get("/contacts/"))["count"] == 0


async def test_contacts_come_in_pages_newest_first(lumen):
    for last in range(5):
        await lumen.post("/contacts/", {"phoneNumber": f"+1555000789{last}"})

    page = await lumen.get("/contacts/?limit=2&offset=2")

    assert page["count"] == 5
    assert [contact["phoneNumber"] for contact in page["results"]] == ["15550007892", "15550007891"]
    assert page["next"].endswith("/api/v1/contacts/?limit=2&offset=4")
    assert page["previous"].endswith("/api/v1/contacts/?limit=2&offset=0")


async def test_a_contact_is_renamed(lumen):
    dana = await lumen.post("/contacts/", {"phoneNumber": "+15550007890", "name": "Dana"})

    renamed = await lumen.patch(f"/contacts/{dana['id']}/", {"name": "Dana Vogel"})

    assert renamed.status == 200
    assert renamed["name"] == "Dana Vogel"
    assert (await lumen.patch(f"/contacts/{dana['id']}/", {"name": None}))["name"] is None
    assert (await lumen.patch(f"/contacts/{dana['id']}/", {}))["field"] == "name"


async def test_a_customer_without_a_phone_number_is_shown_by_username(lumen, story):
    zoe = await story.contact("Zoë", phone=None, bsuid="US.13491200000000000002", username="zoe.k")

    shown = await lumen.get(f"/contacts/{zoe}/")

    assert shown["phoneNumber"] is None
    assert (shown["username"], shown["userId"]) == ("zoe.k", "US.13491200000000000002")


async def test_two_contacts_that_became_one_answer_to_both_ids(lumen, story):
    dana = await story.contact("Dana")
    others = [await story.contact(f"Dana {n}", phone=None) for n in range(2)]
    for old, kept in ((others[0], others[1]), (others[1], dana)):
        await lumen.services.db.execute("update contacts set merged_into = %s where id = %s", [kept, old])

    assert (await lumen.get(f"/contacts/{others[0]}/"))["id"] == str(dana)
    assert (await lumen.patch(f"/contacts/{others[0]}/", {"name": "Dana Vogel"}))["id"] == str(dana)
    assert (await lumen.get("/contacts/"))["count"] == 1


async def test_another_business_has_contacts_of_its_own(lumen, rival):
    dana = await lumen.post("/contacts/", {"phoneNumber": "+15550007890", "name": "Dana"})
    theirs = await rival.post("/contacts/", {"phoneNumber": "+15550007890", "name": "D."})

    assert theirs.status == 201
    assert theirs["id"] != dana["id"]
    assert (await rival.get(f"/contacts/{dana['id']}/")).status == 404
    assert (await rival.patch(f"/contacts/{dana['id']}/", {"name": "Mallory was here"})).status == 404
    assert (await lumen.get(f"/contacts/{dana['id']}/"))["name"] == "Dana"


@pytest.mark.parametrize("nothing", ["1b4e28ba-2fa1-41d2-883f-0016d3cca427", "15550007890", "null", "%F0%9F%A5%90"])
async def test_an_id_that_is_nobody_is_a_404(lumen, nothing):
    assert (await lumen.get(f"/contacts/{nothing}/")).status == 404
