"""`dragoman serve`: the server itself."""

import asyncio
import gc
import socket
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

try:
    import resource
except ImportError:  # Windows has no such limit, and no uvloop either
    resource = None  # type: ignore[assignment]
try:
    from uvloop import new_event_loop
except ImportError:
    from asyncio import new_event_loop  # type: ignore[assignment]

from dragoman import settings
from dragoman.cli.logs import write_logs
from dragoman.cli.running import DataDir

BACKLOG = 4096  # connections that wait to be taken


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on")] = 8050,
    role: Annotated[str, typer.Option(help="all, web (the doors) or worker (the turns)")] = "all",
    data_dir: DataDir = None,
) -> None:
    """Run the server until interrupted."""
    if role not in ("all", "web", "worker"):
        raise typer.BadParameter("must be all, web or worker", param_hint="--role")
    loaded = load(data_dir, host, port)
    write_logs(loaded.log_level)
    listening = _listening(host, port)
    import dragoman.app as app

    open_many_files()
    look_for_garbage_less_often()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(app.serve(loaded, listening, role, backlog=BACKLOG))  # type: ignore[arg-type]


def _listening(host: str, port: int) -> socket.socket:
    """Taken before anything else is started, so that a second server on one address does nothing at all."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        why = str(error.strerror).partition(" (")[0].lower()
        raise settings.SettingsError(f"cannot listen on {host} port {port}: {why}. Choose others with --host and --port") from None


def load(data_dir: Path | None, host: str, port: int) -> settings.Settings:
    """Settings for a server on this address, which is its public URL unless the environment names another."""
    loaded = settings.load(data_dir=data_dir)
    if "public_url" in loaded.model_fields_set:
        return loaded
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    reachable = f"[{reachable}]" if ":" in reachable else reachable
    return loaded.model_copy(update={"public_url": f"http://{reachable}:{port}"})


def look_for_garbage_less_often() -> None:
    """A turn makes thousands of short-lived objects and hardly any circles; the usual threshold of 700 has Python search all the time."""
    gc.collect()
    gc.freeze()  # what is imported stays
    gc.set_threshold(25_000, 20, 20)


def open_many_files() -> None:
    """Thousands of agents may be thinking at once, each on a connection of its own; the usual soft limit is 1024."""
    if resource is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
