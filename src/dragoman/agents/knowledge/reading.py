"""A file becomes text, in a child process that may do nothing else (see `parse`). Whatever the file does to it, the parent stays well."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from subprocess import PIPE
from typing import IO

import msgspec

from dragoman.agents.knowledge.text import Text, Told, Unfit

FEEDING_SECONDS = 120.0
SECONDS = 25.0
LONGEST_OUTPUT = 32 * 1024 * 1024
Child = subprocess.Popen[bytes]

XCPU, KILL = 24, 9  # signals, which Windows has no names for
_COMMAND = (sys.executable, "-I", "-B", "-X", "utf8", "-m", "dragoman.agents.knowledge.parse")


async def read(children: asyncio.Semaphore, parts: AsyncIterator[bytes], told: Told) -> Text:
    """The text of a file that comes in parts. `children` bounds how many are read at once. Raises Unfit, with the cause."""
    async with children:
        written = await _in_a_child(parts, told)
    try:
        text = msgspec.json.decode(written, type=Text)
    except msgspec.DecodeError:
        raise Unfit("The file could not be read: its reader gave no sensible answer.") from None
    if text.error:
        raise Unfit(text.error)
    return text


async def _in_a_child(parts: AsyncIterator[bytes], told: Told) -> bytes:
    """What the child answers. asyncio's own subprocesses may wait for ever when they are cancelled at a wrong moment (Python 3.11),
    so this is a plain one: its pipes are used from threads, and whatever happens, killing it ends their waiting."""
    child = subprocess.Popen(  # noqa: ASYNC220, S603  # a millisecond; the command is ours
        _COMMAND, stdin=PIPE, stdout=PIPE, stderr=subprocess.DEVNULL, env=_environment(), start_new_session=True, bufsize=0
    )
    try:
        async with asyncio.timeout(FEEDING_SECONDS):
            await _feed(child, parts, told)
        async with asyncio.timeout(SECONDS):  # it begins when it has everything
            answer = await asyncio.to_thread(_collect, child)
            code = await asyncio.to_thread(child.wait)
    except TimeoutError:
        raise Unfit(f"Reading it takes longer than {SECONDS:.0f} seconds, which is the most that is allowed.") from None
    finally:
        child.kill()
        await asyncio.shield(asyncio.to_thread(_bury, child))
    if code:
        raise Unfit(_ending(code))
    return answer


async def _feed(child: Child, parts: AsyncIterator[bytes], told: Told) -> None:
    assert child.stdin is not None  # noqa: S101
    with suppress(BrokenPipeError):  # it has died already
        await asyncio.to_thread(child.stdin.write, msgspec.json.encode(told) + b"\n")
        async for part in parts:
            await asyncio.to_thread(_write, child.stdin, part)
    child.stdin.close()


def _write(stdin: IO[bytes], part: bytes) -> None:
    """All of it: an unbuffered pipe takes as much as fits."""
    view = memoryview(part)
    while view:
        view = view[stdin.write(view) :]


def _collect(child: Child) -> bytes:
    assert child.stdout is not None  # noqa: S101
    parts, size = [], 0
    while part := child.stdout.read(256 * 1024):
        parts.append(part)
        if (size := size + len(part)) > LONGEST_OUTPUT:
            raise Unfit("There is more text in it than is taken.")
    return b"".join(parts)


def _bury(child: Child) -> None:
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()


def _ending(code: int) -> str:
    """Why a child ended without an answer, which is the file's doing: the child's own faults come as an answer."""
    if code == -XCPU:
        return "Reading it takes more processor time than is allowed."
    if code == -KILL:
        return "Reading it took more time or memory than there is."
    return "The file broke its reader; it is damaged, or made to do so."


def _environment() -> dict[str, str]:
    """Nothing of ours: no secret, no address, no place."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}  # Windows starts nothing without
    return {"LC_ALL": "C.UTF-8", **kept}
