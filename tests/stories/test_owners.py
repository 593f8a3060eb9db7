"""Who answers: the agent, the staff with the Business app in hand, another agent, nobody."""

import asyncio

from cast import Agent, until
from stage import serving
from till import SECOND, SECOND_DISPLAY, acts, conversation_id, in_state, sends, taken, the, told, written

HELLO = "You said: Hello"


def asked(agent):
    return [delivery["message"] for delivery in agent.deliveries]


async def staff_writes(lumen, person, text, **more):
    """Somebody of Lumen answers from the WhatsApp Business app on the shop's phone."""
    return (await lumen.control("POST", "/staff/messages", {"person": person.id, "text": text, **more}))["id"]


async def owner(lumen, kind, name="Dana"):
    async def look():
        conversation = await lumen.conversation(name)
        return conversation if conversation["owner"]["kind"] == kind else None

    return await until(look, f"the thread is with {kind}")


async def stored(lumen, count):
    """Wait until customers have said `count` things."""

    async def look():
        return len(await lumen.rows("select id from messages where direction = 'in'")) == count

    await until(look, f"{count} messages are stored")


async def test_staff_that_answers_from_the_phone_is_shown_and_pauses_the_agent(lumen, echo, dana):
    await dana.says("one")
    await dana.hears()
    wamid = await staff_writes(lumen, dana, "Lou here, from the shop")
    conversation = await owner(lumen, "phone_app")
    assert conversation["isHumanTakeover"] is True
    shown = (await lumen.messages())[-1]
    assert (shown["role"], shown["source"], shown["text"]["body"]) == ("assistant", "phone_app", "Lou here, from the shop")
    assert shown["delivery"]["waId"] == wamid
    await dana.says("two")
    await stored(lumen, 2)
    await acts(lumen, "handback")
    await dana.says("three")
    await echo.delivered(2)
    assert asked(echo) == ["one", "three"]
    assert ("Someone in the WhatsApp Business app wrote: “Lou here, from the shop”", None) in await told(lumen, "message_written")
    assert ("Someone answered in the WhatsApp Business app; Echo is paused.", None) in await told(lumen, "owner_changed")
    assert "Lou here, from the shop" not in await taken(lumen)  # it is told, not sent again


async def test_the_agent_comes_back_twelve_hours_after_the_last_word_of_the_staff(lumen, echo, dana):
    await dana.says("one")
    await dana.hears()
    await staff_writes(lumen, dana, "Lou here")
    first = await owner(lumen, "phone_app")
    await lumen.skip(hours=11)
    await staff_writes(lumen, dana, "Still Lou")

    async def prolonged():
        return (await lumen.conversation())["owner"]["until"] > first["owner"]["until"]

    await until(prolonged, "the pause is longer")
    assert (await lumen.conversation())["owner"]["epoch"] == first["owner"]["epoch"]
    await lumen.skip(hours=11)
    await dana.says("two")
    await stored(lumen, 2)
    assert (await lumen.conversation())["owner"]["kind"] == "phone_app"
    await lumen.skip(hours=1, minutes=1)
    await owner(lumen, "agent")
    await dana.says("three")
    await echo.delivered(2)
    assert asked(echo) == ["one", "three"]


async def test_staff_that_answers_while_the_agent_thinks_comes_first(lumen, echo, dana):
    thought = asyncio.Event()

    async def late(delivery):
        await thought.wait()
        return {"content": f"You said: {delivery['message']}"}

    echo.script = [late]
    await dana.says("Hello")
    await echo.delivered()
    await staff_writes(lumen, dana, "Lou here")
    await owner(lumen, "phone_app")
    thought.set()
    assert (await in_state(lumen, HELLO, "discarded"))["cause"] == "the thread changed hands while the agent was thinking"
    assert await lumen.ledger() == []


async def test_a_reply_that_waits_is_dropped_when_staff_answers(lumen, echo, dana):
    await lumen.fault(on="send", action="error", code=131057, times=1)
    await dana.says("Hello")
    await in_state(lumen, HELLO, "queued")
    await staff_writes(lumen, dana, "Lou here")
    row = await in_state(lumen, HELLO, "discarded")
    assert row["cause"] == "somebody answered from the WhatsApp Business app"
    await lumen.skip(minutes=5)
    await sends(lumen, "Your order is ready")
    assert await dana.hears_text(2) == ["Lou here", "Your order is ready"]


async def test_a_take_over_stands_when_staff_writes_from_the_phone(lumen, echo, dana):
    await dana.says("Hello")
    await dana.hears()
    before = await acts(lumen, "takeover")
    await staff_writes(lumen, dana, "Lou here")
    await until(lambda: written(lumen, "author = 'phone_app'"), "the message is shown")
    assert (await lumen.conversation())["owner"] == before["owner"]


async def test_staff_may_speak_first(lumen, echo, dana):
    await staff_writes(lumen, dana, "Your cake is ready, Dana")
    await until(lambda: written(lumen, "author = 'phone_app'"), "the message is shown")
    await owner(lumen, "phone_app")
    await dana.says("On my way")
    await stored(lumen, 1)
    assert echo.deliveries == []


