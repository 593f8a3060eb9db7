"""The sandbox alone, with a clock of its own: `python -m dragoman.sandbox --port 8051`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from dragoman.clock import Clock
from dragoman.sandbox.app import Sandbox


def main(
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on")] = 8051,
    callback_url: Annotated[
        str, typer.Option(help="Where webhooks of the default app go")
    ] = "http://127.0.0.1:8050/webhooks/whatsapp/sandbox",
    app_secret: Annotated[str, typer.Option(help="Signs the default app's webhooks")] = "sandbox-app-secret",  # noqa: S107
    verify_token: Annotated[str, typer.Option(help="For the webhook handshake")] = "sandbox-verify-token",  # noqa: S107
    access_token: Annotated[str, typer.Option(help="Opens the default number")] = "sandbox-access-token",  # noqa: S107
    state_file: Annotated[Path | None, typer.Option(help="Keep the world in this file; without it, in memory only")] = None,
) -> None:
    """Serve the WhatsApp sandbox until interrupted."""
    own_url = f"http://{host}:{port}"
    sandbox = Sandbox(
        Clock(),
        app_secret=app_secret,
        verify_token=verify_token,
        access_token=access_token,
        callback_url=callback_url,
        own_url=own_url,
        state_file=state_file,
    )
    typer.echo(f"WhatsApp sandbox\n  phone page   {own_url}/phone\n  Graph API    {own_url}/graph\n  control API  {own_url}/control")
    typer.echo(f"  webhooks go to {callback_url}")
    asyncio.run(serve(sandbox, host, port))


async def serve(sandbox: Sandbox, host: str, port: int) -> None:
    config = uvicorn.Config(sandbox.app, host, port, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    await sandbox.start()
    try:
        await uvicorn.Server(config).serve()
    finally:
        await sandbox.close()


if __name__ == "__main__":
    typer.run(main)
