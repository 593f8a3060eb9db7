"""Organisations, API keys, Meta apps and phone numbers from the command line."""

from typing import Annotated

import typer

from dragoman.accounts import callers, keys, numbers, organisations
from dragoman.accounts.numbers import NewNumber, Number
from dragoman.cli.running import DataDir, Office, Org, Permission, day, run, table

keys_app = typer.Typer(help="API keys for the program that calls Dragoman.", no_args_is_help=True)
orgs_app = typer.Typer(help="Organisations: businesses that share one Dragoman and never see each other.", no_args_is_help=True)
apps_app = typer.Typer(help="Meta apps, whose webhooks Dragoman receives.", no_args_is_help=True)
numbers_app = typer.Typer(help="WhatsApp business phone numbers.", no_args_is_help=True)


@keys_app.command("create")
def create_key(
    name: Annotated[str, typer.Option(help="What the key is for")],
    permission: Permission = None,
    data_dir: DataDir = None,
    org: Org = None,
) -> None:
    """Make an API key and print it, alone. It is not shown again."""

    async def work(office: Office) -> str:
        allowed = callers.checked(permission or None)
        _, text = await keys.create(office.db, office.vault, office.clock, office.organisation_id, name, permissions=allowed)
        return text

    typer.echo(run(data_dir, org, work))


@keys_app.command("list")
def list_keys(data_dir: DataDir = None, org: Org = None) -> None:
    """List API keys, without their secret part."""

    async def work(office: Office) -> list[keys.ApiKey]:
        return await keys.listing(office.db, office.organisation_id)

    rows = [(key.prefix, key.name, day(key.created_at), day(key.last_used_at), _state(key)) for key in run(data_dir, org, work)]
    table([("PREFIX", "NAME", "CREATED", "LAST USED", "STATE"), *rows])


@keys_app.command("revoke")
def revoke_key(
    prefix: Annotated[str, typer.Argument(help="The key's prefix, as `keys list` shows it")], data_dir: DataDir = None, org: Org = None
) -> None:
    """Make an API key useless, at once and for good."""

    async def work(office: Office) -> keys.ApiKey:
        return await keys.revoke(office.db, office.clock, office.organisation_id, prefix)

    key = run(data_dir, org, work)
    typer.echo(f"{key.prefix} ({key.name}) is revoked")


@orgs_app.command("add")
def add_org(name: Annotated[str, typer.Argument(help="The business's name")], data_dir: DataDir = None) -> None:
    """Add an organisation and print its id."""

    async def work(office: Office) -> str:
        return str(await organisations.create(office.db, office.clock, name))

    typer.echo(run(data_dir, None, work))


@orgs_app.command("list")
def list_orgs(data_dir: DataDir = None) -> None:
    """List organisations."""

    async def work(office: Office) -> list[organisations.Organisation]:
        return await organisations.listing(office.db)

    table([("ID", "NAME", "CREATED"), *((str(one.id), one.name, day(one.created_at)) for one in run(data_dir, None, work))])


@apps_app.command("add")
def add_app(
    app_id: Annotated[str, typer.Option(help="App ID, from the app's dashboard at developers.facebook.com")],
    app_secret: Annotated[str, typer.Option(envvar="META_APP_SECRET", help="App secret (App settings, Basic)")],
    verify_token: Annotated[str, typer.Option(help="Any text; the same one goes into the webhook's configuration at Meta")],
    data_dir: DataDir = None,
    org: Org = None,
) -> None:
    """Add a Meta app, or give a known one a new secret."""

    async def work(office: Office) -> str:
        await numbers.add_app(
            office.db, office.vault, office.clock, office.organisation_id, app_id=app_id, app_secret=app_secret, verify_token=verify_token
        )
        return office.settings.public_url

    public_url = run(data_dir, org, work)
    typer.echo(f"App {app_id} is known. At Meta, set the webhook's callback URL to {public_url}/webhooks/whatsapp/{app_id}")


@numbers_app.command("add")
def add_number(
    phone_number_id: Annotated[str, typer.Option(help="Phone number ID, from WhatsApp Manager")],
    waba_id: Annotated[str, typer.Option(help="WhatsApp Business Account ID")],
    display_number: Annotated[str, typer.Option(help="The number itself, such as +15550001234")],
    access_token: Annotated[str, typer.Option(envvar="META_ACCESS_TOKEN", help="Token of a system user with whatsapp_business_messaging")],
    app_id: Annotated[str, typer.Option(help="The Meta app that the number is subscribed to; add it first")],
    name: Annotated[str, typer.Option(help="The name customers see")] = "",
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Customers may pick an agent by sending /connect:<agent id>")] = False,
    per_second: Annotated[float, typer.Option(help="Messages a second that WhatsApp allows this number")] = 80,
    data_dir: DataDir = None,
    org: Org = None,
) -> None:
    """Add a phone number, or give a known one a new access token."""
    new = NewNumber(
        app_id=app_id,
        phone_number_id=phone_number_id,
        waba_id=waba_id,
        display_number=display_number,
        access_token=access_token,
        name=name,
        is_sandbox=sandbox,
        per_second=per_second,
    )

    async def work(office: Office) -> Number:
        return await numbers.add_number(office.db, office.vault, office.clock, office.organisation_id, new)

    number = run(data_dir, org, work)
    typer.echo(f"+{number.display_number} is known as {number.id}")


@numbers_app.command("list")
def list_numbers(data_dir: DataDir = None, org: Org = None) -> None:
    """List phone numbers, and who answers on them."""

    async def work(office: Office) -> list[Number]:
        return await numbers.listing(office.db, office.organisation_id)

    rows = [
        (f"+{one.display_number}", one.phone_number_id, one.app_id, str(one.agent_id or "nobody"), one.paused_reason or "")
        for one in run(data_dir, org, work)
    ]
    table([("NUMBER", "PHONE NUMBER ID", "APP", "AGENT", "PAUSED"), *rows])


def _state(key: keys.ApiKey) -> str:
    if key.revoked_at:
        return "revoked"
    return f"until {day(key.expires_at)}" if key.expires_at else "good"
