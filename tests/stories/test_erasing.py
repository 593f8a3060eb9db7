"""Dana asks to be erased: whatever of hers lies anywhere is gone, and Zoë's is where it was."""

import asyncio
from uuid import UUID

import pytest
from campaigning import Campaigns
from cast import until
from erasure import contact_of, erased, files_with, found, rows_with
from hook import late, rested
from made_files import opus
from meta import Meta, Names, counted, entry, said, value, webhook, words
from native import hire

from dragoman import app as program
from dragoman.conversations import erasing
from dragoman.ids import new_id

CANARY, ZOES = "quokka4711", "wombat4712"
PHONE = "15550007890"
PNG = b"\x89PNG\r\n\x1a\n"
PET = {"key": "pet", "type": "string", "initialValue": "", "whenToUpdate": "when the customer names a pet"}
RULE = {"description": "When somebody leaves an order open.", "enabled": True, "forceMessage": False}
SPEECH = {"transcriptionModel": "lab/ears", "speechModel": "lab/mouth", "replyWithVoice": "to_voice"}


async def employ(lumen, model):
    return await hire(lumen, model, memoryKeys=[PET], wakeUpConfigs=[RULE], native={"speech": SPEECH})


async def a_life(model, person, word):
    """The person tells the agent of a pet in every way there is, and the agent remembers, plans and answers by voice."""
    remember = {"tool": "remember", "args": {"key": "pet", "value": word}}
    plan = {"tool": "plan_follow_up", "args": {"rule": 1, "reason": f"ask after the {word}", "in_minutes": 600}}
    model.script = [[remember, plan], f"A {word}, how nice.", f"I heard the {word}.", f"I see the {word}."]
    model.transcript = f"my {word} again"
    await person.says(f"I have a {word}")
    await person.hears(1)
    await person.sends_file("audio", opus() + word.encode(), "audio/ogg", voice=True)
    await person.hears(2)
    await person.sends_file("image", PNG + word.encode() * 20, "image/png")
    await person.hears(3)


async def known_to_the_business(lumen, phone, word):
    """What else a business and WhatsApp leave behind: a name, an idempotent request, a webhook that was kept as it came."""
    contact = await contact_of(lumen)
    await lumen.call("PATCH", f"/contacts/{contact}/", {"name": f"Dana {word}"})
    opening = {"toNumber": phone, "fromNumber": "15550001234"}
    await lumen.call("POST", "/conversations/", opening, headers={"Idempotency-Key": "once"})
    await lumen.call("POST", "/contacts/", {"phoneNumber": phone}, headers={"Idempotency-Key": "twice"})
    await lumen.call("POST", "/contacts/", {"phoneNumber": "+15550005555"}, headers={"Idempotency-Key": "of Emil"})
    kept = {"wa_id": phone.strip("+"), "note": word}
    assert await Meta.of(lumen).posts(webhook(entry(value(kept, key="brand_new"), field="brand_new"))) == 200
    assert await found(lumen.services.db.fetch, "brand_new") == {"kept_events"}
    return contact


@pytest.fixture
async def lives(lumen, model, dana, zoe):
    """Dana's and Zoë's; the id of Dana's contact."""
    await employ(lumen, model)
    await a_life(model, dana, CANARY)
    await a_life(model, zoe, ZOES)
    await until(lambda: _settled(lumen), "every status is in")
    return await known_to_the_business(lumen, dana.person["phone"], CANARY)


async def kept_answers(fetch):
    return {row["key"] for row in await fetch("select key from idempotency_keys where response is not null")}


HOMES = {"contacts", "conversations", "messages", "media", "memories", "memory_changes", "tool_calls", "wakeups", "kept_events"}