async def test_a_number_that_is_disconnected_stores_and_nobody_answers(lumen, echo, dana):
    thought = asyncio.Event()

    async def late(delivery):
        await thought.wait()
        return {"content": "too late"}

    await dana.says("one")
    await dana.hears()
    echo.script = [late]
    await dana.says("two")
    await echo.delivered(2)
    await lumen.post("/phone-numbers/15550001234/unsubscribe/")
    conversation = await lumen.conversation()
    assert (conversation["owner"]["kind"], conversation["activeAgent"]) == ("nobody", None)
    thought.set()
    await in_state(lumen, "too late", "discarded")
    await dana.says("three")
    await stored(lumen, 3)
    await lumen.post("/phone-numbers/15550001234/connect-agent/", {"agentId": echo.id})
    await owner(lumen, "agent")
    await dana.says("four")
    assert await dana.hears_text(2) == ["You said: one", "You said: four"]
    assert asked(echo) == ["one", "two", "four"]
    summaries = [summary for summary, _ in await told(lumen, "owner_changed")]
    assert summaries == ["Nobody answers from here on; messages are stored.", "Echo answers from here on."]


async def test_existing_conversations_may_keep_their_agent(lumen, echo, dana, zoe):
    await dana.says("one")
    await dana.hears()
    await lumen.post("/phone-numbers/15550001234/unsubscribe/", {"applyToExisting": False})
    await dana.says("two")
    await zoe.says("Hello")
    assert await dana.hears_text(2) == ["You said: one", "You said: two"]
    await owner(lumen, "nobody", "Zoë")
    assert asked(echo) == ["one", "two"]


async def test_handing_back_a_thread_without_an_agent_leaves_it_with_nobody(lumen, echo, dana):
    await dana.says("Hello")
    await dana.hears()
    await acts(lumen, "takeover")
    await lumen.post("/phone-numbers/15550001234/unsubscribe/")
    assert (await lumen.conversation())["owner"]["kind"] == "person"  # what a person holds stays with the person
    conversation = await acts(lumen, "handback")
    assert conversation["owner"]["kind"] == "nobody"


async def test_one_conversation_may_be_answered_by_another_agent(lumen, second, dana, zoe):
    other = Agent(answer={"content": "This is Other"})
    async with serving(other.handle) as url:
        created = await lumen.post("/agents/byoa/", {"webhookUrl": f"{url}/hook", "name": "Other"})
        await dana.says("one", number=SECOND)
        await in_state(lumen, "You said: one", "delivered")
        routed = await acts(lumen, "routing", mode="agent", agentId=created["id"])
        assert (routed["routing"], routed["routingOverride"], routed["activeAgent"]["name"]) == ("agent", True, "Other")
        await dana.says("two", number=SECOND)
        await zoe.says("Hello", number=SECOND)
        await in_state(lumen, "This is Other", "delivered")
        await in_state(lumen, HELLO, "delivered")
    assert (asked(second), asked(other)) == (["one", "Hello"], ["two"])


async def test_one_conversation_may_be_answered_by_nobody_until_the_number_is_connected_again(lumen, second, dana, zoe):
    await dana.says("one", number=SECOND)
    await in_state(lumen, "You said: one", "delivered")
    await lumen.fault(on="send", action="error", code=131057, times=1)
    await dana.says("two", number=SECOND)
    await in_state(lumen, "You said: two", "queued")
    routed = await lumen.post(f"/conversations/{await conversation_id(lumen)}/routing/", {"mode": None})
    assert (routed["routing"], routed["routingOverride"], routed["owner"]["kind"]) == (None, True, "nobody")
    row = await the(lumen, "You said: two")
    assert (row["state"], row["cause"]) == ("discarded", "the conversation was disconnected from its agent")
    await dana.says("three", number=SECOND)
    await zoe.says("Hello", number=SECOND)
    await in_state(lumen, HELLO, "delivered")
    await stored(lumen, 4)
    await lumen.post(f"/phone-numbers/{SECOND_DISPLAY}/connect-agent/", {"agentId": second.id})
    conversation = await lumen.conversation()
    assert (conversation["routing"], conversation["routingOverride"], conversation["owner"]["kind"]) == ("agent", False, "agent")
    await dana.says("four", number=SECOND)
    await in_state(lumen, "You said: four", "delivered")
    assert asked(second) == ["one", "two", "Hello", "four"]


async def test_another_agent_does_not_send_what_the_first_one_thought(lumen, second, dana):
    thought = asyncio.Event()

    async def late(delivery):
        await thought.wait()
        return {"content": "from the first"}

    second.script = [late]
    other = Agent(answer={"content": "This is Other"})
    async with serving(other.handle) as url:
        created = await lumen.post("/agents/byoa/", {"webhookUrl": f"{url}/hook", "name": "Other"})
        await dana.says("one", number=SECOND)
        await second.delivered()
        await acts(lumen, "routing", mode="agent", agentId=created["id"])
        thought.set()
        await in_state(lumen, "from the first", "discarded")
        await dana.says("two", number=SECOND)
        await in_state(lumen, "This is Other", "delivered")
    assert await taken(lumen) == ["This is Other"]
