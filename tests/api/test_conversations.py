"""Bakery Lumen looks at its conversations."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from tests.api.story import DANA_BSUID, LUMEN_NUMBER


async def another_chat(story, bakery, name, phone, **values):
    contact = await story.contact(name, phone=phone)
    return await story.conversation(bakery.number, contact, agent_id=bakery.echo, **values)


def ids(page):
    return [conversation["id"] for conversation in page["results"]]


async def test_a_conversation_shows_who_talks_where_with_whom(lumen, story, bakery, clock):
    await story.hears(bakery.chat, "Do you have rye bread?")
    clock.advance(timedelta(hours=1))

    shown = await lumen.get(f"/conversations/{bakery.chat}/")

    assert shown.status == 200
    assert shown["contact"] == {
        "id": str(bakery.dana),
        "phoneNumber": "15550007890",
        "name": "Dana",
        "username": None,
        "userId": DANA_BSUID,
        "optedOutAt": None,
    }
    assert shown["activeAgent"] == {"id": str(bakery.echo), "name": "Echo"}
    assert shown["whatsappNumber"] == {"id": str(bakery.number), "number": LUMEN_NUMBER, "isSandbox": False}
    assert shown["active"] is True
    assert 23 * 3600 - 60 < shown["chatWindowRemainingTime"] <= 23 * 3600
    assert (shown["lastMessage"]["type"], shown["lastMessage"]["body"], shown["lastMessage"]["role"]) == (
        "text",
        "Do you have rye bread?",
        "user",
    )
    assert (shown["routing"], shown["routingOverride"], shown["webhookId"]) == ("agent", False, None)
    assert shown["isHumanTakeover"] is False
    assert shown["owner"] == {"kind": "agent", "epoch": 0, "until": None}
    assert shown["hasUnread"] is True
    nothing_yet = ("latestReferral", "activeSupportHandoff", "shopifyCustomer")
    assert [shown[name] for name in nothing_yet] == [None, None, None]
    assert shown["supportHandoffs"] == []


async def test_a_conversation_closes_24_hours_after_the_last_word_of_the_customer(lumen, story, bakery, clock):
    await story.hears(bakery.chat, "Do you have rye bread?")
    clock.advance(timedelta(hours=23))
    await story.says(bakery.chat, "Yes, until noon.")
    clock.advance(timedelta(hours=1, seconds=1))

    shown = await lumen.get(f"/conversations/{bakery.chat}/")

    assert shown["active"] is False
    assert shown["chatWindowRemainingTime"] == 0
    assert shown["lastMessage"]["role"] == "assistant"


async def test_a_conversation_in_which_nothing_was_said_is_closed_and_has_no_last_message(lumen, bakery):
    shown = await lumen.get(f"/conversations/{bakery.chat}/")

    assert (shown["active"], shown["chatWindowRemainingTime"], shown["lastMessage"]) == (False, 0, None)


async def test_a_discarded_answer_is_not_the_last_message(lumen, story, bakery):
    await story.hears(bakery.chat, "Do you have rye bread?")
    await story.says(bakery.chat, "Too late", state="discarded")

    assert (await lumen.get(f"/conversations/{bakery.chat}/"))["lastMessage"]["body"] == "Do you have rye bread?"


@pytest.mark.parametrize(
    ("columns", "routing", "override"),
    [
        ({}, "agent", False),
        ({"routing": "agent"}, "agent", False),
        ({"routing": None, "routing_override": True}, None, True),
        ({"routing": "webhook", "routing_override": True}, "webhook", True),
    ],
)
async def test_the_routing_of_a_conversation_goes_before_that_of_its_number(lumen, story, bakery, columns, routing, override):
    chat = await another_chat(story, bakery, "Noor", "15550007891", **columns)

    shown = await lumen.get(f"/conversations/{chat}/")

    assert (shown["routing"], shown["routingOverride"]) == (routing, override)


async def test_the_sandbox_always_routes_as_sandbox(lumen, story, bakery):
    sandbox = await story.number("15550009999", agent_id=bakery.echo, is_sandbox=True)
    chat = await story.conversation(sandbox, bakery.dana, agent_id=bakery.echo)

    shown = await lumen.get(f"/conversations/{chat}/")

    assert shown["routing"] == "sandbox"
    assert shown["whatsappNumber"]["isSandbox"] is True


@pytest.mark.parametrize(
    ("owner", "human"), [("agent", False), ("person", True), ("phone_app", True), ("webhook", False), ("nobody", False)]
)
async def test_a_take_over_is_seen_in_the_owner(lumen, story, bakery, clock, owner, human):
    until = clock.now() + timedelta(minutes=30)
    chat = await another_chat(story, bakery, "Noor", "15550007891", owner=owner, epoch=3, handback_at=until if human else None)

    shown = await lumen.get(f"/conversations/{chat}/")

    assert shown["isHumanTakeover"] is human
    assert (shown["owner"]["kind"], shown["owner"]["epoch"], shown["owner"]["until"] is not None) == (owner, 3, human)


async def test_a_deleted_agent_is_no_longer_active(lumen, story, bakery):
    await story.database.execute("update agents set deleted_at = now()")

    assert (await lumen.get(f"/conversations/{bakery.chat}/"))["activeAgent"] is None


async def test_the_ad_a_customer_came_from_is_shown(lumen, story, bakery):
    chat = await another_chat(story, bakery, "Noor", "15550007891", referral={"source_type": "ad", "headline": "Fresh rye"})

    assert (await lumen.get(f"/conversations/{chat}/"))["latestReferral"]["headline"] == "Fresh rye"


async def test_conversations_come_newest_word_first(lumen, story, bakery, clock):
    noor = await another_chat(story, bakery, "Noor", "15550007891")
    for chat in (bakery.chat, noor, bakery.chat):
        clock.advance(timedelta(minutes=1))
        await story.hears(chat, "Hello?")

    assert ids(await lumen.get("/conversations/")) == [str(bakery.chat), str(noor)]
    assert ids(await lumen.get("/conversations/?ordering=last_message_time")) == [str(noor), str(bakery.chat)]
    assert ids(await lumen.get("/conversations/?ordering=created_at")) == [str(bakery.chat), str(noor)]
    assert ids(await lumen.get("/conversations/?ordering=-created_at")) == [str(noor), str(bakery.chat)]
    assert ids(await lumen.get("/conversations/?ordering=updated_at")) == [str(noor), str(bakery.chat)]
    assert ids(await lumen.get("/conversations/?ordering=-updated_at")) == [str(bakery.chat), str(noor)]


async def test_conversations_come_in_pages(lumen, story, bakery, clock):
    chats = [bakery.chat]
    for last in range(4):
        clock.advance(timedelta(minutes=1))
        chats.append(await another_chat(story, bakery, f"Guest {last}", f"1555000789{last + 1}"))
    for chat in chats:
        clock.advance(timedelta(minutes=1))
        await story.hears(chat, "Hello?")

    seen, page = [], await lumen.get("/conversations/?limit=2&status=active")
    assert (page["count"], page["previous"]) == (5, None)
    while True:
        seen += ids(page)
        if page["next"] is None:
            break
        address = page["next"].removeprefix("https://dragoman.example/api/v1")
        assert "status=active" in address
        page = await lumen.get(address)

    assert seen == [str(chat) for chat in reversed(chats)]
    past_the_end = await lumen.get("/conversations/?offset=100")
    assert (past_the_end["count"], past_the_end["results"]) == (5, [])


class TestFilters:
    @pytest.fixture
    async def noor(self, story, bakery, clock):
        """Dana wrote two days ago, Noor an hour ago, on another number and with another agent; Noor's words were read."""
        await story.hears(bakery.chat, "Hello?")
        clock.advance(timedelta(hours=47))
        second_agent = await story.agent("Oven")
        number = await story.number("4930123456", agent_id=second_agent)
        contact = await story.contact("Noor", phone="15550007891")
        chat = await story.conversation(number, contact, agent_id=second_agent)
        await story.hears(chat, "Hi!")
        await story.database.execute("update conversations set unread = 0 where id = %s", [chat])
        clock.advance(timedelta(hours=1))
        return SimpleNamespace(agent=second_agent, contact_id=contact, chat_id=str(chat))

    async def test_by_agent(self, lumen, bakery, noor):
        assert ids(await lumen.get(f"/conversations/?agent={noor.agent}")) == [noor.chat_id]
        assert ids(await lumen.get(f"/conversations/?agent={bakery.echo}")) == [str(bakery.chat)]

    async def test_by_contact(self, lumen, noor):
        assert ids(await lumen.get(f"/conversations/?contact={noor.contact_id}")) == [noor.chat_id]

    @pytest.mark.parametrize("part", ["4930", "3012", "%2B49%2030%20123", "4930123456"])
    async def test_by_a_part_of_our_number(self, lumen, noor, part):
        assert ids(await lumen.get(f"/conversations/?whatsappNumber={part}")) == [noor.chat_id]

    @pytest.mark.parametrize("part", ["999", "%25", "_", "'; drop table conversations; --"])
    async def test_a_number_that_is_not_ours_finds_nothing(self, lumen, noor, part):
        page = await lumen.get(f"/conversations/?whatsappNumber={part}")
        assert (page.status, page["count"]) == (200, 0)

    async def test_by_the_window(self, lumen, bakery, noor):
        assert ids(await lumen.get("/conversations/?status=active")) == [noor.chat_id]
        assert ids(await lumen.get("/conversations/?status=closed")) == [str(bakery.chat)]

    async def test_by_unread_words(self, lumen, bakery, noor):
        assert ids(await lumen.get("/conversations/?hasUnread=true")) == [str(bakery.chat)]
        assert ids(await lumen.get("/conversations/?hasUnread=false")) == [noor.chat_id]

    async def test_by_the_time_of_the_last_message(self, lumen, bakery, noor, clock):
        yesterday = (clock.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")

        for spelling in (yesterday, yesterday + "Z", yesterday + "%2B00:00"):
            assert ids(await lumen.get(f"/conversations/?lastMessageAfter={spelling}")) == [noor.chat_id]
            assert ids(await lumen.get(f"/conversations/?lastMessageBefore={spelling}")) == [str(bakery.chat)]

    async def test_all_together(self, lumen, noor):
        both = f"agent={noor.agent}&contact={noor.contact_id}&whatsappNumber=49&status=active&hasUnread=false&ordering=-updated_at"

        assert ids(await lumen.get(f"/conversations/?{both}&limit=1")) == [noor.chat_id]
        assert ids(await lumen.get(f"/conversations/?{both}&hasUnread=true")) == []

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("agent=echo", "agent"),
            ("contact=1", "contact"),
            ("status=open", "status"),
            ("hasUnread=perhaps", "hasUnread"),
            ("lastMessageAfter=yesterday", "lastMessageAfter"),
            ("lastMessageAfter=1767225600", "lastMessageAfter"),
            ("lastMessageBefore=0.5", "lastMessageBefore"),
            ("ordering=name", "ordering"),
            ("ordering=id;drop", "ordering"),
            ("limit=0", "limit"),
            ("offset=-1", "offset"),
        ],
    )
    async def test_a_filter_that_makes_no_sense_is_named(self, lumen, query, field):
        refused = await lumen.get(f"/conversations/?{query}")

        assert (refused.status, refused["code"], refused["field"]) == (400, "invalid", field)


async def test_a_conversation_is_seen_by_its_own_business_only(lumen, rival, story, bakery):
    await story.hears(bakery.chat, "Do you have rye bread?")

    assert (await rival.get("/conversations/"))["count"] == 0
    for path in ("", "messages/", "timeline/"):
        refused = await rival.get(f"/conversations/{bakery.chat}/{path}")
        assert (refused.status, refused["code"]) == (404, "not_found")
    assert (await rival.get(f"/conversations/?agent={bakery.echo}&contact={bakery.dana}"))["count"] == 0


@pytest.mark.parametrize("path", ["", "messages/", "timeline/"])
@pytest.mark.parametrize("nothing", ["1b4e28ba-2fa1-41d2-883f-0016d3cca427", "15550007890", "null"])
async def test_an_id_without_a_conversation_is_a_404(lumen, nothing, path):
    refused = await lumen.get(f"/conversations/{nothing}/{path}")

    assert (refused.status, refused["code"]) == (404, "not_found")