async def test_nothing_of_dana_is_left_and_zoe_has_everything(lumen, dana, zoe, lives, tmp_path):
    fetch, media = lumen.services.db.fetch, tmp_path / "media"
    [conversation] = await fetch("select id from conversations where contact_id = %s", [lives])
    names = (CANARY, PHONE, dana.person["bsuid"])
    assert HOMES - {"conversations"} <= await found(fetch, *names)
    assert len(files_with(media, CANARY)) == 2
    zoes, files = await rows_with(fetch, ZOES), len(list(media.rglob("*.ogg")))
    assert set(zoes) >= HOMES - {"conversations", "kept_events", "contacts"}

    assert await kept_answers(fetch) == {"once", "twice", "of Emil"}

    report = await erased(lumen, lives)

    assert await kept_answers(fetch) == {"of Emil"}  # they are sealed: what they say is not found by a search
    assert await found(fetch, *names) == set()
    assert await found(fetch, lives, str(conversation["id"])) == {"erasures"}
    assert files_with(tmp_path, CANARY) == []
    assert len(list(media.rglob("*.ogg"))) == files - 1  # the answer that was spoken
    assert await rows_with(fetch, ZOES) == zoes
    assert len(files_with(media, ZOES)) == 2
    counts = report["erased"]
    assert (counts["messages"], counts["files"], counts["conversations"], counts["contacts"]) == (6, 2, 1, 1)
    assert counts["memories"] >= 2
    assert counts["followUps"] == 1
    assert report["contactId"] == lives
    assert (await lumen.get("/erasures/"))["results"] == [report]
    assert await lumen.post(f"/contacts/{lives}/erase/", expect=202) == report  # asked again
    assert (await lumen.call("GET", f"/contacts/{lives}/"))[0] == 404


async def test_a_webhook_of_an_erased_message_that_comes_again_is_taken_and_forgotten(lumen, echo, dana):
    await dana.says("Is there rye bread?")
    await dana.hears(1)
    meta, [sent] = Meta.of(lumen), await dana.heard()
    await until(lambda: _settled(lumen), "its statuses are in")
    deliveries = await lumen.control("GET", "/deliveries")
    await erased(lumen, await contact_of(lumen))

    for delivery in deliveries:
        assert (await lumen.control("POST", f"/deliveries/{delivery['id']}/repeat"))["status"] == 200
    played = {"id": sent["id"], "status": "played", "timestamp": str(int(lumen.services.clock.timestamp())), "recipient_id": PHONE}
    assert await meta.posts(webhook(entry(value(played, key="statuses")))) == 200
    assert await found(lumen.services.db.fetch, PHONE, "rye bread", dana.person["bsuid"], sent["id"]) == set()
    assert len(echo.deliveries) == 1

    await dana.says("Good morning!")
    assert (await dana.hears_text(2))[1] == "You said: Good morning!"
    assert [row["content"]["text"] for row in await lumen.rows("select content from messages where direction = 'in'")] == ["Good morning!"]


async def _settled(lumen):
    return not await lumen.rows("select 1 from messages where direction = 'out' and state not in ('delivered', 'read', 'played')")


async def test_an_agent_that_thinks_meanwhile_says_nothing(lumen, echo, dana, zoe):
    may = asyncio.Event()

    async def think(delivery):
        await may.wait()
        return {"content": f"You said: {delivery['message']} {CANARY}"}

    echo.answer = think
    await dana.says("Is there rye bread?")
    [delivery] = await echo.delivered(1)
    await erased(lumen, await contact_of(lumen))
    status, refused, _ = await late(lumen, delivery, {"content": f"Later: {CANARY}"})
    assert (status, refused["code"]) == (404, "not_found")
    may.set()
    await until(lambda: echo.in_flight == 0, "the agent has answered")
    await zoe.says("And you?")
    await zoe.hears(1)
    assert await dana.heard() == []
    assert await found(lumen.services.db.fetch, PHONE, "rye bread", dana.person["bsuid"]) == set()
    assert await lumen.rows("select from deliveries where response_head like '%%rye%%'") == []


async def test_a_message_that_is_being_sent_meanwhile_leaves_nothing(lumen, echo, dana, zoe):
    """WhatsApp has it, and its answer comes when nobody asks for it any more; so do its statuses, which carry our attempt."""
    await lumen.fault(on="send", action="delay", delay_seconds=3600, times=1)
    await dana.says("Is there rye bread?")
    [attempt] = await until(lambda: lumen.rows("select id from send_attempts where outcome is null"), "it is being sent")
    await erased(lumen, await contact_of(lumen))
    await lumen.skip(hours=2)
    await dana.hears(1)
    late_status = {
        "id": "wamid.late",
        "status": "read",
        "timestamp": "1",
        "recipient_id": PHONE,
        "biz_opaque_callback_data": str(attempt["id"]),
    }
    assert await Meta.of(lumen).posts(webhook(entry(value(late_status, key="statuses")))) == 200
    await zoe.says("And you?")
    await zoe.hears(1)
    await rested(lumen)
    assert await found(lumen.services.db.fetch, PHONE, "rye bread", dana.person["bsuid"], "wamid.late") == set()


