"""Tokens and members: what clients of the second dialect, `/v2/`, come with."""

import sys
from datetime import timedelta
from typing import Annotated

import typer

from dragoman.accounts import callers, members, tokens
from dragoman.cli.running import DataDir, Office, Org, Permission, day, run, table

tokens_app = typer.Typer(help="Tokens for clients of the second dialect, /v2/.", no_args_is_help=True)
members_app = typer.Typer(help="People who log in with an e-mail address and a password (POST /v2/_login).", no_args_is_help=True)

Email = Annotated[str, typer.Option(help="E-mail address of the member")]


@tokens_app.command("create")
def create_token(
    name: Annotated[str, typer.Option(help="What the token is for")] = "token",
    days: Annotated[int, typer.Option(help="How long it works", min=1, max=3650)] = 365,
    permission: Permission = None,
    data_dir: DataDir = None,
    org: Org = None,
) -> None:
    """Make a token (JWT) and print it, alone. Nothing of it is stored."""

    async def work(office: Office) -> str:
        allowed = callers.checked(permission or None)
        life = timedelta(days=days)
        return tokens.create(office.vault, office.clock, office.organisation_id, name, life, permissions=allowed).text

    typer.echo(run(data_dir, org, work))


@tokens_app.command("call-back")
def call_tokens_back(data_dir: DataDir = None, org: Org = None) -> None:
    """Make every token of the organisation useless that was made until now, those of members who are logged in too."""

    async def work(office: Office) -> None:
        await tokens.call_back(office.db, office.clock, office.organisation_id)

    run(data_dir, org, work)
    typer.echo("every token made until now opens nothing any more")


@members_app.command("add")
def add_member(
    email: Email,
    name: Annotated[str, typer.Option(help="What the person is called")] = "",
    permission: Permission = None,
    data_dir: DataDir = None,
    org: Org = None,
) -> None:
    """Add a member, or give a known one a new password. The password is asked for, or read from standard input."""
    password = (
        typer.prompt("Password", hide_input=True, confirmation_prompt=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    )

    async def work(office: Office) -> members.Member:
        allowed = callers.checked(permission or None)
        return await members.put(office.db, office.clock, office.organisation_id, email, name, password, allowed)

    typer.echo(f"{run(data_dir, org, work).email} can log in")


@members_app.command("list")
def list_members(data_dir: DataDir = None, org: Org = None) -> None:
    """List members."""

    async def work(office: Office) -> list[members.Member]:
        return await members.listing(office.db, office.organisation_id)

    rows = [
        (one.email, one.name, day(one.created_at), ", ".join(one.permissions) if one.permissions is not None else "everything")
        for one in run(data_dir, org, work)
    ]
    table([("E-MAIL", "NAME", "CREATED", "MAY DO"), *rows])


@members_app.command("remove")
def remove_member(email: Email, data_dir: DataDir = None, org: Org = None) -> None:
    """Remove a member; what the person had logged in with opens nothing any more."""

    async def work(office: Office) -> None:
        await members.remove(office.db, office.organisation_id, email)

    run(data_dir, org, work)
    typer.echo(f"{email} is removed")
