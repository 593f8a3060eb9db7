"""`dragoman chat`: a person talks to an agent from a terminal."""

from uuid import uuid4

import pytest
from program import run


async def chat(*options, said=""):
    """The exit code, the lines that were printed, and those that complain."""
    code, heard, complaints = await run("chat", *options, said=said)
    return code, heard.splitlines(), complaints.splitlines()


async def test_a_person_connects_says_a_line_and_reads_the_answer(lumen, echo):
    code, heard, complaints = await chat("--url", lumen.url, "--agent", echo.id, said="Is it fresh?\nReally?\n")
    assert (code, complaints) == (0, [])
    assert "Echo" in heard[0]
    assert heard[1:] == ["You said: Is it fresh?", "You said: Really?"]
    assert [delivery["message"] for delivery in echo.deliveries] == ["Is it fresh?", "Really?"]


async def test_buttons_and_pictures_are_shown_in_words(lumen, echo):
    buttons = [{"type": "quick_reply", "text": text, "quickReplyId": text.lower()} for text in ("Rye", "Spelt")]
    echo.answer = {"unified": {"text": "Which one?", "footer": "Today", "buttons": buttons}}
    _, heard, _ = await chat("--url", lumen.url, "--name", "Dana", said="Bread, please\n")
    assert heard == ["Which one?", "[ Rye ]", "[ Spelt ]", "(Today)"]
    assert (await lumen.conversation("Dana"))["lastMessage"]


async def test_an_agent_that_says_nothing_is_called_that(lumen, echo):
    echo.answer = 204
    _, heard, _ = await chat("--url", lumen.url, "--wait", "1.5", said="Hello?\n")
    assert heard == ["(no answer yet; press Enter to listen again)"]


async def test_an_agent_that_is_not_there_is_told_by_the_sandbox(lumen):
    code, heard, _ = await chat("--url", lumen.url, "--agent", str(uuid4()))
    assert code == 0
    assert "no agent" in heard[0].lower()


async def test_a_server_that_is_not_there_is_one_line():
    code, heard, complaints = await chat("--url", "http://127.0.0.1:1")
    assert (code, heard, len(complaints)) == (1, [], 1)
    assert complaints[0].startswith("dragoman: no server answers at http://127.0.0.1:1: ")
    assert "dragoman serve" in complaints[0]


@pytest.mark.parametrize("overrides", [{"graph_url": "http://127.0.0.1:1"}])
async def test_a_server_without_a_sandbox_is_one_line(lumen):
    code, heard, complaints = await chat("--url", lumen.url)
    assert (code, heard) == (1, [])
    assert complaints == [f"dragoman: the server at {lumen.url} has no sandbox; start it with DRAGOMAN_GRAPH_URL=sandbox"]
