"""The example shop assistant, as a new user runs it: one program makes the agent through the API and takes its orders."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys

import pytest
from cast import until
from tests.project.source import ROOT

EXAMPLE = ROOT / "examples/shop_assistant"
ORDER = {"tool": "place_order", "args": {"bread": "rye", "quantity": 2}}


@contextlib.asynccontextmanager
async def running(lumen, **environment):
    """The id of the agent that the program made, while it runs, and what it said."""
    settings = {"API_URL": lumen.url, "API_KEY": lumen.key, "LLM_MODEL": "lab/small", "PATH": os.environ["PATH"], **environment}
    pipe = asyncio.subprocess.PIPE
    program = await asyncio.create_subprocess_exec(sys.executable, str(EXAMPLE / "run.py"), env=settings, stdout=pipe, stderr=pipe)
    said = ""
    try:
        while "Ctrl-C" not in said:
            line = await asyncio.wait_for(program.stdout.readline(), 30)
            assert line, (await program.stderr.read()).decode()
            said += line.decode()
        yield re.search(r"is agent (\S+),", said)[1], said
    finally:
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            program.send_signal(signal.SIGINT)
        await program.communicate()


async def connected(lumen, model, dana, agent_id):
    status, body = await lumen.call("PUT", "/model-providers/lab/", {"baseUrl": model.url, "apiKey": model.key})
    assert status == 200, body
    await dana.says(f"/connect:{agent_id}")
    await dana.hears(1)


def offered(start):
    """A call of the tool whose name begins so, with these arguments."""
    return lambda args: (
        lambda body: {"tool": next(n for t in body["tools"] if (n := t["function"]["name"]).startswith(start)), "args": args}
    )


async def test_dana_orders_by_a_button_and_hears_how_far_it_is(lumen, model, dana):
    async with running(lumen) as (agent_id, said):
        assert f"dragoman chat --agent {agent_id}" in said
        await connected(lumen, model, dana, agent_id)
        model.script = [ORDER, "Two ryes, order 1041.", {"tool": "order_status", "args": {"number": "1041"}}, "Taken, soon in the oven."]
        await dana.says("Two rye breads, please!")
        question = (await dana.hears(2))[1]
        assert "rye" in question["text"]
        assert [button["title"] for button in question["buttons"]] == ["Yes, order", "No"]
        await dana.taps(question["id"], button_id=question["buttons"][0]["id"])
        assert (await dana.hears_text(3))[2] == "Two ryes, order 1041."
        assert '"euros":8.4' in model.prompt()
        await dana.says("How far is order 1041?")
        assert (await dana.hears_text(4))[3] == "Taken, soon in the oven."
        assert '"number":"1041"' in model.results()[-1][1]
        assert "Lumi, a baker's apprentice" in model.system()


async def test_nobody_is_told_of_the_orders_of_another_customer(lumen, model, dana, zoe):
    async with running(lumen) as (agent_id, _):
        await connected(lumen, model, dana, agent_id)
        model.script = [ORDER, "Taken."]
        await dana.says("Two rye breads, please!")
        question = (await dana.hears(2))[1]
        await dana.taps(question["id"], button_id=question["buttons"][0]["id"])
        await dana.hears(3)
        await zoe.says(f"/connect:{agent_id}")
        await zoe.hears(1)
        model.script = [{"tool": "order_status", "args": {"number": "1041"}}, "I know of none."]
        await zoe.says("What is order 1041?")
        await zoe.hears(2)
        assert '"orders":[]' in model.results()[-1][1]


async def test_the_name_is_remembered_also_after_the_program_was_started_again(lumen, model, dana):
    async with running(lumen) as (agent_id, _):
        await connected(lumen, model, dana, agent_id)
        model.script = [{"tool": "remember", "args": {"key": "first_name", "value": "Dani"}}, "Hello Dani!"]
        await dana.says("Please call me Dani!")
        await dana.hears(2)
    async with running(lumen) as (again, _):
        assert again == agent_id
        assert (await lumen.get("/agents/"))["count"] == 1
        await dana.says("Who am I?")
        await dana.hears(3)
        assert '"first_name":"Dani"' in model.prompt().replace('": "', '":"')


async def test_who_asks_for_a_person_gets_one(lumen, model, dana):
    async with running(lumen) as (agent_id, _):
        await connected(lumen, model, dana, agent_id)
        model.script = [offered("ask_a_person")({"summary": "Dana's rye was burnt"})]
        await dana.says("My rye was burnt, I want to talk to a baker!")
        [tool] = json.loads((EXAMPLE / "agent.json").read_text())["supportTools"]
        assert (await dana.hears_text(2))[1] in (tool["message"], tool["closedMessage"])

        async def taken():
            return (await lumen.conversation())["isHumanTakeover"]

        await until(taken, "a person has the conversation")


async def test_without_a_key_or_a_server_it_says_what_to_do(lumen):
    for settings, complaint in [({"API_KEY": ""}, "dragoman keys create"), ({"API_URL": "http://127.0.0.1:1"}, "dragoman serve")]:
        with pytest.raises(AssertionError, match=complaint):
            async with running(lumen, **settings):
                pass
