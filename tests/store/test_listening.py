"""What is notified is heard at once, in order, and again after the connection was lost."""

import asyncio

from dragoman.store.database import Database

PATIENCE = 30.0


class Ear:
    def __init__(self):
        self.heard, self._more = [], asyncio.Event()

    def __call__(self, note):
        self.heard.append(note)
        self._more.set()

    async def until(self, notes):
        async with asyncio.timeout(PATIENCE):
            while self.heard != notes:
                self._more.clear()
                await self._more.wait()


async def test_notes_are_heard_in_order_however_far_apart_and_after_the_connection_was_cut(database):
    ear = Ear()
    database.listen("bakery", ear)
    await ear.until([""])
    await _resting()
    for note in ("rye", "spelt"):
        await database.execute("select pg_notify('bakery', %s)", (note,))
    await ear.until(["", "rye", "spelt"])
    await _resting()
    await _cut(database)
    await ear.until(["", "rye", "spelt", ""])
    await database.execute("select pg_notify('bakery', 'oat')")
    await ear.until(["", "rye", "spelt", "", "oat"])


async def test_who_listens_and_hears_nothing_is_not_woken(database, monkeypatch):
    """psycopg's own way would look at the connection again and again; here nothing happens until the server speaks."""
    ear, timers = Ear(), []
    database.listen("bakery", ear)
    await ear.until([""])
    await _resting()
    loop = asyncio.get_running_loop()
    call_later = loop.call_later
    monkeypatch.setattr(loop, "call_later", lambda *args, **more: timers.append(args) or call_later(*args, **more), raising=False)
    own = asyncio.Event()
    call_later(0.35, own.set)
    await own.wait()
    assert timers == []


async def _cut(database: Database) -> None:
    await database.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and query like 'listen%'"
    )


async def _resting():
    """Long enough for a listener to have nothing more to do than to wait."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(0.35, over.set)
    await over.wait()
