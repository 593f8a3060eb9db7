"""A message each way, as both sides see it."""

import asyncio

from business import DANA, NUMBER, WABA, buttons, choices, interactive, text


async def test_a_persons_message_arrives_signed_with_ascii_escapes_in_metas_shape(town, lumen, dana, zoe):
    wamid = await town.says(dana, "Bonjour, un gâteau?")
    message = await lumen.message(wamid)
    assert message["metadata"] == {"display_phone_number": "15550001234", "phone_number_id": NUMBER}
    assert message["profiles"] == [{"profile": {"name": "Dana"}, "wa_id": "15550007890", "user_id": "US.13491200000000000001"}]
    assert (message["id"], message["from"], message["from_user_id"]) == (wamid, "15550007890", "US.13491200000000000001")
    assert message["text"] == {"body": "Bonjour, un gâteau?"}
    assert message["timestamp"] == str(int(town.clock.timestamp()))
    assert b"g\\u00e2teau" in lumen.bodies[0]
    assert lumen.bodies[0].isascii()


async def test_someone_who_hides_the_phone_is_known_by_user_id_and_username_only(town, lumen, zoe):
    message = await lumen.message(await town.says(zoe, "Hello"))
    assert "from" not in message
    assert message["from_user_id"] == zoe["bsuid"]
    assert message["profiles"] == [{"profile": {"name": "Zoë", "username": "zoe.k"}, "user_id": zoe["bsuid"]}]

    status, answer = await town.send(text(), to=None, recipient=zoe["bsuid"])
    assert status == 200
    assert answer["contacts"] == [{"input": zoe["bsuid"], "user_id": zoe["bsuid"]}]
    town.later(seconds=1)
    delivered = await lumen.status("delivered", answer["messages"][0]["id"])
    assert "recipient_id" not in delivered
    assert delivered["recipient_user_id"] == zoe["bsuid"]
    assert delivered["profiles"] == [{"profile": {"name": "Zoë", "username": "zoe.k"}, "user_id": zoe["bsuid"]}]


async def test_a_username_hides_the_phone_until_the_business_writes_to_it(town, lumen):
    mia = await town.person("Mia", phone="+15550007111", username="mia")
    assert "from" not in await lumen.message(await town.says(mia, "Hello"))
    await town.text(to="+15550007111")
    assert (await lumen.message(await town.says(mia, "Thanks")))["from"] == "15550007111"


async def test_a_business_message_is_sent_delivered_and_read_with_its_price_and_attempt(town, lumen, dana):
    await town.says(dana, "Is it ready?")
    wamid = await town.text(biz_opaque_callback_data="attempt-1")
    town.later(milliseconds=150)
    sent = await lumen.status("sent", wamid)
    assert sent["recipient_id"] == "15550007890"
    assert sent["recipient_user_id"] == "US.13491200000000000001"
    assert sent["biz_opaque_callback_data"] == "attempt-1"
    assert sent["pricing"] == {"billable": False, "pricing_model": "PMP", "type": "free_customer_service", "category": "service"}
    assert "conversation" not in sent
    town.later(milliseconds=300)
    assert (await lumen.status("delivered", wamid))["pricing"] == sent["pricing"]
    assert (await town.bubble(dana, wamid))["ticks"] == "delivered"

    await town.control("POST", f"/people/{dana['id']}/read", {"number": NUMBER})
    read = await lumen.status("read", wamid)
    assert "pricing" not in read
    assert read["biz_opaque_callback_data"] == "attempt-1"


async def test_who_has_the_chat_open_reads_at_once(town, lumen, dana):
    await town.control("PATCH", f"/people/{dana['id']}", {"auto_read": True})
    await town.says(dana, "Hi")
    wamid = await town.text()
    town.later(milliseconds=450)
    await lumen.status("delivered", wamid)
    town.later(milliseconds=350)
    await lumen.status("read", wamid)


async def test_a_message_read_before_it_arrives_is_told_as_read_when_it_does(town, lumen, dana):
    await town.says(dana, "Hi")
    wamid = await town.text()
    await town.control("POST", f"/people/{dana['id']}/read", {})
    town.later(milliseconds=450)
    await lumen.status("delivered", wamid)
    town.later(milliseconds=350)
    await lumen.status("read", wamid)


async def test_a_read_receipt_with_typing_shows_on_the_phone_for_25_seconds(town, lumen, dana):
    first, second = await town.says(dana, "Hi"), await town.says(dana, "Anyone?")
    receipt = {"messaging_product": "whatsapp", "status": "read", "message_id": second, "typing_indicator": {"type": "text"}}
    assert await town.graph("POST", f"{NUMBER}/messages", receipt) == (200, {"success": True})
    chat = await town.chat(dana)
    assert chat["typing"]
    assert [message["ticks"] for message in chat["messages"]] == ["read", "read"]
    assert [message["id"] for message in chat["messages"]] == [first, second]
    town.later(seconds=26)
    assert not (await town.chat(dana))["typing"]


