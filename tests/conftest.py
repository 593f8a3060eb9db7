"""What every test may ask for: a clock, and a fresh database on a real PostgreSQL.

One embedded server serves the whole run, however many workers pytest-xdist starts. It is started by the first test that
needs it, holds one migrated template, and each test gets a copy of that.
"""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from dragoman.clock import Clock
from dragoman.store import embedded, migrate
from dragoman.store.database import Database

TEMPLATE = "dragoman_template"
NO_BROWSER = (
    "no Chromium found: the browser tests were left out. On Debian or Ubuntu: apt-get install chromium (or set CHROMIUM to its path)"
)
HOME = pytest.StashKey[Path]()


def pytest_configure(config):
    # A shell that starts something in the background has it ignore Ctrl-C, and with it every program that a test starts and stops that way.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Not pytest's own temporary directory: it is private, and PostgreSQL of a root user runs as another user.
    inherited = getattr(config, "workerinput", {}).get("server_home")
    config.stash[HOME] = Path(inherited or tempfile.mkdtemp(prefix="dragoman-tests-", dir=_fastest_place()))


def _fastest_place():
    """Memory, where there is enough of it: making a database is 400 files, 12 ms there and 300 ms on a slow disk."""
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 * 1024**3
    return memory if roomy else None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput["server_home"] = str(node.config.stash[HOME])


def pytest_unconfigure(config):
    if hasattr(config, "workerinput"):
        return
    _stop_server(config.stash[HOME] / "postgres" / "postmaster.pid")
    shutil.rmtree(config.stash[HOME], ignore_errors=True)


def _stop_server(pid_file):
    # With several workers the last one to leave has stopped it already, unless it crashed.
    if pid_file.exists():
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGINT)
        for _ in range(100):
            if not pid_file.exists():
                return
            time.sleep(0.05)


def _chromium():
    found = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    return os.environ.get("CHROMIUM") or next(filter(None, found), None)


def pytest_terminal_summary(terminalreporter):
    if _chromium() is None:
        terminalreporter.write_line(f"ATTENTION: {NO_BROWSER}", red=True, bold=True)


@pytest.fixture(scope="session")
def chromium():
    """The path of a browser for Playwright. Without one, browser tests are skipped aloud at home and fail in CI."""
    if (path := _chromium()) is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(NO_BROWSER)
    return path


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(scope="session")
def server(request):
    """A connection to the shared server, in which databases are made and dropped."""
    uri = asyncio.run(embedded.start(request.config.stash[HOME]))
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(1)")
        if not connection.execute("select 1 from pg_database where datname = %s", [TEMPLATE]).fetchone():
            _make_template(connection, uri)
        connection.execute("select pg_advisory_unlock(1)")
        yield connection


def _make_template(connection, uri):
    connection.execute(f"create database {TEMPLATE}_new")
    asyncio.run(migrate.upgrade(_inside(uri, f"{TEMPLATE}_new")))
    connection.execute(f"alter database {TEMPLATE}_new rename to {TEMPLATE}")


@pytest.fixture
def empty_database_uri(server):
    """A database without any table."""
    yield from _fresh(server, "template0")


@pytest.fixture
def database_uri(server):
    """A migrated database of this test's own, as a connection string: for tests that start processes."""
    yield from _fresh(server, TEMPLATE)


@pytest.fixture
async def database(database_uri):
    """The same, opened."""
    database = Database(database_uri)
    await database.open()
    yield database
    await database.close()


def _fresh(server, template):
    name = f"test_{uuid4().hex}"
    server.execute(f"create database {name} template {template} strategy file_copy")
    yield _inside(_uri(server), name)
    server.execute(f"drop database {name} with (force)")


def _uri(server):
    return f"postgresql://{server.info.user}@/postgres?host={server.info.host}"


def _inside(uri, name):
    return uri.replace("/postgres?", f"/{name}?")
