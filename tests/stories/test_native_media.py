"""What customers send beside words: pictures, voice notes, documents; and answers that are spoken."""

import io

import pytest
from docx import Document
from made_files import opus
from model import model_server
from native import hire
from PIL import Image


@pytest.fixture
async def model():
    async with model_server() as model:
        yield model


def picture(side=2000):
    made = io.BytesIO()
    Image.new("RGB", (side, side // 2), (200, 120, 40)).save(made, "JPEG")
    return made.getvalue()


async def test_the_model_sees_a_picture_made_small(lumen, model, dana):
    await hire(lumen, model)
    model.script = ["A rye bread, and a fine one."]
    await dana.sends_file("image", picture(), "image/jpeg", caption="Which bread is this?")
    assert await dana.hears_text() == ["A rye bread, and a fine one."]
    [shown] = model.pictures(0)
    assert shown.startswith("data:image/jpeg;base64,")
    assert "Which bread is this?" in model.prompt(0)


async def test_a_voice_note_is_written_down_once_and_remembered(lumen, model, dana):
    await hire(lumen, model, native={"speech": {"transcriptionModel": "lab/ears"}})
    model.script = ["Two rye loaves, noted.", "You wanted two loaves."]
    await dana.sends_file("audio", opus(), "audio/ogg", voice=True)
    assert await dana.hears_text() == ["Two rye loaves, noted."]
    assert model.transcript in model.prompt(0)
    await dana.says("What did I order?")
    await dana.hears(2)
    assert model.transcript in model.prompt(1)
    assert [what for what, _ in model.others] == ["audio/transcriptions"]
    assert {row["purpose"] for row in await lumen.get("/usage/")} == {"answer", "transcription"}


async def test_a_voice_note_that_nobody_can_write_down_is_told_in_words(lumen, model, dana):
    await hire(lumen, model, native={"speech": {"transcriptionModel": "nobody/ears"}})
    model.script = ["Could you write it, please?"]
    await dana.sends_file("audio", opus(), "audio/ogg", voice=True)
    assert await dana.hears_text() == ["Could you write it, please?"]
    assert "could not be understood" in model.prompt(0)


async def test_a_document_is_read_as_text(lumen, model, dana):
    await hire(lumen, model)
    written = Document()
    written.add_paragraph("We would like forty spelt rolls on Saturday.")
    made = io.BytesIO()
    written.save(made)
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    model.script = ["Forty spelt rolls, on Saturday."]
    await dana.sends_file("document", made.getvalue(), kind, filename="order.docx")
    assert await dana.hears_text() == ["Forty spelt rolls, on Saturday."]
    assert "forty spelt rolls" in model.prompt(0)
    rows = await lumen.rows("select outside from sessions")
    assert rows[0]["outside"]


async def test_a_voice_note_is_answered_by_one(lumen, model, dana):
    speech = {"transcriptionModel": "lab/ears", "speechModel": "lab/mouth", "replyWithVoice": "to_voice"}
    await hire(lumen, model, native={"speech": speech})
    model.script = ["Two rye loaves, noted.", "Anything else?"]
    await dana.sends_file("audio", opus(), "audio/ogg", voice=True)
    [answer] = await dana.hears(1)
    assert answer["type"] == "audio"
    [row] = await lumen.rows("select content from messages where direction = 'out'")
    assert row["content"]["voice"]
    await dana.says("No, thanks?")
    assert (await dana.hears_text(2))[1] == "Anything else?"
