"""F-11 at home: the PostgreSQL in the data directory ends while Dragoman runs; whoever has it open starts it again."""

import os
import signal
import tempfile
from datetime import timedelta

import pytest
from apart import furnish, serving_program, settled, whatsapp
from cast import Agent, Phone, until
from program import own_folder
from stage import serving

from dragoman.store import embedded


def postmaster(data_dir):
    """Its process, None in between."""
    file = data_dir / "postgres" / "postmaster.pid"
    return int(file.read_text().split()[0]) if file.exists() else None


@pytest.fixture
def quick_folder(monkeypatch):
    """In memory where that goes: to come back, PostgreSQL flushes each of its files, which takes ten seconds on a slow disk."""
    if os.access("/dev/shm", os.W_OK):
        monkeypatch.setattr(tempfile, "tempdir", "/dev/shm")
    with own_folder() as folder:
        yield folder


async def test_an_embedded_postgresql_that_is_killed_comes_back_and_the_conversation_goes_on(quick_folder, session, tmp_path):
    agent, folder = Agent(), quick_folder
    async with whatsapp() as outside, serving(agent.handle) as agent.url:
        settings = outside.settings(None, folder)
        del settings["database_url"]
        async with serving_program(outside.port, settings, tmp_path / "server.log") as program:
            uri = f"postgresql://postgres@/postgres?host={folder / 'postgres'}"
            lumen = await furnish(uri, session, outside)
            await lumen.connect(agent, agent.url)
            dana = await Phone.of(lumen, name="Dana")
            await dana.says("Hello")
            assert await dana.hears_text() == ["You said: Hello"]
            before = postmaster(folder)
            os.kill(before, signal.SIGKILL)
            await until(lambda: postmaster(folder) not in (before, None), "another one was started")
            await dana.says("Still there?")

            async def answered():
                outside.clock.advance(timedelta(seconds=10))  # Meta tries again what was refused meanwhile
                return len(await dana.heard()) == 2

            await until(answered, "she is answered")
            await settled(uri, received=2)
            assert program.terminate() == 0
        assert "the embedded PostgreSQL has ended; starting it again" in (tmp_path / "server.log").read_text()


def test_where_its_disk_is_not_there_no_empty_database_takes_its_place(tmp_path):
    with pytest.raises(FileNotFoundError):
        embedded._start_again(tmp_path, tmp_path / "postgres")
    assert list(tmp_path.iterdir()) == []