async def test_a_file_that_is_being_fetched_meanwhile_is_not_kept(lumen, echo, dana, tmp_path):
    await lumen.fault(on="media_download", action="delay", delay_seconds=3600, times=1)
    before = await counted(lumen, 'dragoman_media_fetched_total{outcome="ready"}')
    await dana.sends_file("image", PNG + CANARY.encode(), "image/png")
    await until(lambda: _hit(lumen), "the file is being fetched")
    await erased(lumen, await contact_of(lumen))
    await lumen.skip(hours=2)
    await until(lambda: _fetched(lumen, before + 1), "the file has come, and was stored")
    await until(lambda: not files_with(tmp_path, CANARY), "it is gone again")


async def _hit(lumen):
    return all(fault["hits"] for fault in await lumen.control("GET", "/faults"))


async def _fetched(lumen, count):
    return await counted(lumen, 'dragoman_media_fetched_total{outcome="ready"}') >= count


@pytest.mark.parametrize("known", [True, False], ids=["in her conversation", "in her first one"])
async def test_who_writes_while_being_erased_is_somebody_new(lumen, dana, known):
    """The webhook waits for the erasure, and what it says is neither lost nor in the hands of one who is gone."""
    services, meta = lumen.services, Meta.of(lumen)
    names = Names(PHONE, dana.person["bsuid"], "Dana")
    if known:
        await dana.says("Hello")
        old = await contact_of(lumen)
    else:
        old = (await lumen.post("/contacts/", {"phoneNumber": f"+{PHONE}"}))["id"]
    async with services.db.transaction() as connection:
        await erasing._erase(
            connection, services.vault, lumen.organisation_id, UUID(old), erasing.Known(new_id(), UUID(old), services.clock.now())
        )
        posting = asyncio.create_task(meta.posts(words(said(lumen, "wamid.new", "I am here", names), people=[names])))
        await until(lambda: lumen.rows("select 1 from pg_locks where not granted"), "the webhook waits")
    assert await posting == 200
    [new] = await lumen.rows(
        "select c.contact_id, m.content ->> 'text' as text from messages m join conversations c on c.id = m.conversation_id"
    )
    assert new["text"] == "I am here"
    assert str(new["contact_id"]) != old
    assert await lumen.rows("select from kept_events") == []


async def test_a_model_that_thinks_meanwhile_leaves_only_what_it_cost(lumen, model, dana):
    await employ(lumen, model)
    may, asked = asyncio.Event(), asyncio.Event()

    async def think(request):
        asked.set()
        await may.wait()
        return {"tool": "remember", "args": {"key": "pet", "value": CANARY}}

    model.script = [think, f"A {CANARY}!", f"A {CANARY}!"]
    await dana.says(f"I have a {CANARY}")
    await asked.wait()
    await erased(lumen, await contact_of(lumen))
    may.set()
    await until(lambda: lumen.rows("select 1 from generations"), "what it cost is written down")
    await until(lambda: model.in_flight == 0, "the model rests")
    assert await dana.heard() == []
    assert await found(lumen.services.db.fetch, CANARY, PHONE) == set()
    spent = await lumen.rows("select contact_id, conversation_id, turn_id, response, prompt_tokens > 0 as paid from generations")
    assert [tuple(row.values()) for row in spent] == [(None, None, None, None, True)] * len(spent)


