"""The `dragoman` command. Each group of commands is a file; here they come together, and here an error becomes one line."""

import sys

import psycopg
import typer

from dragoman.accounts.secrets import Unopenable
from dragoman.cli import accounts, backup, chat, contacts, demo, models, people, secret_key, serving
from dragoman.cli.doctor import command as doctor
from dragoman.errors import Problem
from dragoman.settings import SettingsError
from dragoman.store.database import UnsafeDatabase
from dragoman.store.migrate import NewerDatabase

app = typer.Typer(
    name="dragoman",
    help="A self-hosted platform for WhatsApp AI agents.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(serving.serve)
app.command()(demo.demo)
app.command()(chat.chat)
app.command()(doctor.doctor)
app.command()(backup.backup)
app.command()(backup.restore)
app.add_typer(accounts.keys_app, name="keys")
app.add_typer(people.tokens_app, name="tokens")
app.add_typer(people.members_app, name="members")
app.add_typer(contacts.contacts_app, name="contacts")
app.add_typer(accounts.orgs_app, name="orgs")
app.add_typer(accounts.apps_app, name="apps")
app.add_typer(accounts.numbers_app, name="numbers")
app.add_typer(models.models_app, name="models")
app.add_typer(secret_key.secret_key_app, name="secret-key")


def main() -> None:
    try:
        app()
    except (Problem, SettingsError, NewerDatabase, UnsafeDatabase, Unopenable) as error:
        sys.exit(f"dragoman: {error}")
    except OSError as error:
        if error.filename is None:
            raise
        sys.exit(f"dragoman: {error.filename} cannot be used: {error.strerror}")
    except psycopg.Error as error:
        sys.exit(f"dragoman: the database cannot be used: {str(error).strip().splitlines()[0]}")