async def test_an_answer_ends_the_typing(town, dana):
    wamid = await town.says(dana, "Hi")
    receipt = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid, "typing_indicator": {"type": "text"}}
    await town.graph("POST", f"{NUMBER}/messages", receipt)
    await town.text()
    assert not (await town.chat(dana))["typing"]


async def test_a_receipt_for_a_message_nobody_wrote_is_refused(town, dana):
    receipt = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.unknown"}
    status, answer = await town.graph("POST", f"{NUMBER}/messages", receipt)
    assert (status, answer["error"]["code"]) == (400, 100)


async def test_dana_taps_a_button_and_picks_from_a_list(town, lumen, dana):
    await town.says(dana, "Hi")
    _, asked = await town.send(buttons("Yes", "No", footer={"text": "Bakery Lumen"}))
    _, listed = await town.send(choices("Monday", "Sunday"))
    asked, listed = asked["messages"][0]["id"], listed["messages"][0]["id"]
    shown = await town.bubble(dana, asked)
    assert (shown["text"], shown["footer"]) == ("Which cake?", "Bakery Lumen")
    assert shown["buttons"] == [{"id": "yes", "title": "Yes", "url": None}, {"id": "no", "title": "No", "url": None}]
    assert [row["title"] for row in (await town.bubble(dana, listed))["list"]["rows"]] == ["Monday", "Sunday"]

    tapped = await lumen.message(await town.taps(dana, asked, button_id="yes"))
    picked = await lumen.message(await town.taps(dana, listed, row_id="r1"))
    assert tapped["interactive"] == {"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes"}}
    assert tapped["context"] == {"from": "15550001234", "id": asked}
    assert picked["interactive"] == {"type": "list_reply", "list_reply": {"id": "r1", "title": "Sunday"}}

    refusal = await town.control("POST", f"/people/{dana['id']}/taps", {"message": asked, "button_id": "maybe"}, expect=400)
    assert "no button or row 'maybe'" in refusal["error"]


async def test_a_link_button_and_a_location_look_right_on_the_phone(town, dana):
    await town.says(dana, "Where are you?")
    link = {"name": "cta_url", "parameters": {"display_text": "See cakes", "url": "https://lumen.example/cakes"}}
    _, linked = await town.send(interactive({"type": "cta_url", "body": {"text": "All of them"}, "action": link}))
    _, placed = await town.send({"type": "location", "location": {"latitude": 37.5, "longitude": "-122.1", "name": "Lumen"}})
    shown = await town.bubble(dana, linked["messages"][0]["id"])
    assert shown["buttons"] == [{"id": "", "title": "See cakes", "url": "https://lumen.example/cakes"}]
    place = (await town.bubble(dana, placed["messages"][0]["id"]))["location"]
    assert place == {"latitude": 37.5, "longitude": -122.1, "name": "Lumen", "address": None}


async def test_quotes_reactions_and_referrals_travel_both_ways(town, lumen, dana):
    asked = await town.says(dana, "Red or blue?", referral={"source_type": "ad", "source_id": "1", "ctwa_clid": "c"})
    answered = await town.text("Red", context={"message_id": asked})
    assert (await town.bubble(dana, answered))["quoted"] == {"id": asked, "from": "person", "text": "Red or blue?"}
    quoting = await town.says(dana, "Fine", quoted=answered)
    reacting = await town.says(dana, type="reaction", message=answered, emoji="👍")
    await town.send({"type": "reaction", "reaction": {"message_id": asked, "emoji": "🎂"}})
    assert (await lumen.message(asked))["referral"]["ctwa_clid"] == "c"
    assert (await lumen.message(quoting))["context"] == {"from": "15550001234", "id": answered}
    assert (await lumen.message(reacting))["reaction"] == {"message_id": answered, "emoji": "👍"}
    chat = await town.chat(dana)
    assert [message["reaction"] for message in chat["messages"]] == ["🎂", "👍", None]


async def test_a_reaction_is_sent_and_never_delivered(town, lumen, dana):
    wamid = await town.says(dana, "Hi")
    _, answer = await town.send({"type": "reaction", "reaction": {"message_id": wamid, "emoji": "🎂"}})
    last = await town.text()
    town.later(seconds=2)
    await lumen.status("delivered", last)
    reacted = answer["messages"][0]["id"]
    assert [update["status"] for update in lumen.updates if update["id"] == reacted] == ["sent"]


