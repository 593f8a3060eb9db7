"""`dragoman demo`: the whole thing on one machine, in one command.

Starts a server with its embedded PostgreSQL and the sandbox, starts the example agent as a program of its own, makes it
a BYOA agent through the API, lets a customer write to it, and prints what was said and how long each hop took. Then another customer
writes to a native agent, which answers from an example knowledge base without any language model. `playing` has what is said.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from dragoman.accounts import keys
from dragoman.cli import playing
from dragoman.cli.phone import NotThere, Server
from dragoman.cli.running import Office, run
from dragoman.http.trusted import Trusted


def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop after the transcript; exit code 0 when all went well")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the server; another is taken when it is in use")] = 8050,
    data_dir: Annotated[Path, typer.Option("--data-dir", help="Where the demo keeps its data")] = Path(".dragoman/demo"),
) -> None:
    """Play a conversation with an example agent in the sandbox."""
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(_demo(once, _free(port), data_dir))
    except (KeyboardInterrupt, asyncio.CancelledError):
        typer.echo("\nStopped.")
        raise typer.Exit(1 if once else 0) from None


async def _demo(once: bool, port: int, data_dir: Path) -> None:
    if task := asyncio.current_task():
        # As Ctrl-C does: the server and the agent must not live on alone.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    url = f"http://127.0.0.1:{port}"
    door = Trusted()
    await door.open()
    try:
        typer.echo(f"Starting Dragoman on {url} (data in {data_dir}) ...")
        async with _child(_serve(port, data_dir), data_dir / "server.log", _environment(url)) as server_process:
            server = Server(door, url)
            await _ready(server, server_process, data_dir / "server.log")
            server.key = await asyncio.to_thread(run, data_dir, None, _key)
            agent_port = _free(8060)
            agent = await playing.hire(server, agent_port)
            environment = {**os.environ, "AGENT_SECRET": agent["byoa"]["secret"], "AGENT_URL": f"http://127.0.0.1:{agent_port}"}
            program = _example("shop_agent.py")
            typer.echo(f"Starting the example agent, {program.name}, on http://127.0.0.1:{agent_port} ...\n")
            log = data_dir / "agent.log"
            async with _child([sys.executable, str(program), str(agent_port)], log, environment) as agent_process:
                await _listening(agent_process, log)
                await playing.play(server)
                native = await playing.play_native(server, playing.knowledge(_example("shop_assistant/faqs.json")))
                _tell_where(server, agent, native, program, data_dir)
                if once:
                    typer.echo("\nNow it stops. Without --once (make: ONCE=1) it keeps running, and the phone page can be opened.")
                    return
                typer.echo("\nThe demo keeps running. Press Ctrl-C to stop it.")
                await asyncio.to_thread(server_process.wait)
                raise NotThere(f"the server stopped; {data_dir / 'server.log'} says: {_end_of(data_dir / 'server.log')}")
    finally:
        await door.close()


def _free(wanted: int) -> int:
    for port in (*range(wanted, min(wanted + 100, 65536)), 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise NotThere("no port is free on 127.0.0.1")


def _serve(port: int, data_dir: Path) -> list[str]:
    return [sys.executable, "-m", "dragoman.cli", "serve", "--port", str(port), "--data-dir", str(data_dir)]


def _environment(url: str) -> dict[str, str]:
    """The demo's own settings: nothing of the operator's real installation may leak into it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DRAGOMAN_")}
    return {
        **kept,
        "DRAGOMAN_GRAPH_URL": "sandbox",
        "DRAGOMAN_PUBLIC_URL": url,
        "DRAGOMAN_ALLOW_PRIVATE_URLS": "127.0.0.0/8",
        "DRAGOMAN_API_RATE_LIMIT": "10000",
    }


@asynccontextmanager
async def _child(command: list[str], log: Path, environment: dict[str, str]) -> AsyncIterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)  # noqa: S603, ASYNC220
    try:
        yield process
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, 20)
        except subprocess.TimeoutExpired:
            process.kill()


async def _ready(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise NotThere(f"the server stopped at once; {log} says: {_end_of(log)}")
        try:
            await server.call("GET", "/readyz")
            return
        except NotThere:
            await asyncio.sleep(0.1)
    raise NotThere(f"the server was not ready within 30 seconds; see {log}")


def _end_of(log: Path) -> str:
    return log.read_text().strip()[-500:]


async def _listening(process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        if "listens on" in _end_of(log):
            return
        if process.poll() is not None:
            raise NotThere(f"the example agent stopped at once; {log} says: {_end_of(log)}")
        await asyncio.sleep(0.05)
    raise NotThere(f"the example agent did not start within 10 seconds; {log} says: {_end_of(log)}")


async def _key(office: Office) -> str:
    return (await keys.create(office.db, office.vault, office.clock, office.organisation_id, "Demo"))[1]


def _example(name: str) -> Path:
    """A file of the examples: in the installed package, or beside the sources."""
    package = Path(__file__).parents[1]
    for folder in (package / "examples", package.parents[1] / "examples"):
        if (file := folder / name).exists():
            return file
    raise NotThere(f"the example {name} is not installed; run the demo from a clone of the repository")


def _tell_where(server: Server, agent: dict[str, Any], native: dict[str, Any], program: Path, data_dir: Path) -> None:
    typer.echo(f"""
All of it went through a real webhook, a real database and a real Graph API (the sandbox's).

  Phone page     {server.url}/sandbox/phone
  This agent     {agent["connectUrl"]}
  Native agent   {native["connectUrl"]}
  API and docs   {server.url}/api/v1/docs/      X-API-Key: {server.key}
  The agent      {program}
  Logs           {data_dir}/server.log, {data_dir}/agent.log""")
