"""Templates: what a send must match, how it looks, and what happens to a template in its life."""

from business import WABA

READY = {"name": "order_ready", "body": "Hi {{1}}, order {{2}} is ready.", "footer": "Bakery Lumen"}


def template(*values, name="order_ready", language="en_US", extra=()):
    parameters = [{"type": "text", "text": value} for value in values]
    components = [{"type": "body", "parameters": parameters}] if values else []
    return {"type": "template", "template": {"name": name, "language": {"code": language}, "components": [*components, *extra]}}


async def test_a_template_reaches_a_person_outside_the_window_at_its_price(town, lumen, dana):
    await town.control("POST", "/templates", READY)
    status, answer = await town.send(template("Dana", "2041"))
    assert status == 200
    assert answer["messages"][0]["message_status"] == "accepted"
    wamid = answer["messages"][0]["id"]
    town.later(seconds=1)
    delivered = await lumen.status("delivered", wamid)
    assert delivered["pricing"] == {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"}
    shown = await town.bubble(dana, wamid)
    assert (shown["text"], shown["footer"]) == ("Hi Dana, order 2041 is ready.", "Bakery Lumen")


async def test_parameters_must_match_the_templates_variables(town, dana):
    await town.control("POST", "/templates", READY)
    assert await town.refused(template("Dana")) == (400, 132000)
    assert await town.refused(template("Dana", "1", "2")) == (400, 132000)
    assert await town.refused(template("Dana", "a\nb")) == (400, 132018)
    assert await town.refused(template("Dana", "x" * 1024)) == (400, 132005)
    assert await town.refused(template("Dana", "1", language="de")) == (404, 132001)
    assert await town.refused(template("Dana", "1", name="other")) == (404, 132001)


async def test_named_parameters_go_by_name(town, dana):
    await town.control("POST", "/templates", {"name": "hello", "body": "Hi {{first}}!", "parameter_format": "NAMED"})
    named = {"type": "body", "parameters": [{"type": "text", "parameter_name": "first", "text": "Dana"}]}
    _, answer = await town.send(template(name="hello", extra=[named]))
    assert (await town.bubble(dana, answer["messages"][0]["id"]))["text"] == "Hi Dana!"
    wrong = {"type": "body", "parameters": [{"type": "text", "parameter_name": "last", "text": "Dana"}]}
    assert await town.refused(template(name="hello", extra=[wrong])) == (400, 132012)


async def test_a_picture_in_the_header_is_fetched_and_must_be_one(town, lumen, dana):
    picture = {"type": "HEADER", "format": "IMAGE"}
    await town.control("POST", "/templates", {"name": "look", "components": [picture, {"type": "BODY", "text": "Look"}]})

    def header(kind, **file):
        return [{"type": "header", "parameters": [{"type": kind, kind: file}]}]

    assert await town.refused(template(name="look")) == (400, 132012)
    assert await town.refused(template(name="look", extra=header("video", link="https://lumen.example/a.mp4"))) == (400, 132012)
    assert await town.refused(template(name="look", extra=header("image"))) == (400, 100)
    lumen.files["cake.png"] = ("image/png", b"png")
    _, answer = await town.send(template(name="look", extra=header("image", link=f"{lumen.origin}/files/cake.png")))
    wamid = answer["messages"][0]["id"]
    while (await town.bubble(dana, wamid))["media"]["url"] is None:
        pass
    assert (await town.bubble(dana, wamid))["media"]["kind"] == "image"


async def test_a_paused_or_disabled_template_is_not_sent(town, lumen, dana):
    await town.control("POST", "/templates", READY)
    await town.control("POST", "/templates", READY | {"status": "PAUSED"})
    assert await town.refused(template("Dana", "1")) == (400, 132015)
    told = await lumen.update(field="message_template_status_update", event="PAUSED")
    assert told["message_template_name"] == "order_ready"
    await town.control("POST", "/templates", READY | {"status": "DISABLED"})
    assert await town.refused(template("Dana", "1")) == (400, 132016)


async def test_a_quick_reply_of_a_template_is_tapped(town, lumen, dana):
    replies = [{"type": "QUICK_REPLY", "text": "Unsubscribe"}, {"type": "URL", "text": "Track", "url": "https://lumen.example/{{1}}"}]
    await town.control("POST", "/templates", {"name": "news", "body": "New cakes", "buttons": replies})
    assert await town.refused(template(name="news")) == (400, 131008)
    url = {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "2041"}]}
    stop = {"type": "button", "sub_type": "quick_reply", "index": 0, "parameters": [{"type": "payload", "payload": "OPT_OUT"}]}
    _, answer = await town.send(template(name="news", extra=[url, stop]))
    wamid = answer["messages"][0]["id"]
    shown = (await town.bubble(dana, wamid))["buttons"]
    assert shown[0] == {"id": "OPT_OUT", "title": "Unsubscribe", "url": None}
    assert shown[1]["url"] == "https://lumen.example/2041"
    tapped = await lumen.message(await town.taps(dana, wamid, button_id="OPT_OUT"))
    assert (tapped["type"], tapped["button"]) == ("button", {"payload": "OPT_OUT", "text": "Unsubscribe"})
    assert tapped["context"]["id"] == wamid


