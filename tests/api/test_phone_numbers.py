"""Who answers on Bakery Lumen's number."""

from datetime import timedelta
from uuid import uuid4

import pytest
from tests.api.story import Story

PATH = "/phone-numbers/15550001234/"


@pytest.fixture
async def number(lumen):
    return await lumen.add_number(name="Lumen")


@pytest.fixture
def story(services, clock, lumen):
    return Story(services.db, clock, lumen.organisation_id)


async def test_a_number_is_listed_in_a_bare_array(lumen, number):
    (shown,) = (await lumen.get("/phone-numbers/")).body
    assert shown == {
        "id": str(number.id),
        "number": "15550001234",
        "whatsappPhoneNumberId": "106540352242922",
        "whatsappBusinessAccount": {"id": "102290129340398", "name": "Lumen", "waId": "102290129340398"},
        "activeAgent": None,
        "defaultRouting": None,
        "defaultWebhook": None,
        "isSandbox": False,
        "delivery": {"perSecond": 80, "pausedReason": None, "pausedUntil": None, "statusesMissingSince": None},
    }
    assert (await lumen.get(PATH)).body == shown


@pytest.mark.parametrize("written", ["15550001234", "+15550001234", "%2B15550001234", "+1-555-000-1234"])
async def test_a_number_is_found_however_it_is_written(lumen, number, written):
    assert (await lumen.get(f"/phone-numbers/{written}/"))["id"] == str(number.id)


@pytest.mark.parametrize("unknown", ["15550009999", "abc", "+", "1" * 400])
async def test_an_unknown_number_is_not_found(lumen, number, unknown):
    assert (await lumen.get(f"/phone-numbers/{unknown}/")).status == 404


async def test_a_sandbox_number_says_so(lumen):
    await lumen.add_number(is_sandbox=True)
    shown = await lumen.get(PATH)
    assert (shown["isSandbox"], shown["defaultRouting"], shown["whatsappBusinessAccount"]) == (True, "sandbox", None)


async def test_an_agent_is_connected_to_a_number(lumen, number):
    echo = await lumen.echo()
    await lumen.patch(f"/agents/{echo['id']}/", {"icebreakers": ["Menu?"]})

    connected = await lumen.post(PATH + "connect-agent/", {"agentId": echo["id"]})

    assert connected.status == 200
    assert connected["activeAgent"] == {"id": echo["id"], "name": "Echo", "icebreakers": ["Menu?"]}
    assert connected["defaultRouting"] == "agent"
    assert (await lumen.get(PATH)).body == connected.body
    assert (await lumen.get(f"/agents/{echo['id']}/"))["phoneNumbers"] == [
        {
            "whatsappPhoneNumberId": "106540352242922",
            "whatsappBusinessAccountId": "102290129340398",
            "wabaId": "102290129340398",
            "phoneNumber": "15550001234",
        }
    ]


async def test_a_native_agent_is_connected_like_any_other(lumen, number):
    baker = await lumen.post("/agents/", {"name": "Baker"})
    connected = await lumen.post(PATH + "connect-agent/", {"agentId": baker["id"]})
    assert (connected.status, connected["activeAgent"]["name"]) == (200, "Baker")


@pytest.mark.parametrize("sent", [{}, {"agentId": "echo"}, {"agentId": None}, {"agentId": str(uuid4()), "webhookId": "x"}, None])
async def test_connecting_needs_an_agent(lumen, number, sent):
    assert (await lumen.post(PATH + "connect-agent/", sent)).status == 400
    assert (await lumen.post(PATH + "unsubscribe/", {"applyToExisting": 0})).status == 400


async def test_an_agent_of_another_organisation_is_not_connected(lumen, rival, number):
    echo = await rival.echo()
    assert (await lumen.post(PATH + "connect-agent/", {"agentId": echo["id"]})).status == 404
    assert (await lumen.get(PATH))["activeAgent"] is None


