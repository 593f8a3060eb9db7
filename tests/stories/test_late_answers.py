"""Late answers: an agent speaks through its callback, as often as it likes, for 24 hours."""

import asyncio

from cast import until
from hook import late, rested


async def ask(lumen, echo, phone, text="Is my cake ready?"):
    """The delivery of a question that the agent answers with silence."""
    echo.script.append(204)
    asked = len(echo.deliveries)
    await phone.says(text)
    delivery = (await echo.delivered(asked + 1))[-1]
    await rested(lumen)
    return delivery


async def test_an_agent_speaks_many_times_after_its_webhook_has_answered(lumen, echo, dana):
    delivery = await ask(lumen, echo, dana)
    for n in range(5):
        status, body, headers = await late(lumen, delivery, {"content": f"Layer {n} is done"})
        assert (status, len(body["messages"])) == (202, 1)
        assert headers["Cache-Control"] == "no-store"
    assert await dana.hears_text(5) == [f"Layer {n} is done" for n in range(5)]


async def test_an_agent_speaks_while_its_webhook_is_still_open(lumen, echo, dana):
    async def thinking_aloud(delivery):
        for thought in ("One moment …", "I am looking it up"):
            await late(lumen, delivery, {"content": thought})
            await until(lambda thought=thought: heard(dana, thought), f"Dana reads {thought}")
        return {"content": "It is ready"}

    async def heard(phone, text):
        return text in [message["text"] for message in await phone.heard()]

    echo.answer = thinking_aloud
    await dana.says("Is my cake ready?")
    assert await dana.hears_text(3) == ["One moment …", "I am looking it up", "It is ready"]


async def test_what_is_posted_before_the_response_is_said_before_it(lumen, echo, dana):
    async def in_one_breath(delivery):
        for n in range(3):
            assert (await late(lumen, delivery, {"content": f"late {n}"}))[0] == 202
        return {"content": "response"}

    echo.answer = in_one_breath
    await dana.says("Hello")
    assert await dana.hears_text(4) == ["late 0", "late 1", "late 2", "response"]


async def test_the_ids_it_gets_are_those_of_the_messages(lumen, echo, dana):
    delivery = await ask(lumen, echo, dana)
    _, body, _ = await late(lumen, delivery, [{"content": "Your cake"}, {"location": {"latitude": 52.5, "longitude": 13.4}}])
    ids = [message["id"] for message in body["messages"]]
    listed = {message["id"]: message for message in await lumen.messages()}  # at once: 202 means that it is on disk
    assert len(ids) == 2
    assert [listed[message_id]["source"] for message_id in ids] == ["agent", "agent"]
    await dana.hears(2)

    async def arrived():
        states = {message["id"]: message["status"] for message in await lumen.messages()}
        return {states[message_id] for message_id in ids} == {"delivered"}

    await until(arrived, "both are delivered")


async def test_silence_is_taken_and_makes_no_message(lumen, echo, dana):
    delivery = await ask(lumen, echo, dana)
    for silence in ("", '{"content": ""}', '"No CUSTOMER message reply"'):
        status, body, _ = await late(lumen, delivery, text=silence)
        assert (status, body) == (202, {"messages": []})
    assert await lumen.ledger() == []


async def test_a_repeated_post_with_its_key_makes_no_second_message(lumen, echo, dana):
    delivery = await ask(lumen, echo, dana)
    posts = await asyncio.gather(*(late(lumen, delivery, {"content": "Ready"}, key="order-4711") for _ in range(5)))
    assert [status for status, _, _ in posts] == [202] * 5
    assert len({str(body) for _, body, _ in posts}) == 1
    status, body, _ = await late(lumen, delivery, {"content": "Burnt"}, key="order-4711")
    assert (status, body["code"]) == (422, "idempotency_key_reused")
    status, _, _ = await late(lumen, delivery, {"content": "And packed"}, key="order-4712")
    assert status == 202
    assert await dana.hears_text(2) == ["Ready", "And packed"]
    await rested(lumen)
    assert len(await lumen.ledger()) == 2


async def test_a_key_belongs_to_its_callback(lumen, echo, dana, zoe):
    danas, zoes = await ask(lumen, echo, dana), await ask(lumen, echo, zoe)
    for delivery in (danas, zoes):
        assert (await late(lumen, delivery, {"content": "Ready"}, key="ready"))[0] == 202
    await dana.hears()
    await zoe.hears()


async def test_a_key_of_a_refused_post_can_be_used_again(lumen, echo, dana):
    delivery = await ask(lumen, echo, dana)
    await lumen.skip(hours=23, minutes=59, seconds=20)
    assert (await late(lumen, delivery, {"content": "Ready"}, key="ready"))[0] == 409
    await ask(lumen, echo, dana, "Hello?")
    assert (await late(lumen, delivery, {"content": "Ready"}, key="ready"))[0] == 202
    assert await dana.hears_text() == ["Ready"]


async def test_an_old_callback_works_beside_a_newer_one(lumen, echo, dana):
    first, second = await ask(lumen, echo, dana, "Cake?"), await ask(lumen, echo, dana, "And bread?")
    assert first["reply_callback"] != second["reply_callback"]
    for delivery, text in ((second, "Bread, yes"), (first, "Cake, too")):
        assert (await late(lumen, delivery, {"content": text}))[0] == 202
    assert await dana.hears_text(2) == ["Bread, yes", "Cake, too"]


async def test_a_retried_delivery_carries_the_same_callback(lumen, echo, dana):
    echo.script = [500, 204]
    await dana.says("Hello")
    await echo.delivered()
    assert (await late(lumen, echo.deliveries[0], {"content": "Sorry, I stumbled"}))[0] == 202
    await lumen.skip(seconds=3)
    first, second = await echo.delivered(2)
    assert first["reply_callback"] == second["reply_callback"]
    assert await dana.hears_text() == ["Sorry, I stumbled"]


async def test_a_callback_reaches_its_own_customer_only(lumen, echo, dana, zoe):
    danas, zoes = await ask(lumen, echo, dana), await ask(lumen, echo, zoe)
    await late(lumen, zoes, {"content": "For Zoë"})
    await late(lumen, danas, {"content": "For Dana"})
    assert (await zoe.hears_text(), await dana.hears_text()) == (["For Zoë"], ["For Dana"])
