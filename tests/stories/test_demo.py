"""`dragoman demo`, as a person runs it in an empty folder: a server, a PostgreSQL and an agent of its own, and nothing left over."""

import asyncio
import re
import shutil
import signal
import socket
from pathlib import Path

import pytest
from cast import until
from program import COMMAND, environment, living, own_folder
from stage import free_port

import dragoman


@pytest.fixture
def folder():
    with own_folder() as folder:
        yield folder


async def start(folder, *options, **more):
    command = [*COMMAND, "demo", "--port", str(free_port()), *options]
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*command, cwd=folder, env=environment() | more, stdout=pipe, stderr=pipe)


async def demo(folder, *options, **more):
    """The exit code, what was printed, what was complained about."""
    process = await start(folder, *options, **more)
    out, complaints = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, out.decode(), complaints.decode()


async def test_the_demo_plays_a_conversation_twice_whoever_has_its_port_and_leaves_nothing_running(folder):
    for taken in (False, True):  # the second time on the data of the first, and its port is somebody else's
        with socket.create_server(("127.0.0.1", free_port())) if taken else socket.socket() as other:
            port = str(other.getsockname()[1]) if taken else str(free_port())
            code, out, complaints = await demo(folder, "--once", "--port", port)
        assert (code, complaints) == (0, "")
        assert (f":{port}" in out) is not taken
        said = re.findall(r"^(Dana|Lumen) {3,4}(.+)$", out, re.MULTILINE)
        assert [line for who, line in said if who == "Dana"] == [
            "Hi there!",
            "Are you open on Sunday?",
            "Can you send me a picture?",
            "I would like to order bread",
            "[ Rye ]",
        ]
        assert [who for who, _ in said] == ["Dana", "Lumen"] * 5 + ["Lumen"]
        assert "Tuesday to Sunday" in out
        hops = re.findall(r"asked the agent after \d+ ms · it answered in \d+ ms · WhatsApp took it in \d+ ms · \d+ ms in all", out)
        assert "Zoë     Can you mend my bicycle?\nLumi    I am not sure I understood." in out
        assert "Lumi    Rye, spelt and baguette are vegan." in out
        assert len(hops) == 7
        links = re.findall(r"(?:This|Native) agent +(http://127\.0\.0\.1:\d+/sandbox/phone\?text=/connect:\S+)$", out, re.MULTILINE)
        assert len(set(links)) == 2
        assert re.search(r"Phone page +http://127\.0\.0\.1:\d+/sandbox/phone$", out, re.MULTILINE)
        assert not living(folder)


async def test_a_folder_that_cannot_be_used_is_named_in_one_line(folder):
    (folder / "bread").write_text("rye")
    assert await demo(folder, "--once", "--data-dir", "bread/demo") == (1, "", "dragoman: bread/demo cannot be used: Not a directory\n")


async def test_a_server_that_cannot_start_ends_the_demo_with_its_last_words(folder):
    (folder / "data").mkdir()
    (folder / "data" / "postgres").write_text("not a database")
    code, _, complaint = await demo(folder, "--once", "--data-dir", "data")
    assert code == 1
    assert complaint.startswith("dragoman: the server stopped at once; data/server.log says: dragoman: ")
    assert complaint.count("\n") == 1


async def test_an_agent_that_cannot_start_ends_the_demo_with_its_last_words(folder):
    installed = folder / "installed"
    shutil.copytree(Path(dragoman.__file__).parent, installed / "dragoman", ignore=shutil.ignore_patterns("__pycache__"))
    (installed / "dragoman" / "examples").mkdir(exist_ok=True)
    (installed / "dragoman" / "examples" / "shop_agent.py").write_text("raise SystemExit('there is no flour')")
    code, _, complaint = await demo(folder, "--once", PYTHONPATH=str(installed))
    assert (code, complaint) == (1, "dragoman: the example agent stopped at once; .dragoman/demo/agent.log says: there is no flour\n")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_a_demo_that_is_stopped_takes_everything_with_it(folder, how):
    process = await start(folder)
    heard = b""
    while b"keeps running" not in heard:
        heard += await asyncio.wait_for(process.stdout.readline(), 60)
    assert len(living(folder)) >= 3
    process.send_signal(how)
    await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    await until(lambda: not living(folder), "all of it has ended")
