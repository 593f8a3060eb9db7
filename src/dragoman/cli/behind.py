"""What happened behind the lines of a chat: which tools an agent used and what came of them, which model was asked.

Read from the flight recorder, which wants an API key. One is made from the data directory for the length of a chat and revoked at its
end; where none can be made, a chat shows the lines alone.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import psycopg

from dragoman import settings
from dragoman.accounts import keys
from dragoman.accounts.secrets import Unopenable
from dragoman.cli.phone import NotThere, Server, plain
from dragoman.cli.running import Office, run
from dragoman.errors import Problem
from dragoman.settings import Settings, SettingsError
from dragoman.store.database import UnsafeDatabase
from dragoman.store.migrate import NewerDatabase

LONGEST = 300  # characters of arguments or of a result
NO_KEY = (Problem, SettingsError, NewerDatabase, UnsafeDatabase, Unopenable, OSError, psycopg.Error)


@asynccontextmanager
async def key_for(url: str, data_dir: Path | None, org: str | None) -> AsyncIterator[str]:
    """A key for the server at `url`, good for this block; "" when there is no database of it at hand."""
    if not _ours(settings.load(data_dir=data_dir), url):
        yield ""
        return

    async def make(office: Office) -> tuple[str, str]:
        until = office.clock.now() + timedelta(hours=24)
        key, text = await keys.create(office.db, office.vault, office.clock, office.organisation_id, "dragoman chat", until)
        return key.prefix, text

    try:
        prefix, text = await asyncio.to_thread(run, data_dir, org, make)
    except NO_KEY:
        if org:
            raise  # somebody asked for this one
        yield ""
        return

    async def revoke(office: Office) -> None:
        await keys.revoke(office.db, office.clock, office.organisation_id, prefix)

    try:
        yield text
    finally:
        await asyncio.shield(asyncio.to_thread(run, data_dir, org, revoke))


def _ours(loaded: Settings, url: str) -> bool:
    """Is there a running database, and does `url` lead to this machine or to its own server? A key goes nowhere else."""
    known = url.rstrip("/") == loaded.public_url or urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    return known and (not loaded.embedded or (loaded.data_dir / "postgres" / "postmaster.pid").exists())


@dataclass
class Behind:
    """Tells, for one person's conversation, what has happened since it was last asked. Without a key it tells nothing."""

    server: Server
    conversation: str | None = None
    told: set[tuple[str, str]] = field(default_factory=set)

    async def since(self, wamid: str) -> list[str]:
        """Lines about tools and models; the first time, those since the message `wamid`."""
        if not self.server.key:
            return []
        try:
            entries = await self._entries(wamid)
        except NotThere:
            return []  # a key of another installation, or a conversation of another organisation
        lines = []
        for entry in entries:
            mark = (entry["details"]["id"], str(entry["details"].get("state")))
            if mark not in self.told and (line := _told(entry)):
                self.told.add(mark)
                lines.append(line)
        return lines

    async def _entries(self, wamid: str) -> list[dict[str, Any]]:
        if self.conversation is not None:
            return await self._timeline(self.conversation)
        page = await self.server.call("GET", "/api/v1/conversations/?ordering=-last_message_time&limit=5")
        for conversation in page["results"]:
            entries = await self._timeline(conversation["id"])
            start = next((n for n, entry in enumerate(entries) if entry["details"].get("wamid") == wamid), None)
            if start is not None:
                self.conversation = conversation["id"]
                self.told |= {(entry["details"]["id"], str(entry["details"].get("state"))) for entry in entries[:start]}
                return entries[start:]
        return []

    async def _timeline(self, conversation: str) -> list[dict[str, Any]]:
        timeline = await self.server.call("GET", f"/api/v1/conversations/{conversation}/timeline/?limit=30")
        entries: list[dict[str, Any]] = timeline["entries"]
        return entries


def _told(entry: dict[str, Any]) -> str | None:
    details = entry["details"]
    if entry["kind"] == "model_asked":
        used = f"{details['promptTokens']} + {details['responseTokens']} tokens"
        return plain(f"· {details['model']}, {used}, {details['durationMs']:.0f} ms")
    if entry["kind"] != "tool_called" or details["state"] == "started":
        return None
    called = f"· {details['tool']} {_short(msgspec.json.encode(details['args']).decode())}"
    match details["state"]:
        case "held":
            return plain(f"{called} waits for {'a person' if details.get('asked') == 'person' else 'your word'}")
        case "declined":
            return plain(f"{called} was declined")
    came = entry["cause"] or details.get("result") or "nothing"
    return plain(f"{called} → {'failed: ' if entry['cause'] else ''}{_short(came)}")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
