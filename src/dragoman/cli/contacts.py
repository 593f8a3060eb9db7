"""People a business talks to: erasing one, and the list of those who were erased."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from uuid import UUID

import msgspec
import typer

from dragoman.accounts.secrets import load_key
from dragoman.cli.running import DataDir, Office, Org, day, run, table
from dragoman.conversations import contacts, erasing, erasing_rest, tombstones
from dragoman.conversations.services import Services
from dragoman.conversations.tombstones import Tombstone

contacts_app = typer.Typer(help="People a business talks to.", no_args_is_help=True)

QUESTION = "Erase {who}: the person, all that was said, the files, what agents remember? There is no way back."


@contacts_app.command("erase")
def erase_contact(
    who: Annotated[str, typer.Argument(help="Id of the contact, or phone number with country code")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    data_dir: DataDir = None,
    org: Org = None,
) -> None:
    """Erase a person, whether the server runs or not, and print the report."""
    if not yes:
        typer.confirm(QUESTION.format(who=who), abort=True)

    async def work(office: Office) -> erasing.Erasure:
        services = services_of(office)
        contact_id = await _found(office, who)
        erasure = await erasing.erase(office.db, office.vault, office.clock, office.organisation_id, contact_id)
        await erasing_rest.finish(services, office.organisation_id, erasure.id)
        return await erasing.read(office.db, office.organisation_id, erasure.id)

    report = run(data_dir, org, work)
    counts = [(what, str(count)) for what, count in report.counts.items() if count]
    table([("ERASED", "COUNT"), *counts])
    typer.echo(f"asked {day(report.asked_at)}, finished {day(report.finished_at)} UTC, report {report.id}")


@contacts_app.command("erased")
def erased_contacts(data_dir: DataDir = None) -> None:
    """Print who was erased, in all organisations, one line each, as `erase-again` and `dragoman restore --erasures` read it."""

    async def work(office: Office) -> list[Tombstone]:
        return await erasing_rest.known(office.db)

    for one in run(data_dir, None, work):
        typer.echo(msgspec.json.encode(one).decode())


@contacts_app.command("erase-again")
def erase_again(
    file: Annotated[Path, typer.Argument(help="What `dragoman contacts erased` printed, or erasures.jsonl", exists=True, dir_okay=False)],
    data_dir: DataDir = None,
) -> None:
    """Erase again whom a database that was restored by other means than `dragoman restore` has brought back."""
    listed = tombstones.read(file)

    async def work(office: Office) -> int:
        return await erasing_rest.again(services_of(office), listed)

    typer.echo(erased_again(listed, run(data_dir, None, work)))


def erased_again(listed: Sequence[Tombstone], count: int) -> str:
    return f"Erased again: {count} of the {len(listed)} people who were erased before."


def services_of(office: Office) -> Services:
    return Services.make(office.settings, office.clock, office.db, load_key(office.settings))


async def _found(office: Office, who: str) -> UUID:
    try:
        return UUID(who)
    except ValueError:
        return await erasing.by_phone(office.db, office.organisation_id, contacts.digits(who, "who"))
