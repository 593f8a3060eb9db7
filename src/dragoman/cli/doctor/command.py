"""The command: every check in order, printed for people or for programs."""

import asyncio
from itertools import groupby
from typing import Annotated
from uuid import UUID

import msgspec
import psycopg
import typer

from dragoman import settings
from dragoman.accounts import numbers, organisations
from dragoman.accounts.numbers import Number
from dragoman.accounts.secrets import Vault, load_key
from dragoman.cli.doctor import agents, installation
from dragoman.cli.doctor import connection as connections
from dragoman.cli.doctor.connection import Clinic
from dragoman.cli.doctor.finding import Finding, doubtful, good, wrong
from dragoman.cli.running import DataDir, Org
from dragoman.clock import Clock
from dragoman.errors import NotFound
from dragoman.http.trusted import Trusted
from dragoman.settings import Settings, SettingsError
from dragoman.store import embedded
from dragoman.store.database import Database, UnsafeDatabase

HERE = installation.HERE


def doctor(
    number: Annotated[str | None, typer.Option(help="Look at this number only: +15550001234 or its phone number ID")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the same for programs")] = False,
    data_dir: DataDir = None,
    org: Org = None,
) -> None:
    """Say what is wrong with this installation and its numbers, and what to do. Exit code 1 when something is."""
    try:
        loaded = settings.load(data_dir=data_dir)
    except SettingsError as error:
        findings = [wrong(HERE, "settings", str(error), "correct the variable")]
    else:
        findings = asyncio.run(examine(loaded, Clock(), number, org))
    fine = all(finding.state != "wrong" for finding in findings)
    typer.echo(msgspec.json.encode({"ok": fine, "findings": findings}).decode() if as_json else told(findings))
    raise typer.Exit(0 if fine else 1)


def told(findings: list[Finding]) -> str:
    lines = []
    for about, group in groupby(findings, key=lambda finding: finding.about):
        lines += [about, *(f"  {finding.line}" for finding in group)]
    return "\n".join(lines)


async def examine(loaded: Settings, clock: Clock, number: str | None = None, org: str | None = None) -> list[Finding]:
    """Every check that can be made: one that fails may leave nothing for the next to stand on. Raises NotFound: no such number."""
    findings = [good(HERE, "settings", "understood"), installation.disk(loaded)]
    if nothing := installation.never_started(loaded):
        return [*findings, nothing]
    try:
        vault = Vault(load_key(loaded))
    except SettingsError as error:
        return [*findings, wrong(HERE, "secret key", str(error), "give this command the settings of the server")]
    try:
        uri = loaded.database_url or await embedded.start(loaded.data_dir)
        findings += await installation.inside(uri, loaded, vault)
        if any(finding.check == "schema" and finding.state == "wrong" for finding in findings):
            return findings
        return [*findings, *await _outside(uri, loaded, clock, vault, number, org)]
    except (psycopg.Error, UnsafeDatabase) as error:
        return [*findings, wrong(HERE, "database", str(error).strip().splitlines()[0], "start PostgreSQL, or mend DRAGOMAN_DATABASE_URL")]


async def _outside(uri: str, loaded: Settings, clock: Clock, vault: Vault, number: str | None, org: str | None) -> list[Finding]:
    db, trusted = Database(uri, largest=2), Trusted()
    await trusted.open()
    try:
        await db.open()
        clinic = Clinic(loaded, clock, db, vault, trusted)
        chosen = await _chosen(db, number, org)
        off = await agents.switched_off(db, await _wanted(db, org))
        if not chosen:
            return [*off, doubtful("numbers", "numbers", "none is connected", "dragoman apps add, then dragoman numbers add")]
        findings = off
        for app_id in dict.fromkeys(one.app_id for one in chosen):
            findings += await connections.app(clinic, app_id)
        if any(finding.check == "Graph API" for finding in findings):
            return findings
        for one in chosen:
            findings += await connections.number(clinic, one)
        return findings
    finally:
        await db.close()
        await trusted.close()


async def _wanted(db: Database, org: str | None) -> list[UUID]:
    return [await organisations.by_name_or_id(db, org)] if org else [one.id for one in await organisations.listing(db)]


async def _chosen(db: Database, number: str | None, org: str | None) -> list[Number]:
    known = [one for organisation_id in await _wanted(db, org) for one in await numbers.listing(db, organisation_id)]
    if number is None:
        return known
    found = [one for one in known if number == one.phone_number_id or numbers.digits(number) == one.display_number]
    if not found:
        raise NotFound(f"there is no number {number}; `dragoman numbers list` shows them")
    return found
