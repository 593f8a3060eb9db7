"""`dragoman chat`: talk to an agent from the terminal, through the sandbox of a running server."""

import asyncio
import sys
from dataclasses import dataclass, field
from typing import Annotated

import typer

from dragoman import settings
from dragoman.cli.behind import Behind, key_for
from dragoman.cli.phone import Phone, Server, choices, shown
from dragoman.cli.running import DataDir, Org
from dragoman.http.trusted import Trusted

QUIET = 0.3  # seconds without a word after which an answer is taken to be over


def chat(
    agent: Annotated[str | None, typer.Option(help="Agent to talk to; without it, whoever answers on the sandbox number")] = None,
    url: Annotated[str | None, typer.Option(help="The server [default: $DRAGOMAN_PUBLIC_URL or http://127.0.0.1:8050]")] = None,
    name: Annotated[str, typer.Option(help="Who you are on the sandbox")] = "You",
    wait: Annotated[float, typer.Option(help="Seconds to wait for an answer")] = 30,
    data_dir: DataDir = None,
    org: Org = None,
) -> None:
    """Talk to an agent. A number taps a button, an empty line listens again, Ctrl-D ends.

    With the server's data directory at hand, it shows between the lines which tools and models were used.
    """
    server_url = (url or settings.load(data_dir=data_dir).public_url).rstrip("/")

    async def work() -> None:
        async with key_for(server_url, data_dir, org) as key:
            await _chat(server_url, key, agent, name, wait)

    try:
        asyncio.run(work())
    except KeyboardInterrupt:
        typer.echo()


async def _chat(url: str, key: str, agent: str | None, name: str, wait: float) -> None:
    door = Trusted()
    await door.open()
    try:
        talk = Talk(await Phone.of(Server(door, url), name), Behind(Server(door, url, key)))
        if agent:
            await talk.say(f"/connect:{agent}")
            await talk.listen(wait)
        prompt = "> " if sys.stdin.isatty() else ""
        while (line := await asyncio.to_thread(_line, prompt)) is not None:
            if line.strip():
                await talk.say(line)
            await talk.listen(wait if line.strip() else 1)
    finally:
        await door.close()


def _line(prompt: str) -> str | None:
    sys.stdout.write(prompt)
    sys.stdout.flush()
    line = sys.stdin.readline()
    return line.rstrip("\n") if line else None


@dataclass
class Talk:
    """One person at the terminal. `open` are the choices of the last answer, by the number that taps them."""

    phone: Phone
    behind: Behind
    open: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    last: str = ""

    async def say(self, line: str) -> None:
        """Send a line, or tap the choice that has this number. A number behind a space is a line like any other."""
        if choice := self.open.get(line):
            self.last = await self.phone.tap(*choice)
        else:
            self.last = await self.phone.say(line.strip())

    async def listen(self, wait: float) -> None:
        news = await self.phone.hear(wait)
        if news:
            self.open = {}
        else:
            await self._show_behind()
        if not news and wait > 1:
            typer.secho("(no answer yet; press Enter to listen again)", fg=typer.colors.BRIGHT_BLACK)
        while news:
            await self._show_behind()
            for message in news:
                typer.secho(shown(message, len(self.open) + 1), fg=typer.colors.GREEN)
                for choice in choices(message):
                    self.open[str(len(self.open) + 1)] = (message["id"], choice)
            news = await self.phone.hear(QUIET)

    async def _show_behind(self) -> None:
        for line in await self.behind.since(self.last) if self.last else []:
            typer.secho(line, fg=typer.colors.BRIGHT_BLACK)