async def test_who_stopped_marketing_gets_none(town, lumen, dana):
    await town.control("POST", "/templates", READY | {"category": "MARKETING"})
    await town.control("PATCH", f"/people/{dana['id']}", {"marketing_stopped": True})
    _, answer = await town.send(template("Dana", "1"))
    town.later(seconds=1)
    assert (await lumen.status("failed", answer["messages"][0]["id"]))["errors"][0]["code"] == 131050


async def test_a_code_is_sent_to_phones_only(town, zoe):
    await town.control("POST", "/templates", {"name": "code", "body": "{{1}} is your code.", "category": "AUTHENTICATION"})
    assert await town.refused(template("123", name="code"), to=None, recipient=zoe["bsuid"]) == (400, 131062)


async def test_a_business_messages_so_many_people_a_day_outside_the_window(town, dana):
    await town.control("POST", "/numbers", {"phone_number_id": "106540000000001", "messaging_limit": 1})
    await town.control("POST", "/templates", READY)
    await town.send(template("Dana", "1"))
    assert (await town.send(template("Dana", "2")))[0] == 200
    assert await town.refused(template("Mia", "3"), to="+15550007111") == (400, 131064)
    town.later(hours=25)
    assert (await town.send(template("Mia", "3"), to="+15550007111"))[0] == 200


async def test_an_answer_to_an_ad_is_free_for_72_hours(town, lumen, dana):
    await town.says(dana, "Hi", referral={"source_type": "ad", "source_id": "1"})
    wamid = await town.text()
    town.later(seconds=1)
    sent = await lumen.status("sent", wamid)
    assert sent["pricing"]["type"] == "free_entry_point"
    assert sent["conversation"]["origin"] == {"type": "referral_conversion"}
    assert int(sent["conversation"]["expiration_timestamp"]) > town.clock.timestamp() + 71 * 3600


async def test_a_template_is_made_reviewed_listed_edited_and_deleted(town, lumen, dana):
    body = {"type": "BODY", "text": "Hi {{1}}, welcome.", "example": {"body_text": [["Dana"]]}}
    new = {"name": "welcome", "language": "en_US", "category": "UTILITY", "components": [body]}
    status, made = await town.graph("POST", f"{WABA}/message_templates", new)
    assert (status, made["status"]) == (200, "PENDING")
    assert await town.refused(template("Dana", name="welcome")) == (404, 132001)
    town.later(seconds=6)
    told = await lumen.update(field="message_template_status_update", event="APPROVED")
    assert (told["message_template_id"], type(told["time"])) == (int(made["id"]), int)
    assert (await town.send(template("Dana", name="welcome")))[0] == 200
    assert (await town.graph("POST", f"{WABA}/message_templates", new))[1]["error"]["error_subcode"] == 2388024

    _, listed = await town.graph("GET", f"{WABA}/message_templates?name=welcome&fields=name,status")
    assert listed["data"] == [{"name": "welcome", "status": "APPROVED", "id": made["id"]}]
    edited = {"components": [{"type": "BODY", "text": "Hello {{1}}, welcome."}]}
    assert (await town.graph("POST", made["id"], edited))[0] == 200
    _, shown = await town.graph("GET", made["id"])
    assert (shown["status"], shown["components"]) == ("PENDING", edited["components"])
    assert (await town.graph("DELETE", f"{WABA}/message_templates?name=welcome"))[1] == {"success": True}
    assert (await town.graph("GET", made["id"]))[0] == 400


async def test_a_template_that_breaks_metas_rules_is_not_made(town):
    good = {"name": "welcome", "language": "en_US", "category": "UTILITY", "components": [{"type": "BODY", "text": "Hi"}]}
    wrong = [
        {"name": "Welcome!"},
        {"category": "FUN"},
        {"components": []},
        {"components": [{"type": "FOOTER", "text": "Hi"}]},
        {"components": [{"type": "BODY", "text": "{{1}} is ready"}]},
        {"components": [{"type": "BODY", "text": "x" * 1025}]},
        {"components": [{"type": "BODY", "text": "Hi"}, {"type": "HEADER", "format": "TEXT", "text": "x" * 61}]},
    ]
    for change in wrong:
        status, answer = await town.graph("POST", f"{WABA}/message_templates", good | change)
        assert (status, "error" in answer) == (400, True), change
