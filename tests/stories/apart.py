"""WhatsApp and Lumen's agent outside of the server: they live on while a server is killed, moved, upgraded or cut off."""

import asyncio
import os
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cast import Lumen, until
from program import Program, environment
from stage import free_port, free_socket, served
from typer.testing import CliRunner

from dragoman.accounts import keys, numbers, organisations
from dragoman.accounts.secrets import Vault
from dragoman.cli import app
from dragoman.clock import Clock
from dragoman.sandbox.app import Sandbox
from dragoman.store.database import Database

SECRET_KEY = "a secret key for tests, of more than 32 characters"
META = {"app_secret": "app-secret", "verify_token": "verify", "access_token": "token"}
WABA, NUMBER, DISPLAY = "102290000000001", "106540000000001", "+15550001234"


@dataclass
class WhatsApp:
    """The sandbox on its own; `port` is where it expects the server."""

    url: str
    port: int
    clock: Clock

    def settings(self, database_url, data_dir, **more):
        """Of a server that WhatsApp reaches."""
        return {
            "database_url": database_url,
            "secret_key": SECRET_KEY,
            "data_dir": data_dir,
            "public_url": f"http://127.0.0.1:{self.port}",
            "graph_url": f"{self.url}/graph",
            "allow_private_urls": "127.0.0.0/8",
            "lease_seconds": 3,
            "unknown_wait_seconds": 2,
            "api_rate_limit": 100_000,
        } | more


@asynccontextmanager
async def whatsapp(host="127.0.0.1"):
    """For the length of a block."""
    web, clock = free_socket(host), Clock()
    port, url = free_port(), f"http://{host}:{web.getsockname()[1]}"
    sandbox = Sandbox(clock, **META, callback_url=f"http://127.0.0.1:{port}/webhooks/whatsapp/sandbox", own_url=url)
    async with served(sandbox.app, web):
        try:
            yield WhatsApp(url, port, clock)
        finally:
            await sandbox.close()


async def furnish(uri, session, outside, secret_key=SECRET_KEY):
    """Lumen's number in a database; her server, which is still to be started, and her key."""
    database, vault, clock = Database(uri), Vault(secret_key), Clock()
    await database.open()
    try:
        organisation_id = await organisations.default(database, clock)
        _, key = await keys.create(database, vault, clock, organisation_id, "Till")
        app = {"app_id": "sandbox", "app_secret": META["app_secret"], "verify_token": META["verify_token"]}
        await numbers.add_app(database, vault, clock, organisation_id, **app)
        new = numbers.NewNumber(
            app_id="sandbox",
            phone_number_id=NUMBER,
            waba_id=WABA,
            display_number=DISPLAY,
            access_token=META["access_token"],
            is_sandbox=True,
        )
        await numbers.add_number(database, vault, clock, organisation_id, new)
    finally:
        await database.close()
    return Lumen(f"http://127.0.0.1:{outside.port}", key, session, None, organisation_id, sandbox_url=outside.url)


async def said_to(lumen):
    """What customers saw, each with how often: {(customer, text): times}."""
    ledger = await lumen.ledger()
    return Counter((entry["to"].strip("+"), entry["body"]["text"]["body"]) for entry in ledger if "text" in entry["body"])


@asynccontextmanager
async def serving_program(port, settings, log, *options, **more):
    """A server as a process of its own, ended at the end whatever has happened to it."""
    program = Program(port, settings, log, *options, **more)
    await program.start()
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.kill()


async def settled(uri, received, what="every message is answered and every answer settled"):
    """Wait until so many customer messages are answered and nothing is under way."""
    database = Database(uri, largest=2)
    await database.open()

    async def look():
        row = await database.fetch_one(
            """select (select count(*) from messages where direction = 'in') as received,
                      (select count(*) from messages where state in ('queued', 'sending')) as waiting,
                      (select count(*) from turns where state = 'open') as turns,
                      (select count(*) from conversations where wanted_seq > answered_seq) as asked"""
        )
        return (row["received"], row["waiting"], row["turns"], row["asked"]) == (received, 0, 0, 0)

    try:
        await until(look, what)
    finally:
        await database.close()


async def command(*words, **settings):
    """One command to its end, in this process, which is quicker than `program.run`: the exit code, what it printed, what it complained of."""
    wanted = environment(**settings)
    changes = {name: wanted.get(name) for name in {*wanted, *os.environ}}
    done = await asyncio.to_thread(CliRunner().invoke, app, [str(word) for word in words], env=changes)
    if done.exception and not isinstance(done.exception, SystemExit):
        return 1, done.stdout, f"dragoman: {done.exception}\n"
    return done.exit_code, done.stdout, done.stderr
