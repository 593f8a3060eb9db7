"""The clock that was moved stays moved over a restart."""

from datetime import timedelta

import aiohttp
from stage import free_socket, served

from dragoman.clock import Clock
from dragoman.sandbox.app import Sandbox


def sandbox(clock, state_file, url):
    secrets = {"app_secret": "a", "verify_token": "v", "access_token": "t"}
    return Sandbox(clock, **secrets, callback_url="http://127.0.0.1:9/", own_url=url, state_file=state_file)


async def test_a_day_that_was_skipped_is_over_after_a_restart_too(tmp_path):
    sock = free_socket()
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    first = sandbox(Clock(), tmp_path / "sandbox.json", url)
    async with served(first.app, sock), aiohttp.ClientSession() as session:
        async with session.post(f"{url}/control/clock", json={"advance_seconds": 90_000}) as answer:
            assert answer.status == 200
        await first.close()

    clock = Clock()
    second = sandbox(clock, tmp_path / "sandbox.json", url)
    assert clock.offset == timedelta(seconds=90_000)
    await second.close()
