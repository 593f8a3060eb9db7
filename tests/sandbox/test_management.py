"""The Graph API around messaging: numbers, accounts, tokens, profiles, links."""

from business import NUMBER, WABA


async def test_a_number_shows_the_fields_asked_for(town):
    _, shown = await town.graph("GET", NUMBER)
    assert (shown["display_phone_number"], shown["quality_rating"], shown["throughput"]) == (
        "+1 555-000-1234",
        "GREEN",
        {"level": "STANDARD"},
    )
    _, some = await town.graph("GET", f"{NUMBER}?fields=verified_name,health_status{{can_send_message}}")
    assert set(some) == {"id", "verified_name", "health_status"}


async def test_numbers_of_an_account_come_in_pages(town):
    for place in range(3):
        await town.control("POST", "/numbers", {"name": f"Branch {place}"})
    _, first = await town.graph("GET", f"{WABA}/phone_numbers?limit=3")
    assert len(first["data"]) == 3
    async with town.web.get(first["paging"]["next"], headers={"Authorization": "Bearer lumen-token"}) as answer:
        assert len((await answer.json())["data"]) == 1


async def test_unknown_objects_and_edges_do_not_exist(town):
    for path in ("999", f"{NUMBER}/nonsense", "", f"{WABA}/nonsense", "upload"):
        status, answer = await town.graph("GET", path)
        assert (status, answer["error"]["code"]) == (400, 100), path
    assert (await town.graph("GET", "999", token="wrong"))[1]["error"]["code"] == 190


async def test_paths_work_with_any_version_and_with_none(town):
    for version in ("v22.0/", "v99.9/", ""):
        async with town.web.get(f"{town.origin}/graph/{version}{NUMBER}?access_token=lumen-token") as answer:
            assert (await answer.json())["id"] == NUMBER


async def test_an_account_shows_its_apps_and_can_lose_and_regain_them(town, lumen, dana):
    _, shown = await town.graph("GET", f"{WABA}/subscribed_apps")
    assert [node["whatsapp_business_api_data"]["id"] for node in shown["data"]] == ["sandbox"]
    await town.graph("DELETE", f"{WABA}/subscribed_apps")
    await town.says(dana, "Nobody listens")
    await town.graph("POST", f"{WABA}/subscribed_apps", {})
    await lumen.message(await town.says(dana, "Hi"))
    assert len(lumen.updates) == 1
    assert (await town.graph("GET", WABA))[1]["name"] == "Sandbox"


async def test_tokens_can_be_made_for_an_app_and_looked_into(town):
    _, made = await town.graph("GET", "oauth/access_token?grant_type=client_credentials&client_id=sandbox&client_secret=lumen-secret")
    assert made == {"access_token": "sandbox|lumen-secret", "token_type": "bearer"}
    assert (await town.graph("GET", "oauth/access_token?client_id=sandbox&client_secret=wrong"))[0] == 400
    _, debug = await town.graph("GET", "debug_token?input_token=lumen-token", token=made["access_token"])
    assert debug["data"]["is_valid"]
    assert debug["data"]["granular_scopes"][0]["target_ids"] == [WABA]
    await town.control("POST", "/tokens/expire", {})
    _, debug = await town.graph("GET", "debug_token?input_token=lumen-token", token=made["access_token"])
    assert (debug["data"]["is_valid"], debug["data"]["error"]["subcode"]) == (False, 463)
    assert (await town.graph("GET", "debug_token?input_token=lumen-token", token="sandbox|guessed"))[0] == 401


async def test_a_token_tells_nothing_to_another_app_and_does_only_what_it_was_made_for(town):
    made = await town.control("POST", "/numbers", {"app_id": "rival", "app_secret": "rival-secret", "access_token": "rival-token"})
    _, debug = await town.graph("GET", "debug_token?input_token=lumen-token", token="rival|rival-secret")
    assert (debug["data"]["is_valid"], debug["data"]["error"]["code"]) == (False, 100)
    assert (await town.graph("GET", f"{made['waba_id']}/subscribed_apps", token="rival-token"))[0] == 200
    again = {"phone_number_id": made["phone_number_id"], "access_token": "rival-token", "scopes": ["whatsapp_business_messaging"]}
    await town.control("POST", "/numbers", again)
    status, answer = await town.graph("GET", f"{made['waba_id']}/subscribed_apps", token="rival-token")
    assert (status, answer["error"]["code"]) == (403, 200)


