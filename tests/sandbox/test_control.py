"""The control API and the page's address: what they take, what they refuse, and what survives a restart."""

import stat

from business import NUMBER


async def test_the_state_shows_the_clock_the_numbers_and_the_people(town, dana):
    state = await town.control("GET", "/state")
    assert [number["phone_number_id"] for number in state["numbers"]] == [NUMBER]
    assert state["numbers"][0]["display_number"] == "+15550001234"
    assert state["people"] == [dana]
    moved = await town.control("POST", "/clock", {"advance_seconds": 90000})
    assert moved["offset_seconds"] == 90000
    assert moved["now"] >= state["now"] + 90000
    for seconds in (-1, 1e12):
        assert (await town.control("POST", "/clock", {"advance_seconds": seconds}, expect=400))["field"] == "advance_seconds"


async def test_people_are_made_one_by_one_or_many_at_once_and_are_unlike_each_other(town, dana):
    many = await town.control("POST", "/people", [{"name": f"Guest {n}"} for n in range(50)])
    assert len({person["phone"] for person in many} | {person["bsuid"] for person in many}) == 100
    taken = await town.control("POST", "/people", {"name": "Dana again", "phone": "1 555 000 7890"}, expect=409)
    assert taken["code"] == "phone_taken"
    assert await town.control("GET", f"/people/{dana['id']}") == dana
    assert (await town.control("GET", "/people/nobody", expect=404))["code"] == "not_found"
    assert len(await town.control("GET", "/people")) == 51


async def test_a_wrong_request_says_what_is_wrong(town, dana):
    say = f"/people/{dana['id']}/messages"
    assert "txt" in (await town.control("POST", say, {"txt": "Hi"}, expect=400))["error"]
    assert (await town.control("POST", say, {}, expect=400))["field"] == "text"
    assert (await town.control("POST", say, {"type": "video"}, expect=400))["field"] == "media_base64"
    assert (await town.control("POST", say, {"type": "image", "media_base64": "%"}, expect=400))["field"] == "media_base64"
    assert (await town.control("POST", say, {"type": "image", "media_base64": "AA=="}, expect=400))["field"] == "mime_type"
    assert (await town.control("POST", say, {"text": "Hi", "number": "1"}, expect=404))["code"] == "not_found"
    assert (await town.control("GET", "/ledger?after=x", expect=400))["field"] == "after"


async def test_a_page_from_elsewhere_cannot_play_with_the_sandbox(town):
    elsewhere = {"Origin": "https://evil.example"}
    async with town.web.post(f"{town.origin}/control/people", json={"name": "Eve"}, headers=elsewhere) as answer:
        assert answer.status == 403
    async with town.web.post(f"{town.origin}/control/people", data='{"name": "Eve"}', headers={"Content-Type": "text/plain"}) as answer:
        assert answer.status == 400
    async with town.web.post(f"{town.origin}/control/people", json={"name": "Dana"}, headers={"Origin": town.origin}) as answer:
        assert answer.status == 201


async def test_the_page_comes_with_a_strict_policy(town):
    async with town.web.get(f"{town.origin}/phone?person=p1") as page:
        assert (page.status, page.content_type) == (200, "text/html")
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert page.headers["X-Content-Type-Options"] == "nosniff"
    async with town.web.get(f"{town.origin}/static/js/phone.js") as script:
        assert "default-src 'self'" in script.headers["Content-Security-Policy"]
    async with town.web.get(f"{town.origin}/static/%2e%2e/app.py") as other:
        assert other.status == 404


async def test_a_chat_shows_the_newest_messages_or_what_follows_one(town, dana):
    wamids = [await town.says(dana, str(n)) for n in range(5)]
    chat = await town.control("GET", f"/people/{dana['id']}/chat?limit=2")
    assert [message["text"] for message in chat["messages"]] == ["3", "4"]
    chat = await town.control("GET", f"/people/{dana['id']}/chat?after={wamids[3]}")
    assert [message["text"] for message in chat["messages"]] == ["4"]
    assert chat["window_until"] > town.clock.timestamp() + 86000


async def test_the_world_survives_a_restart(open_town, lumen, tmp_path):
    file = tmp_path / "world.json"
    town = await open_town(state_file=file)
    dana = await town.person("Dana", phone="+15550007890")
    picture = await town.says(dana, type="image", caption="Look")
    lumen.answers = [503] * 100
    waiting = await town.says(dana, "Is anybody there?")
    sent = await town.text("Yes")
    await town.close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    lumen.answers = []
    again = await open_town(state_file=file)
    chat = await again.chat(dana)
    assert [message["id"] for message in chat["messages"]] == [picture, waiting, sent]
    async with again.web.get(f"{again.origin}{chat['messages'][0]['media']['url']}") as shown:
        assert shown.status == 200
    again.later(hours=1)
    await lumen.message(waiting)
    await lumen.status("delivered", sent)
    assert (await again.says(dana, "Thanks")) not in (picture, waiting, sent)


async def test_two_worlds_do_not_share_message_ids(open_town, lumen):
    first = await open_town()
    dana = await first.person("Dana", phone="+15550007890")
    early = [await first.says(dana, "Hi") for _ in range(3)]
    await first.close()
    first.later(seconds=1)
    second = await open_town()
    dana = await second.person("Dana", phone="+15550007890")
    assert not set(early) & {await second.says(dana, "Hi") for _ in range(3)}
