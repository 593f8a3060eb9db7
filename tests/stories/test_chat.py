"""`dragoman chat`: a person talks to an agent from a terminal."""

import re
from uuid import uuid4

import pytest
from native import hire
from program import run
from test_native_api_tools import KEY, LOOK, ORDER, till
from world import shop_server

from dragoman.cli.phone import plain


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
    assert heard == ["Which one?", "1 [ Rye ]", "2 [ Spelt ]", "(Today)"]
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


@pytest.fixture
async def shop():
    async with shop_server(key=KEY) as shop:
        yield shop


@pytest.fixture
def at_hand(database_uri):
    """What gives a chat a key: the server's own database and secret."""
    return {"database_url": database_uri, "secret_key": "a secret key for tests, of more than 32 characters"}


async def test_tools_their_results_and_the_model_are_shown_between_the_lines_and_a_number_taps(lumen, model, shop, at_hand):
    agent = await hire(lumen, model, tools=till(shop))
    model.script = [LOOK, "It is in the oven.", LOOK, ORDER, "Two more are taken."]
    said = "Where is my order 1001?\nTwo more of these?\n1\n"
    code, heard, complaints = await run("chat", "--url", lumen.url, "--agent", agent["id"], said=said, **at_hand)
    assert (code, complaints) == (0, "")
    lines = heard.splitlines()[1:]
    asked = r"· lab/small, \d+ \+ \d+ tokens, \d+ ms"
    looked = r'· order_status \{"id":"1001"\} → .*"status":"in the oven".*'
    expected = [asked, looked, asked, r"It is in the oven\."]
    expected += [asked, looked, asked, r'· place_order \{.*"rye bread".*\} waits for your word']
    assert [bool(re.fullmatch(*pair)) for pair in zip(expected, lines, strict=False)] == [True] * 8
    assert "1 [ Yes ]" in lines
    assert "2 [ No ]" in lines
    after = lines[lines.index("2 [ No ]") + 1 :]
    assert after[-1] == "Two more are taken."
    assert sum(bool(re.fullmatch(r"· place_order .* → .*\"taken\".*", line)) for line in after) == 1
    assert len(shop.asked("POST", "/orders")) == 1


async def test_the_key_of_a_chat_is_revoked_when_it_ends_and_a_stranger_gets_none(lumen, echo, at_hand):
    await run("chat", "--url", lumen.url, said="Hello?\n", **at_hand)
    made = [key for key in (await lumen.rows("select name, revoked_at from api_keys")) if key["name"] == "dragoman chat"]
    assert [key["revoked_at"] is not None for key in made] == [True]
    await run("chat", "--url", "http://192.0.2.1:1", "--wait", "1", **at_hand)
    assert len(await lumen.rows("select 1 from api_keys where name = 'dragoman chat'")) == 1


async def test_a_number_behind_a_space_is_a_line_and_one_without_a_choice_too(lumen, echo):
    echo.answer = {"unified": {"text": "How many?", "buttons": [{"type": "quick_reply", "text": "One", "quickReplyId": "one"}]}}
    await chat("--url", lumen.url, said="Bread?\n 1\n2\n1\n")
    assert [delivery["message"] for delivery in echo.deliveries] == ["Bread?", "1", "2", "One"]


def test_what_others_wrote_cannot_steer_the_terminal():
    assert plain("Fresh\x1b[2J\x9b bread\n👩‍🍳") == "Fresh [2J  bread\n👩‍🍳"