async def test_every_other_kind_of_inbound_message_can_be_said(town, lumen, dana):
    order = {"catalog_id": "1", "product_items": [{"product_retailer_id": "p", "quantity": 1, "item_price": 5, "currency": "USD"}]}
    await town.says(dana, type="order", raw={"order": order})
    await town.says(dana, type="unsupported")
    await town.says(dana, type="contacts", contacts=[{"name": {"formatted_name": "Ada"}, "phones": [{"phone": "+15550004321"}]}])
    await town.says(dana, type="location", latitude=1.5, longitude=2.5, name="Home")
    await town.says(dana, "Look", forwarded=True)
    await lumen.until(lambda lumen: len(lumen.updates) == 5)
    said = {message["type"]: message for message in lumen.updates}
    assert said["order"]["order"] == order
    assert said["unsupported"]["errors"][0]["code"] == 131051
    assert said["contacts"]["contacts"][0]["name"]["formatted_name"] == "Ada"
    assert said["location"]["location"] == {"latitude": 1.5, "longitude": 2.5, "name": "Home"}
    assert said["text"]["context"] == {"forwarded": True}


async def test_staff_who_answer_in_the_business_app_are_echoed_and_open_no_window(town, lumen, dana):
    await town.control("POST", "/staff/messages", {"person": dana["id"], "text": "It's Bea from the shop"})
    echo = await lumen.update(kind="message_echoes", field="smb_message_echoes")
    assert (echo["from"], echo["to"], echo["to_user_id"]) == ("15550001234", "15550007890", "US.13491200000000000001")
    assert echo["text"] == {"body": "It's Bea from the shop"}
    chat = await town.chat(dana)
    assert (chat["messages"][0]["staff"], chat["window_until"]) == (True, None)
    assert await town.ledger() == []


async def test_a_changed_phone_number_is_told_with_old_and_new_ids(town, lumen, dana):
    await town.says(dana, "Hi")
    changed = await town.control("POST", f"/people/{dana['id']}/change-number", {"phone": "+15550007999"})
    assert changed["told"] == 1
    told = await lumen.update(kind="messages", type="system")
    assert (told["type"], told["from"], told["profiles"]) == ("system", "15550007890", None)
    assert told["system"] == {
        "type": "user_changed_number",
        "wa_id": "15550007999",
        "user_id": changed["bsuid"],
        "previous_user_id": "US.13491200000000000001",
        "body": "User Dana changed from 15550007890 to 15550007999",
    }
    await town.text(to="+15550007999")
    assert (await town.ledger())[0]["person"] == dana["id"]


async def test_a_changed_user_id_is_told_without_the_phone_of_who_hides_it(town, lumen, zoe):
    await town.says(zoe, "Hi")
    changed = await town.control("POST", f"/people/{zoe['id']}/change-user-id", {})
    told = await lumen.update(kind="messages", type="system")
    assert "from" not in told
    assert "wa_id" not in told["system"]
    assert (told["system"]["type"], told["system"]["user_id"], told["system"]["previous_user_id"]) == (
        "user_changed_user_id",
        changed["bsuid"],
        zoe["bsuid"],
    )


async def test_the_ledger_holds_what_was_accepted_in_order_word_for_word(town, dana):
    await town.says(dana, "Hi")
    first = await town.text("One", biz_opaque_callback_data="a1")
    await town.refused({"type": "text", "text": {}})
    second = await town.text("Two")
    entries = await town.ledger()
    assert [(entry["wamid"], entry["attempt"], entry["to"]) for entry in entries] == [(first, "a1", DANA[1:]), (second, None, DANA[1:])]
    assert entries[0]["body"]["text"] == {"body": "One"}
    assert (await town.control("GET", "/ledger?after=1"))[0]["wamid"] == second


async def test_the_phone_is_told_at_once_when_something_changes(town, dana):
    address = f"{town.origin}/control/people/{dana['id']}/events?number={NUMBER}"
    async with asyncio.timeout(5), town.web.get(address) as stream:
        assert stream.content_type == "text/event-stream"
        assert await stream.content.readuntil(b"\n\n") == b"data: changed\n\n"
        await town.says(dana, "Hi")
        assert await stream.content.readuntil(b"\n\n") == b"data: changed\n\n"


async def test_two_businesses_know_one_person_by_different_ids_and_not_each_others_numbers(town, lumen, dana):
    rival = await town.control("POST", "/numbers", {"app_id": "rival", "app_secret": lumen.secret, "callback_url": f"{lumen.origin}/hook"})
    assert rival["waba_id"] != WABA
    message = await lumen.message(await town.says(dana, "Hi", number=rival["phone_number_id"]))
    assert message["metadata"]["phone_number_id"] == rival["phone_number_id"]
    assert message["from_user_id"] != dana["bsuid"]
    status, answer = await town.send(text(), number=rival["phone_number_id"])
    assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (400, 100, 33)
    await town.text(number=rival["phone_number_id"], token=rival["access_token"])

    foreign = message["from_user_id"]
    wamid = await town.text(to=None, recipient=foreign)
    town.later(seconds=1)
    assert (await lumen.status("failed", wamid))["errors"][0]["code"] == 131026
