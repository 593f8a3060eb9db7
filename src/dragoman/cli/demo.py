"""`dragoman demo`: the whole thing on one machine, in one command.

Starts a server with its embedded PostgreSQL and the sandbox, starts the example agent as a program of its own, makes it
a BYOA agent through the API, lets a customer write to it, and prints what was said and how long each hop took.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from dragoman.accounts import keys
from dragoman.cli.phone import NotThere, Phone, Server, shown
from dragoman.cli.running import Office, run
from dragoman.http.trusted import Trusted

NUMBER = "15550001234"
LINES = ("Hi there!", "Are you open on Sunday?", "Can you send me a picture?", "I would like to order bread")


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
    url, agent_port = f"http://127.0.0.1:{port}", _free(8060)
    door = Trusted()
    await door.open()
    try:
        typer.echo(f"Starting Dragoman on {url} (data in {data_dir}) ...")
        async with _child(_serve(port, data_dir), data_dir / "server.log", _environment(url)) as server_process:
            server = Server(door, url)
            await _ready(server, server_process, data_dir / "server.log")
            server.key = await asyncio.to_thread(run, data_dir, None, _key)
            agent = await _hire(server, agent_port)
            environment = {**os.environ, "AGENT_SECRET": agent["byoa"]["secret"], "AGENT_URL": f"http://127.0.0.1:{agent_port}"}
            program = _example()
            typer.echo(f"Starting the example agent, {program.name}, on http://127.0.0.1:{agent_port} ...\n")
            log = data_dir / "agent.log"
            async with _child([sys.executable, str(program), str(agent_port)], log, environment) as agent_process:
                await _listening(agent_process, log)
                await _play(server)
                _tell_where(url, server.key, agent, program, data_dir)
                if once:
                    typer.echo("\nNow it stops. Without --once (make: ONCE=1) it keeps running, and the phone page can be opened.")
                    return
                typer.echo("\nThe demo keeps running. Press Ctrl-C to stop it.")
                await asyncio.to_thread(server_process.wait)
                raise NotThere(f"the server stopped; {data_dir / 'server.log'} says: {_end_of(data_dir / 'server.log')}")
    finally:
        await door.close()


def _free(wanted: int) -> int:
    for port in (wanted, 0):
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


async def _hire(server: Server, agent_port: int) -> dict[str, Any]:
    body = {"webhookUrl": f"http://127.0.0.1:{agent_port}/", "name": "Bakery Lumen"}
    agent: dict[str, Any] = await server.call("POST", "/api/v1/agents/byoa/", body)
    await server.call("POST", f"/api/v1/phone-numbers/{NUMBER}/connect-agent/", {"agentId": agent["id"]})
    return agent


async def _play(server: Server) -> None:
    dana = await Phone.of(server, "Dana", "+15550007890")
    for line in LINES:
        await _exchange(server, dana, line)
    order = (await dana.said_to_me())[-1]
    if rows := (order["list"] or {}).get("rows"):
        await _exchange(server, dana, f"[ {rows[0]['title']} ]", tap=(order["id"], rows[0]["id"]), replies=2)


async def _exchange(server: Server, dana: Phone, line: str, tap: tuple[str, str] | None = None, replies: int = 1) -> None:
    """One line of Dana's, the answers, and the hops between them."""
    wamid = await dana.tap(tap[0], {"row_id": tap[1]}) if tap else await dana.say(line)
    typer.secho(f"Dana    {line}", fg=typer.colors.CYAN)
    for nth in range(replies):
        news = await dana.hear(20)
        if not news:
            raise NotThere(f"the agent did not answer {line!r} within 20 seconds; the logs in the demo's data directory say why")
        for message in news:
            typer.secho("\n".join(("Lumen   " if i == 0 else "        ") + part for i, part in enumerate(shown(message).splitlines())))
        if nth == 0:
            typer.secho(f"        {await _hops(server, wamid)}\n", fg=typer.colors.BRIGHT_BLACK)


async def _hops(server: Server, wamid: str) -> str:
    """The way of one message through the house, from the flight recorder."""
    page = await server.call("GET", "/api/v1/conversations/?ordering=-last_message_time&limit=1")
    timeline = await server.call("GET", f"/api/v1/conversations/{page['results'][0]['id']}/timeline/")
    entries = timeline["entries"]
    start = next(i for i, entry in enumerate(entries) if entry["details"].get("wamid") == wamid)
    received, since = _at(entries[start]), entries[start:]
    asked = next((e for e in since if e["kind"] == "agent_called"), None)
    attempt = next((e for e in since if e["kind"] == "send_attempt"), None)
    if asked is None or attempt is None:
        return "(no answer was sent)"
    waited = (_at(asked) - received).total_seconds() * 1000
    thought, sent = asked["details"]["durationMs"], attempt["details"].get("durationMs") or 0.0
    total = (_at(attempt) - received).total_seconds() * 1000 + sent
    return f"stored, asked the agent after {waited:.0f} ms · it answered in {thought:.0f} ms · WhatsApp took it in {sent:.0f} ms · {total:.0f} ms in all"


def _at(entry: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["at"])


def _example() -> Path:
    """The example agent: in the installed package, or beside the sources."""
    package = Path(__file__).parents[1]
    for folder in (package / "examples", package.parents[1] / "examples"):
        if (program := folder / "shop_agent.py").exists():
            return program
    raise NotThere("the example agent is not installed; run the demo from a clone of the repository")


def _tell_where(url: str, key: str, agent: dict[str, Any], program: Path, data_dir: Path) -> None:
    typer.echo(f"""
All of it went through a real webhook, a real database and a real Graph API (the sandbox's).

  Phone page     {url}/sandbox/phone
  This agent     {agent["connectUrl"]}
  API and docs   {url}/api/v1/docs/      X-API-Key: {key}
  The agent      {program}
  Logs           {data_dir}/server.log, {data_dir}/agent.log""")
