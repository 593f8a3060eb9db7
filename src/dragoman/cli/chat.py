"""`dragoman chat`: talk to an agent from the terminal, through the sandbox of a running server."""

import asyncio
import sys
from typing import Annotated

import typer

from dragoman import settings
from dragoman.cli.phone import Phone, Server, shown
from dragoman.cli.running import DataDir
from dragoman.http.trusted import Trusted


def chat(
    agent: Annotated[str | None, typer.Option(help="Agent to talk to; without it, whoever answers on the sandbox number")] = None,
    url: Annotated[str | None, typer.Option(help="The server [default: $DRAGOMAN_PUBLIC_URL or http://127.0.0.1:8050]")] = None,
    name: Annotated[str, typer.Option(help="Who you are on the sandbox")] = "You",
    wait: Annotated[float, typer.Option(help="Seconds to wait for an answer")] = 30,
    data_dir: DataDir = None,
) -> None:
    """Talk to an agent. An empty line listens again; Ctrl-D ends."""
    server_url = url or settings.load(data_dir=data_dir).public_url
    try:
        asyncio.run(_chat(server_url, agent, name, wait))
    except KeyboardInterrupt:
        typer.echo()


async def _chat(url: str, agent: str | None, name: str, wait: float) -> None:
    door = Trusted()
    await door.open()
    try:
        phone = await Phone.of(Server(door, url), name)
        if agent:
            await phone.say(f"/connect:{agent}")
            await _listen(phone, wait)
        prompt = "> " if sys.stdin.isatty() else ""
        while (line := await asyncio.to_thread(_line, prompt)) is not None:
            if line.strip():
                await phone.say(line)
            await _listen(phone, wait if line.strip() else 1)
    finally:
        await door.close()


def _line(prompt: str) -> str | None:
    sys.stdout.write(prompt)
    sys.stdout.flush()
    line = sys.stdin.readline()
    return line.rstrip("\n") if line else None


async def _listen(phone: Phone, wait: float) -> None:
    news = await phone.hear(wait)
    for message in news:
        typer.secho(shown(message), fg=typer.colors.GREEN)
    if not news and wait > 1:
        typer.secho("(no answer yet; press Enter to listen again)", fg=typer.colors.BRIGHT_BLACK)
