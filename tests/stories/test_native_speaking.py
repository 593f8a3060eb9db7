"""A native agent answers with more than text."""

from native import hire


def send(**args):
    return {"tool": "send_message", "args": args}


async def test_buttons_are_answered_by_their_id(lumen, model, dana):
    await hire(lumen, model)
    model.script = [send(text="Rye or spelt?", buttons=[{"text": "Rye", "id": "rye"}, {"text": "Spelt"}]), "Rye it is."]
    await dana.says("Bread?")
    [asked] = await dana.hears()
    assert [button["title"] for button in asked["buttons"]] == ["Rye", "Spelt"]
    await dana.taps(asked["id"], button_id="rye")
    assert (await dana.hears_text(2))[1] == "Rye it is."
    assert "Rye [chose rye]" in model.prompt(1)


async def test_many_choices_become_a_list_and_a_link_a_button(lumen, model, dana):
    await hire(lumen, model)
    choices = [{"text": f"Bread {n}", "description": "fresh"} for n in range(5)]
    model.script = [
        send(text="Choose", buttons=choices, list_button="Breads"),
        send(text="Pay here", link={"text": "Pay", "url": "https://lumen.example/p"}),
    ]
    await dana.says("Which bread?")
    [listed] = await dana.hears()
    assert len(listed["list"]["rows"]) == 5
    await dana.says("Where can I pay?")
    assert "https://lumen.example/p" in str((await dana.hears(2))[1])


async def test_a_place_a_card_and_a_picture_of_the_business(lumen, model, dana):
    await hire(lumen, model, systemPrompt="Our shop front: https://lumen.example/front.jpg")
    model.script = [
        [
            send(location={"latitude": 52.5, "longitude": 13.4, "name": "Lumen"}),
            send(contact={"name": "Otto", "phone_number": "+15550001111"}),
            send(image="https://lumen.example/front.jpg", text="This is us"),
        ]
    ]
    await dana.says("Where are you?")
    sent = [row["type"] for row in await _out(lumen, dana, 3)]
    assert sent == ["location", "contact", "image"]


async def _out(lumen, dana, count):
    await dana.hears(2)  # the picture is nowhere to be fetched; what counts is that it was sent
    rows = await lumen.rows("select type from messages where direction = 'out' order by seq")
    assert len(rows) == count
    return rows


async def test_a_reaction_and_a_quote_stand_at_the_customers_message(lumen, model, dana):
    await hire(lumen, model)
    model.script = [[send(reaction="👍"), send(text="Noted!", quote=True)]]
    wamid = await dana.says("Two ryes, ok?")
    await dana.hears(1)
    rows = await lumen.rows("select type, content, reply_to_wamid from messages where direction = 'out' order by seq")
    assert (rows[0]["type"], rows[0]["content"]["message_id"], rows[0]["reply_to_wamid"]) == ("reaction", wamid, None)
    assert rows[1]["reply_to_wamid"] == wamid


async def test_a_long_answer_is_split_and_markdown_becomes_whatsapps(lumen, model, dana):
    await hire(lumen, model)
    model.script = ["**Rye**\n\n" + "\n\n".join(f"Paragraph {n}. " + "bread " * 100 for n in range(12))]
    await dana.says("Tell me everything?")
    heard = await dana.hears_text(2)
    assert heard[0].startswith("*Rye*")
    assert all(len(text) <= 4096 for text in heard)
