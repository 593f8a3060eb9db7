"""What Meta refuses at once, what it accepts and fails later, and with which code."""

from business import DANA, NUMBER, buttons, choices, interactive, text

LINK = {"name": "cta_url", "parameters": {"display_text": "See", "url": "https://lumen.example"}}
FLOW = {"name": "flow", "parameters": {"flow_message_version": "3", "flow_id": "1", "flow_cta": "Start"}}


def media(kind, **content):
    return {"type": kind, kind: content}


def cta(**more):
    return interactive({"type": "cta_url", "body": {"text": "All cakes"}, "action": LINK} | more)


ACCEPTED = {
    "text of 4096": text("x" * 4096),
    "type left out": {"text": {"body": "hi"}},
    "image by link": media("image", link="https://lumen.example/a.jpg", caption="x" * 1024),
    "document by link": media("document", link="https://lumen.example/a.pdf", filename="a.pdf", caption="The bill"),
    "place": {"type": "location", "location": {"latitude": "37.5", "longitude": -122}},
    "contact": {
        "type": "contacts",
        "contacts": [{"name": {"formatted_name": "Ada B", "first_name": "Ada"}, "phones": [{"phone": "+1555"}]}],
    },
    "three buttons": buttons("Yes", "No", "Later", header={"type": "text", "text": "Cakes"}),
    "ten rows": choices(*"abcdefghij"),
    "link button": cta(),
    "flow": interactive({"type": "flow", "body": {"text": "Order"}, "action": FLOW}),
    "location request": interactive({"type": "location_request_message", "body": {"text": "Where?"}, "action": {"name": "send_location"}}),
    "unknown keys": text() | {"colour": "red"},
}

REFUSED = {
    "no product": (text() | {"messaging_product": "telegram"}, 100),
    "no body": ({"type": "text", "text": {}}, 131008),
    "no content": ({"type": "text"}, 131008),
    "text that is a list": ({"type": "text", "text": ["hi"]}, 100),
    "text of 4097": (text("x" * 4097), 100),
    "unknown type": ({"type": "hologram", "hologram": {}}, 131051),
    "type that is a list": ({"type": ["text"], "text": {"body": "hi"}}, 131051),
    "group": (text() | {"recipient_type": "group"}, 131041),
    "odd recipient type": (text() | {"recipient_type": "crowd"}, 100),
    "long opaque data": (text() | {"biz_opaque_callback_data": "x" * 513}, 100),
    "context without message": (text() | {"context": {}}, 100),
    "id and link": (media("image", id="1", link="https://lumen.example/a.jpg"), 100),
    "neither id nor link": (media("image"), 100),
    "unknown media id": (media("image", id="12345"), 131009),
    "caption on audio": (media("audio", link="https://lumen.example/a.mp3", caption="no"), 100),
    "long caption": (media("image", link="https://lumen.example/a.jpg", caption="x" * 1025), 131009),
    "link that is no address": (media("image", link="a.jpg"), 131009),
    "no latitude": ({"type": "location", "location": {"longitude": 1}}, 131008),
    "far latitude": ({"type": "location", "location": {"latitude": 91, "longitude": 1}}, 131009),
    "contact with one name": ({"type": "contacts", "contacts": [{"name": {"formatted_name": "Ada"}}]}, 131009),
    "no contacts": ({"type": "contacts", "contacts": []}, 131009),
    "258 contacts": ({"type": "contacts", "contacts": [{"name": {"formatted_name": "A", "first_name": "A"}}] * 258}, 131009),
    "reaction without emoji": ({"type": "reaction", "reaction": {"message_id": "wamid.1"}}, 131008),
    "four buttons": (buttons("a", "b", "c", "d"), 131009),
    "button title of 21": (buttons("x" * 21), 131009),
    "same button twice": (buttons("a", "a"), 131009),
    "button with a space at its end": (buttons("a "), 131009),
    "button body of 1025": (buttons("a", body="x" * 1025), 131009),
    "footer of 61": (buttons("a", footer={"text": "x" * 61}), 131009),
    "header of 61": (buttons("a", header={"type": "text", "text": "x" * 61}), 131009),
    "eleven rows": (choices(*"abcdefghijk"), 131009),
    "row title of 25": (choices("x" * 25), 131009),
    "list button of 21": (choices("a", button="x" * 21), 131009),
    "list with a picture": (choices("a", header={"type": "image", "image": {"link": "https://lumen.example/a.jpg"}}), 131009),
    "link button without text": (cta(action={"name": "cta_url", "parameters": {"url": "https://lumen.example"}}), 131008),
    "link button to nowhere": (cta(action={"name": "cta_url", "parameters": {"display_text": "See", "url": "lumen"}}), 131009),
    "no interactive body": (interactive({"type": "button", "action": {"buttons": []}}), 131008),
    "unknown interactive": (interactive({"type": "wheel"}), 131009),
    "no interactive type": (interactive({}), 131008),
    "template that is not there": ({"type": "template", "template": {"name": "none", "language": {"code": "en_US"}}}, 132001),
}


async def test_right_messages_are_accepted(town, dana):
    await town.says(dana, "Hi")
    answers = {name: await town.send(content) for name, content in ACCEPTED.items()}
    assert {name: answer for name, (status, answer) in answers.items() if status != 200} == {}
    assert all(answer["contacts"] == [{"input": DANA, "wa_id": DANA[1:]}] for _, answer in answers.values())
    assert len(await town.ledger()) == len(ACCEPTED)


