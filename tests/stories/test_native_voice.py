"""Answers that are spoken."""

import pytest
from made_files import opus
from native import hire

SPEECH = {"transcriptionModel": "lab/ears", "speechModel": "lab/mouth"}


async def speaking(lumen, model, when="to_voice"):
    return await hire(lumen, model, native={"speech": {**SPEECH, "replyWithVoice": when}})


async def spoken(model):
    return [asked for what, asked in model.others if what == "audio/speech"]


async def test_a_voice_note_is_answered_by_one(lumen, model, dana):
    await speaking(lumen, model)
    model.script = ["Two rye loaves, noted.", "Anything else?"]
    await dana.sends_file("audio", opus(), "audio/ogg", voice=True)
    [answer] = await dana.hears(1)
    assert answer["type"] == "audio"
    [row] = await lumen.rows("select content from messages where direction = 'out'")
    assert row["content"]["voice"]
    await dana.says("No, thanks?")
    assert (await dana.hears_text(2))[1] == "Anything else?"


async def test_what_was_spoken_is_remembered_and_shown_as_words(lumen, model, dana, session):
    await speaking(lumen, model, "always")
    model.script = ["The *rye* is fresh, see `menu`.", "As I said."]
    await dana.says("Is the rye fresh?")
    [answer] = await dana.hears(1)
    assert answer["type"] == "audio"
    [asked] = await spoken(model)
    assert (asked["input"], asked["voice"], asked["response_format"]) == ("The rye is fresh, see menu.", "alloy", "opus")
    [file] = (await lumen.messages())[-1]["unified"]["media"]
    assert file["transcript"] == "The *rye* is fresh, see `menu`."
    async with session.get(file["url"]) as kept:
        assert (kept.status, kept.content_type) == (200, "audio/ogg")
    await dana.says("What did you say?")
    await dana.hears(2)
    assert "The *rye* is fresh, see `menu`." in model.prompt(1)
    [row] = [row for row in await lumen.get("/usage/") if row["purpose"] == "speech"]
    assert (row["model"], row["generations"]) == ("lab/mouth", 2)


@pytest.mark.parametrize("answer", ["Order at https://lumen.example/order now.", "Rye. " * 400])
async def test_what_is_long_or_to_be_tapped_is_written(lumen, model, dana, answer):
    await speaking(lumen, model, "always")
    model.script = [answer]
    await dana.says("How do I order?")
    assert await dana.hears_text() == [answer.strip()]
    assert await spoken(model) == []


async def test_a_rich_answer_is_written(lumen, model, dana):
    await speaking(lumen, model, "always")
    model.script = [{"tool": "send_message", "args": {"text": "Which one?", "buttons": [{"text": "Rye"}, {"text": "Spelt"}]}}]
    await dana.says("I want bread?")
    assert (await dana.hears(1))[0]["type"] == "interactive"
    assert await spoken(model) == []


async def test_what_nobody_can_speak_is_written(lumen, model, dana):
    await speaking(lumen, model, "always")
    model.faults = {"audio/speech": [500]}
    model.script = ["The rye is fresh."]
    await dana.says("Is the rye fresh?")
    assert await dana.hears_text() == ["The rye is fresh."]
    assert "speech" not in {row["purpose"] for row in await lumen.get("/usage/")}
