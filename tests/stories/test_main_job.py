"""The main job: a customer writes, the business's agent answers."""

from hook import says


async def test_dana_writes_and_echo_answers(lumen, echo, dana):
    await dana.says("Are you open today?")
    assert await dana.hears_text() == ["You said: Are you open today?"]


async def test_the_delivery_carries_the_four_fields_and_the_context(lumen, echo, dana):
    wamid = await dana.says("Two croissants, please")
    await dana.hears()
    delivery = echo.deliveries[0]
    assert set(delivery) == {"message", "image", "phone_number", "reply_callback", "context"}
    assert delivery["message"] == "Two croissants, please"
    assert delivery["image"] is None
    assert delivery["phone_number"] == "+15550007890"
    assert delivery["reply_callback"].startswith(f"{lumen.url}/api/callback/")
    context = delivery["context"]
    assert context["agent_id"] == echo.id
    assert context["contact"]["name"] == "Dana"
    assert context["contact"]["user_id"] == dana.person["bsuid"]
    assert (context["type"], context["whatsapp_id"], context["media"]) == ("text", wamid, [])
    assert context["conversation_id"] == (await lumen.conversation())["id"]
    assert echo.genuine()


async def test_three_quick_messages_are_answered_one_by_one_in_order(lumen, echo, dana):
    await says(dana, "one", "two", "three")
    assert await dana.hears_text(3) == ["You said: one", "You said: two", "You said: three"]
    assert echo.most_in_flight == 1


async def test_the_same_words_twice_are_two_messages(lumen, echo, dana):
    await dana.says("Hello?")
    assert await dana.hears_text() == ["You said: Hello?"]
    await dana.says("Hello?")
    assert await dana.hears_text(2) == ["You said: Hello?"] * 2