@pytest.fixture
async def talk(story, number, lumen, clock):
    """Dana is in the middle of a talk with Echo, who is thinking."""
    echo = await lumen.echo()
    await lumen.post(PATH + "connect-agent/", {"agentId": echo["id"]})
    dana = await story.contact()
    turn_id, now = uuid4(), clock.now()
    chat = await story.put(
        "conversations",
        number_id=number.id,
        contact_id=dana,
        agent_id=echo["id"],
        owner="agent",
        last_seq=1,
        wanted_seq=1,
        turn_id=turn_id,
        think_at=now,
        created_at=now,
        updated_at=now,
    )
    await story.put(
        "turns",
        id=turn_id,
        conversation_id=chat,
        agent_id=echo["id"],
        epoch=0,
        from_seq=1,
        through_seq=1,
        callback_hash=turn_id.bytes,
        callback_until=now + timedelta(hours=24),
        opened_at=now,
    )
    return echo, chat, turn_id


async def conversation(services):
    return await services.db.fetch_one("select * from conversations")


async def turn(services):
    return await services.db.fetch_one("select state, cause, closed_at from turns")


async def test_existing_conversations_start_afresh_with_the_new_agent(lumen, talk, services):
    other = await lumen.echo(name="Second Echo")

    await lumen.post(PATH + "connect-agent/", {"agentId": other["id"]})

    chat = await conversation(services)
    assert (str(chat["agent_id"]), chat["owner"], chat["epoch"], chat["turn_id"]) == (other["id"], "agent", 1, None)
    assert (chat["think_at"], chat["answered_seq"]) == (None, 1)
    closed = await turn(services)
    assert (closed["state"], closed["cause"]) == ("discarded", "the number was connected to another agent")
    assert closed["closed_at"] is not None


async def test_existing_conversations_can_be_left_alone(lumen, talk, services):
    echo, _, turn_id = talk
    other = await lumen.echo(name="Second Echo")

    await lumen.post(PATH + "connect-agent/", {"agentId": other["id"], "applyToExisting": False})

    chat = await conversation(services)
    assert (str(chat["agent_id"]), chat["epoch"], chat["turn_id"]) == (echo["id"], 0, turn_id)
    assert (await lumen.get(PATH))["activeAgent"]["id"] == other["id"]


async def test_connecting_the_same_agent_again_disturbs_nobody(lumen, talk, services):
    echo, _, turn_id = talk
    await lumen.post(PATH + "connect-agent/", {"agentId": echo["id"]})
    chat = await conversation(services)
    assert (chat["epoch"], chat["turn_id"]) == (0, turn_id)


async def test_after_unsubscribe_nobody_answers(lumen, talk, services):
    freed = await lumen.post(PATH + "unsubscribe/")
    assert (freed.status, freed["activeAgent"], freed["defaultRouting"]) == (200, None, None)
    chat = await conversation(services)
    assert (chat["agent_id"], chat["owner"], chat["epoch"]) == (None, "nobody", 1)
    assert (await turn(services))["state"] == "discarded"


async def test_unsubscribe_may_leave_conversations_alone(lumen, talk, services):
    echo, *_ = talk
    assert (await lumen.post(PATH + "unsubscribe/", {"applyToExisting": False})).status == 200
    assert str((await conversation(services))["agent_id"]) == echo["id"]


async def test_a_deleted_agent_stops_in_the_middle_of_a_talk(lumen, talk, services):
    echo, *_ = talk
    await lumen.delete(f"/agents/{echo['id']}/")
    chat = await conversation(services)
    assert (chat["agent_id"], chat["owner"], chat["turn_id"]) == (None, "nobody", None)
    assert (await turn(services))["cause"] == "the agent was deleted"


async def test_a_paused_number_says_why(lumen, number, services):
    await services.db.execute("update numbers set paused_reason = 'the access token has expired; add the number again with a new one'")
    assert "access token" in (await lumen.get(PATH))["delivery"]["pausedReason"]