async def test_a_stop_outlives_the_person_and_no_campaign_writes_again(lumen, model, dana, zoe):
    campaigns = await Campaigns.of(lumen, model)
    model.answer = "Good bye."
    await dana.says("Hello")
    await dana.hears(1)
    await dana.says("STOP")
    await until(lambda: lumen.rows("select 1 from contacts where opted_out_at is not null"), "she has said it")
    await erased(lumen, await contact_of(lumen))
    assert await found(lumen.services.db.fetch, PHONE, dana.person["bsuid"]) == set()

    campaign = await campaigns.create([dana])
    await campaigns.counts(campaign, skipped=1)
    await dana.says("START")
    await until(lambda: lumen.rows("select 1 from contacts where phone = %(phone)s and opted_out_at is null", phone=PHONE), "she wants to")
    assert (
        await lumen.rows("select from erased_stops where reference = any(select unnest(names) from erasures) and suppressed_at is not null")
        == []
    )


async def test_the_list_of_the_business_outlives_the_person_too(lumen, model, dana):
    campaigns = await Campaigns.of(lumen, model)
    customer = await campaigns.name(dana)
    await campaigns.second.call("POST", "/_campaign/suppressions", {"phones": [dana.person["phone"]], "reason": f"asked by {CANARY}"})
    await erased(lumen, customer)
    assert await found(lumen.services.db.fetch, PHONE, CANARY) == set()
    campaign = await campaigns.create([dana])
    await campaigns.counts(campaign, skipped=1)


async def test_a_campaign_counts_as_before(lumen, model, dana, zoe):
    campaigns = await Campaigns.of(lumen, model)
    model.answer = "You are welcome."
    customer = await campaigns.name(dana)
    campaign = await campaigns.create([dana], variables=[{"pet": CANARY}])
    await dana.hears(1)
    await campaigns.counts(campaign, delivered=1)
    await dana.says("Thank you")
    await dana.hears(2)
    before = await campaigns.counts(campaign, replied=1)
    await erased(lumen, customer)
    assert await campaigns.counts(campaign) == before
    assert await found(lumen.services.db.fetch, CANARY, PHONE) == set()
    [recipient] = await campaigns.recipients(campaign)
    assert (recipient["given"], recipient["customer_id"], recipient["name"]) == ("", None, None)


@pytest.mark.parametrize("role", ["web"])
async def test_what_a_crash_left_undone_is_done_by_the_job(lumen, echo, dana, tmp_path):
    """The rows are gone with the answer; the files wait for whoever does jobs."""
    async with program.running(lumen.services.settings, lumen.services.clock, "worker"):
        await dana.sends_file("image", PNG + CANARY.encode(), "image/png")
        await dana.hears(1)
    asked = await lumen.post(f"/contacts/{await contact_of(lumen)}/erase/", expect=202)
    assert asked["finishedAt"] is None
    assert await found(lumen.services.db.fetch, PHONE) == set()
    assert len(files_with(tmp_path / "media", CANARY)) == 1
    async with program.running(lumen.services.settings, lumen.services.clock, "worker"):
        await until(lambda: not files_with(tmp_path / "media", CANARY), "the file is gone")
        await until(lambda: _finished(lumen, asked), "it is finished")


async def _finished(lumen, asked):
    return (await lumen.get(f"/erasures/{asked['id']}/"))["finishedAt"]


async def test_names_of_before_lead_to_the_person(lumen, meta_of_two, dana):
    first, second = meta_of_two
    report = await erased(lumen, second)
    assert report["erased"]["contacts"] == 2
    assert (await lumen.call("GET", f"/contacts/{first}/"))[0] == 404
    assert await found(lumen.services.db.fetch, "15550009999", PHONE) == set()


@pytest.fixture
async def meta_of_two(lumen, dana):
    """Dana under two names that turned out to be one person: the contact that was kept, and the other."""
    meta = Meta.of(lumen)
    by_phone = await lumen.post("/contacts/", {"phoneNumber": "+15550009999"})
    alone = Names(None, "US.13491200000000000999", "Dana")
    both = Names("15550009999", "US.13491200000000000999", "Dana")
    for wamid, names in (("wamid.one", alone), ("wamid.two", both)):
        assert await meta.posts(webhook(entry(value(said(lumen, wamid, "Hello", names), people=[names])))) == 200
    [kept] = await lumen.rows("select kept_id from contact_merges")
    return str(kept["kept_id"]), by_phone["id"]