async def test_an_app_hears_of_the_fields_it_has_asked_for(town, lumen, dana):
    subscription = {"object": "whatsapp_business_account", "callback_url": f"{lumen.origin}/hook", "verify_token": "verify"}
    subscription["fields"] = "account_update"
    assert (await town.graph("POST", "sandbox/subscriptions", subscription, token="sandbox|lumen-secret"))[0] == 200
    _, shown = await town.graph("GET", "sandbox/subscriptions", token="sandbox|lumen-secret")
    assert [field["name"] for field in shown["data"][0]["fields"]] == ["account_update"]
    await town.says(dana, "Good morning")
    assert await town.control("GET", "/deliveries") == []


async def test_a_profile_a_username_settings_and_ice_breakers_are_kept(town):
    profile = {"messaging_product": "whatsapp", "about": "Cakes", "websites": ["https://lumen.example"], "vertical": "RETAIL"}
    assert (await town.graph("POST", f"{NUMBER}/whatsapp_business_profile", profile))[1] == {"success": True}
    _, shown = await town.graph("GET", f"{NUMBER}/whatsapp_business_profile?fields=about,websites")
    assert shown["data"][0] == {"about": "Cakes", "websites": ["https://lumen.example"], "messaging_product": "whatsapp"}
    assert (await town.graph("POST", f"{NUMBER}/whatsapp_business_profile", {"about": "x" * 140}))[0] == 400

    await town.graph("POST", f"{NUMBER}/conversational_automation", {"prompts": ["Order a cake"]})
    _, automation = await town.graph("GET", f"{NUMBER}?fields=conversational_automation")
    assert automation["conversational_automation"]["prompts"] == ["Order a cake"]
    await town.graph("POST", f"{NUMBER}/settings", {"calling": {"status": "DISABLED"}})
    assert (await town.graph("GET", f"{NUMBER}/settings"))[1] == {"calling": {"status": "DISABLED"}}
    await town.graph("POST", f"{NUMBER}/username", {"username": "Bakery.Lumen"})
    assert (await town.graph("GET", f"{NUMBER}/username"))[1] == {"username": "bakery.lumen", "status": "approved"}


async def test_links_with_a_prefilled_text_are_made_changed_and_dropped(town):
    _, link = await town.graph("POST", f"{NUMBER}/message_qrdls", {"prefilled_message": "I want cake"})
    assert link["deep_link_url"].endswith(link["code"])
    await town.graph("POST", f"{NUMBER}/message_qrdls", {"prefilled_message": "Two cakes", "code": link["code"]})
    _, shown = await town.graph("GET", f"{NUMBER}/message_qrdls/{link['code']}")
    assert shown["data"][0]["prefilled_message"] == "Two cakes"
    assert (await town.graph("DELETE", f"{NUMBER}/message_qrdls/{link['code']}"))[1] == {"success": True}
    assert (await town.graph("GET", f"{NUMBER}/message_qrdls"))[1] == {"data": []}


async def test_only_people_who_wrote_today_can_be_blocked(town, dana):
    wish = {"messaging_product": "whatsapp", "block_users": [{"user": dana["phone"]}, {"user": "+15550000000"}]}
    status, answer = await town.graph("POST", f"{NUMBER}/block_users", wish)
    assert (status, answer["error"]["code"], len(answer["block_users"]["failed_users"])) == (400, 139100, 2)
    await town.says(dana, "Hi")
    status, answer = await town.graph("POST", f"{NUMBER}/block_users", wish)
    assert (status, len(answer["block_users"]["added_users"]), len(answer["block_users"]["failed_users"])) == (400, 1, 1)
    _, shown = await town.graph("GET", f"{NUMBER}/block_users")
    assert shown["data"][0]["block_users"][0]["wa_id"] == "15550007890"


async def test_stubs_say_what_they_are(town):
    assert (await town.graph("POST", f"{NUMBER}/calls", {}))[1]["error"]["code"] == 138000
    assert (await town.graph("POST", f"{WABA}/flows", {"name": "x", "categories": ["OTHER"]}))[1]["success"]
    _, session = await town.graph("POST", "sandbox/uploads?file_name=a.png&file_length=3&file_type=image/png", {})
    _, handle = await town.graph("POST", session["id"], data=b"png")
    assert handle["h"].startswith("4::")
