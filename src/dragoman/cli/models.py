"""Model providers from the command line: whose key is used for a model's name, and where it is sent."""

import re
from typing import Annotated

import typer

from dragoman.accounts.secrets import load_key
from dragoman.agents.kit import Kit
from dragoman.agents.llm import providers
from dragoman.agents.llm.providers import Provider
from dragoman.cli.running import DataDir, Office, Org, run, table
from dragoman.conversations.services import Services

models_app = typer.Typer(help="Model providers for native agents.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="What stands before the slash in a model's name, such as openai")]


def _kit(office: Office) -> Kit:
    return Services.make(office.settings, office.clock, office.db, load_key(office.settings)).kit


@models_app.command("add")
def add(
    name: Name,
    kind: Annotated[str, typer.Option(help="Whose API it speaks: openai (so do most servers), anthropic or google")] = "openai",
    base_url: Annotated[str | None, typer.Option(help="Where it is [default: the provider's own address]")] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar="MODEL_API_KEY", help="Its key; kept when left out, unless the address changes")
    ] = None,
    data_dir: DataDir = None,
    org: Org = None,
) -> None:
    """Add a provider, or change a known one. Its models are then called NAME/<model>."""
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", name):
        raise typer.BadParameter("must be small letters, digits, - and _, and begin with a letter", param_hint="NAME")
    if kind not in providers.KINDS:
        raise typer.BadParameter(f"must be one of {', '.join(providers.KINDS)}", param_hint="--kind")

    async def work(office: Office) -> Provider:
        return await providers.put(_kit(office), office.organisation_id, name, kind, base_url, api_key)

    provider = run(data_dir, org, work)
    key = f"with the key {provider.key_hint}" if provider.key_hint else "without a key"
    typer.echo(f"{provider.name} is known {key}. Its models are called {provider.name}/<model>")


@models_app.command("list")
def list_providers(data_dir: DataDir = None, org: Org = None) -> None:
    """List providers, without their keys."""

    async def work(office: Office) -> list[Provider]:
        return await providers.listing(_kit(office), office.organisation_id)

    rows = [(one.name, one.kind, one.base_url or "its own", one.key_hint or "none") for one in run(data_dir, org, work)]
    table([("NAME", "KIND", "ADDRESS", "KEY"), *rows])


@models_app.command("remove")
def remove(name: Name, data_dir: DataDir = None, org: Org = None) -> None:
    """Forget a provider and its key."""

    async def work(office: Office) -> None:
        await providers.remove(_kit(office), office.organisation_id, name)

    run(data_dir, org, work)
    typer.echo(f"{name} is forgotten")