async def test_wrong_messages_are_refused_with_metas_codes(town, dana):
    answers = {name: (await town.send(content))[1] for name, (content, _) in REFUSED.items()}
    assert {name: answer.get("error", {}).get("code") for name, answer in answers.items()} == {
        name: code for name, (_, code) in REFUSED.items()
    }
    assert all(answer["error"]["error_data"]["details"] and answer["error"]["fbtrace_id"] for answer in answers.values())
    assert await town.ledger() == []


async def test_a_request_is_judged_by_token_then_number_then_content(town, dana):
    assert await town.refused({"type": "nonsense"}, token="wrong", number="1") == (401, 190)
    assert await town.refused({"type": "nonsense"}, number="1") == (400, 100)
    assert await town.refused({"type": "nonsense"}) == (400, 131051)
    async with town.web.post(f"{town.origin}/graph/{NUMBER}/messages?access_token=lumen-token", data=b"{nonsense") as answer:
        assert (await answer.json())["error"]["code"] == 100


async def test_an_address_that_is_no_phone_number_is_refused(town):
    for to in ["", "Dana", "12", "+1" * 40, {"phone": 1}]:
        assert await town.refused(text(), to=to) == (400, 100)


async def test_a_number_cannot_write_to_itself(town):
    assert await town.refused(text(), to="+1 (555) 000-1234") == (400, 131021)


async def test_a_token_that_expired_opens_nothing(town, dana):
    await town.control("POST", "/tokens/expire", {"number": NUMBER})
    status, answer = await town.send(text())
    assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (401, 190, 463)


async def test_a_deregistered_number_sends_nothing_until_it_is_registered_again(town, dana):
    await town.graph("POST", f"{NUMBER}/deregister", {})
    assert await town.refused(text()) == (400, 133010)
    await town.graph("POST", f"{NUMBER}/register", {"messaging_product": "whatsapp", "pin": "123456"})
    await town.text()


async def failed_code(town, lumen, wamid):
    town.later(seconds=1)
    failed = await lumen.status("failed", wamid)
    assert failed["profiles"] is None
    return failed["errors"][0]["code"]


async def test_outside_the_24_hour_window_a_free_message_is_accepted_and_fails(town, lumen, dana):
    assert await failed_code(town, lumen, await town.text()) == 131047
    await town.says(dana, "Hi")
    town.later(hours=23)
    inside = await town.text()
    town.later(hours=2)
    await lumen.status("delivered", inside)
    late = await town.text()
    assert await failed_code(town, lumen, late) == 131047
    assert (await town.bubble(dana, late))["failed"].startswith("131047")
    assert [entry["status"] for entry in await town.ledger()] == ["failed", "delivered", "failed"]


async def test_the_window_of_one_number_does_not_open_another(town, lumen, dana):
    other = await town.control("POST", "/numbers", {"name": "Lumen Two"})
    await town.says(dana, "Hi", number=other["phone_number_id"])
    assert await failed_code(town, lumen, await town.text()) == 131047


async def test_somebody_without_whatsapp_is_undeliverable(town, lumen):
    wamid = await town.text(to="+15550009999")
    assert await failed_code(town, lumen, wamid) == 131026
    failed = await lumen.status("failed", wamid)
    assert failed["recipient_id"] == "15550009999"
    assert "recipient_user_id" not in failed
    assert (await town.ledger())[0]["person"] is None


async def test_who_blocks_the_business_never_gets_the_message(town, lumen, dana):
    await town.says(dana, "Hi")
    await town.control("PATCH", f"/people/{dana['id']}", {"blocks_business": True})
    blocked = await town.text()
    town.later(seconds=5)
    await lumen.status("sent", blocked)
    await town.control("PATCH", f"/people/{dana['id']}", {"blocks_business": False})
    seen = await town.text()
    town.later(seconds=5)
    await lumen.status("delivered", seen)
    assert (await town.bubble(dana, blocked))["ticks"] == "sent"


async def test_a_reaction_to_an_unknown_message_fails_later(town, lumen, dana):
    await town.says(dana, "Hi")
    _, answer = await town.send({"type": "reaction", "reaction": {"message_id": "wamid.unknown", "emoji": "👍"}})
    assert await failed_code(town, lumen, answer["messages"][0]["id"]) == 131009


async def test_a_person_takes_45_messages_at_once_and_then_one_every_six_seconds(town, dana):
    zoe = await town.person("Zoë", phone="+15550007111")
    for _ in range(45):
        await town.text()
    assert await town.refused(text()) == (400, 131056)
    await town.text(to=zoe["phone"])
    town.later(seconds=6)
    await town.text()
    assert await town.refused(text()) == (400, 131056)


async def test_a_number_sends_as_many_messages_a_second_as_it_may(town, dana):
    await town.control("POST", "/numbers", {"phone_number_id": NUMBER, "per_second": 3, "pair_rate": False})
    for _ in range(3):
        await town.text()
    codes = [(await town.send(text()))[1].get("error", {}).get("code") for _ in range(5)]
    assert 130429 in codes
    town.later(seconds=1)
    await town.text()


async def test_a_blocked_person_is_neither_written_to_nor_heard(town, lumen, dana):
    await town.says(dana, "Hi")
    status, answer = await town.graph("POST", f"{NUMBER}/block_users", {"messaging_product": "whatsapp", "block_users": [{"user": DANA}]})
    assert (status, answer["block_users"]["added_users"][0]["wa_id"]) == (200, DANA[1:])
    assert await town.refused(text()) == (403, 130403)
    await town.says(dana, "Let me in")
    await town.graph("DELETE", f"{NUMBER}/block_users", {"messaging_product": "whatsapp", "block_users": [{"user": DANA}]})
    heard = await lumen.message(await town.says(dana, "Thanks"))
    assert [update["text"]["body"] for update in lumen.updates] == ["Hi", heard["text"]["body"]]
