"""The main text of a web page that somebody else wrote, found in a process that can be killed."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from weakref import WeakKeyDictionary

AT_ONCE = 2
SECONDS = 10.0

# Nothing of ours goes along: the environment holds the secret key.
_KEPT = ("PATH", "PYTHONPATH", "SYSTEMROOT", "LANG")
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class Unreadable(Exception):
    """The page has no end, or is made to break its reader."""


async def main_text(page: bytes, *, url: str, charset: str, longest: int) -> str:
    """At most `longest` characters of Markdown; "" for a page without words. Raises Unreadable."""
    async with _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)):
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "dragoman.agents.pages.child", url, charset, str(longest)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
        )
        try:
            async with asyncio.timeout(SECONDS):
                found, _ = await child.communicate(page)
        except TimeoutError:
            raise Unreadable("the page takes too long to read") from None
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
    if child.returncode != 0:
        raise Unreadable("the page could not be read")
    return found.decode("utf-8", "replace")
