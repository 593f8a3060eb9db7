"""The child that reads files may do nothing else. Each fence is shown to stand, and to be what stops it."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time

import pytest
from tests.agents.knowledge.test_reading import parts

from dragoman.agents.knowledge import reading
from dragoman.agents.knowledge.text import Told, Unfit

ATTEMPTS = {
    "read a file": "open('/etc/hostname').read()",
    "write a file": "open(target, 'w').write('x' * 10)",
    "call somebody": "import socket; socket.create_connection(('127.0.0.1', port), 2)",
    "open a socket": "import socket; socket.socket()",
    "start a program": "import subprocess; subprocess.run(['true'], check=True)",
    "fork": "import os; os._exit(0) if not os.fork() else os.wait()",
    "take two gigabytes": "bytearray(2 << 30)",
    "call into the system": "import ctypes; ctypes.CDLL(None).getpid()",
}
PROGRAM = """
import sys, socket, subprocess, ctypes, os
from dragoman.agents.knowledge import parse
target, port = sys.argv[1], int(sys.argv[2])
if sys.argv[3] == "confined":
    parse.confine()
    parse.lock()
try:
    {attempt}
except BaseException as error:
    print("stopped", type(error).__name__)
else:
    print("done")
"""


async def run(*command):
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)


async def tried(attempt, how, target, port):
    program = PROGRAM.format(attempt=ATTEMPTS[attempt])
    return (await run(sys.executable, "-c", program, target, str(port), how)).stdout


@pytest.fixture
async def port():
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.mark.parametrize("attempt", ATTEMPTS)
async def test_a_confined_process_cannot(attempt, port, tmp_path):
    target = str(tmp_path / "written")
    confined, free = await asyncio.gather(*(tried(attempt, how, target, port) for how in ("confined", "free")))
    assert (confined.split()[:1], free) == (["stopped"], "done\n")


async def test_the_network_is_gone_and_not_only_the_sockets(port):
    """Code that gets past Python meets a system without a network. Where the system does not let us leave it, only the lock holds."""
    program = (
        "import socket, sys\nfrom dragoman.agents.knowledge import parse\nparse.confine()\n"
        "try:\n    socket.create_connection(('127.0.0.1', int(sys.argv[1])), 2)\nexcept OSError as error:\n    print(error.errno)\n"
    )
    if shutil.which("unshare") is None or (await run("unshare", "--net", "true")).returncode:
        pytest.skip("this system does not let processes leave the network")
    said = await run(sys.executable, "-c", program, str(port))
    assert said.stdout.strip() in ("101", "111")  # unreachable, or nobody on a loopback of its own


def spy(monkeypatch, script):
    """Have another program in the place of the reader."""
    monkeypatch.setattr(reading, "_COMMAND", (sys.executable, "-I", "-c", script))


async def read():
    return await reading.read(asyncio.Semaphore(1), parts(b"hello"), Told())


async def test_the_child_knows_nothing_of_ours(monkeypatch):
    monkeypatch.setenv("DRAGOMAN_SECRET_KEY", "the key of everything")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the key of the bucket")
    held = [open(os.devnull) for _ in range(5)]  # noqa: ASYNC230, SIM115
    spy(
        monkeypatch,
        "import os, json; fds = [int(n) for n in os.listdir('/proc/self/fd')]; "
        "print(json.dumps({'title': json.dumps([dict(os.environ), sorted(fds)])}))",
    )
    environment, descriptors = json.loads((await read()).title)
    for file in held:
        file.close()
    assert set(environment) <= {"LC_ALL", "LC_CTYPE"}
    assert max(descriptors) <= 3  # the three streams, and the folder that is being listed


async def test_a_reader_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(reading, "SECONDS", 0.3)
    spy(monkeypatch, "import time; time.sleep(60)")
    start = time.monotonic()
    with pytest.raises(Unfit, match="takes longer than"):
        await read()
    assert time.monotonic() - start < 5


async def test_a_reader_that_floods_is_ended(monkeypatch):
    spy(monkeypatch, "import sys\nwhile True: sys.stdout.write('x' * 1000000)")
    with pytest.raises(Unfit, match="more text in it than is taken"):
        await read()


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "broke its reader"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "processor time"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "more time or memory"),
        ("import sys; sys.exit(3)", "broke its reader"),
        ("print('not JSON')", "no sensible answer"),
        ("print('[1, 2]')", "no sensible answer"),
        ('print(\'{"blocks": [["a", "b"]]}\')', "no sensible answer"),
    ],
)
async def test_a_reader_that_dies_or_raves_is_the_files_fault(monkeypatch, script, why):
    spy(monkeypatch, script)
    with pytest.raises(Unfit, match=why):
        await read()


async def test_processor_time_is_limited():
    program = "import resource\nfrom dragoman.agents.knowledge import parse\nparse.SECONDS = 1\nparse.confine()\nwhile True: pass\n"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert await asyncio.wait_for(process.wait(), 20) == -reading.XCPU


async def test_a_cancelled_reading_leaves_no_process(monkeypatch):
    spy(monkeypatch, "import os, sys, time; sys.stdin.read(); time.sleep(60)")
    started = []
    really = subprocess.Popen

    def noted(*arguments, **more):
        started.append(really(*arguments, **more))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", noted)
    for moment in range(20):
        task = asyncio.create_task(read())
        for _ in range(moment):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(started) > 10
    assert all(child.poll() is not None for child in started)
