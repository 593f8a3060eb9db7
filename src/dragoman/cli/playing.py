"""What is said in `dragoman demo`: Dana and an agent of one's own, then Zoë and a native one; with the hops that each message took."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import typer

from dragoman.cli.phone import NotThere, Phone, Server, shown

NUMBER = "15550001234"
LINES = ("Hi there!", "Are you open on Sunday?", "Can you send me a picture?", "I would like to order bread")
KNOWN, UNKNOWN = "Which of your breads are vegan?", "Can you mend my bicycle?"
DIM = typer.colors.BRIGHT_BLACK


async def hire(server: Server, agent_port: int) -> dict[str, Any]:
    """The example agent at this port, on the sandbox's number."""
    body = {"webhookUrl": f"http://127.0.0.1:{agent_port}/", "name": "Bakery Lumen"}
    agent: dict[str, Any] = await server.call("POST", "/api/v1/agents/byoa/", body)
    await server.call("POST", f"/api/v1/phone-numbers/{NUMBER}/connect-agent/", {"agentId": agent["id"]})
    return agent


async def play(server: Server) -> None:
    dana = await Phone.of(server, "Dana", "+15550007890")
    talk = Talk(server, dana, "Dana", "Lumen")
    for line in LINES:
        await talk.exchange(line)
    order = (await dana.said_to_me())[-1]
    if rows := (order["list"] or {}).get("rows"):
        await talk.exchange(f"[ {rows[0]['title']} ]", tap=(order["id"], rows[0]["id"]), replies=2)


def knowledge(faqs: Path) -> list[dict[str, str]]:
    return msgspec.json.decode(faqs.read_bytes(), type=list[dict[str, str]])


async def play_native(server: Server, known: list[dict[str, str]]) -> dict[str, Any]:
    """A native agent that knows these questions and answers, and what it makes of one that is among them and one that is not."""
    agent: dict[str, Any] = await server.call("POST", "/api/v1/agents/", {"name": "Lumi", "llmModel": "builtin/faq"})
    await _teach(server, agent["id"], known)
    typer.echo(f"\nNow a native agent: it thinks inside Dragoman, without a language model ({agent['llmModel']}).\n")
    zoe = await Phone.of(server, "Zoë", "+15550007891")
    await zoe.say(f"/connect:{agent['id']}")
    await zoe.hear(20)
    talk = Talk(server, zoe, "Zoë", "Lumi")
    right = next(pair["answer"] for pair in known if pair["question"] == KNOWN)
    if (said := await talk.exchange(KNOWN)) != right:
        raise NotThere(f"the native agent knows the answer to {KNOWN!r}, and said {said!r}")
    await talk.exchange(UNKNOWN)
    return agent


async def _teach(server: Server, agent_id: str, faqs: list[dict[str, str]]) -> None:
    """Give the agent its knowledge and wait until it is read."""
    await server.call("POST", f"/api/v1/agents/{agent_id}/documents/", {"faqs": faqs})
    for _ in range(200):
        documents = (await server.call("GET", f"/api/v1/agents/{agent_id}/"))["documents"]
        states = {document["status"] for document in documents}
        if states == {"ready"}:
            return
        if "error" in states:
            raise NotThere("the example knowledge could not be read; the server's log says why")
        await asyncio.sleep(0.1)
    raise NotThere("the example knowledge was not read within 20 seconds; the server's log may say why")


class Talk:
    """One customer and one agent, and the names under which their lines are printed."""

    def __init__(self, server: Server, phone: Phone, customer: str, agent: str) -> None:
        self.server = server
        self.phone = phone
        self.customer = customer
        self.agent = agent

    async def exchange(self, line: str, tap: tuple[str, str] | None = None, replies: int = 1) -> str:
        """One line of the customer's, the answers, and the hops between them; what was answered."""
        wamid = await self.phone.tap(tap[0], {"row_id": tap[1]}) if tap else await self.phone.say(line)
        typer.secho(f"{self.customer:8}{line}", fg=typer.colors.CYAN)
        said = []
        for nth in range(replies):
            news = await self.phone.hear(20)
            if not news:
                raise NotThere(f"the agent did not answer {line!r} within 20 seconds; the logs in the demo's data directory say why")
            said += [shown(message) for message in news]
            for text in said[-len(news) :]:
                typer.secho("\n".join(f"{'' if i else self.agent:8}{part}" for i, part in enumerate(text.splitlines())))
            if nth == 0:
                typer.secho(f"        {await _hops(self.server, wamid)}\n", fg=DIM)
        return "\n".join(said)


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
