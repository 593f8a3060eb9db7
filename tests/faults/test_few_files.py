"""F-48: a process that has no file descriptor left. Connections wait or break; when there are some again, all goes on."""

import shutil
import socket
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from apart import furnish, said_to, serving_program, settled, whatsapp
from cast import Agent, Phone, until
from stage import serving

FILES, IDLE = 96, 150


@pytest.mark.skipif(not shutil.which("prlimit"), reason="util-linux's prlimit is not there")
async def test_a_server_without_file_descriptors_loses_nothing_and_recovers_by_itself(session, database_uri, tmp_path):
    agent = Agent()
    async with whatsapp() as outside, serving(agent.handle) as agent.url:
        lumen = await furnish(database_uri, session, outside)
        settings = outside.settings(database_uri, tmp_path)
        few = ("prlimit", f"--nofile={FILES}:{FILES}")
        async with serving_program(outside.port, settings, tmp_path / "server.log", within=few) as program:
            await lumen.connect(agent, agent.url)
            dana = await Phone.of(lumen, name="Dana")
            await dana.says("Hello")
            assert await dana.hears_text() == ["You said: Hello"]
            with ExitStack() as stack:
                for _ in range(IDLE):
                    idle = stack.enter_context(socket.socket())
                    idle.setblocking(False)
                    idle.connect_ex(("127.0.0.1", outside.port))
                await until(lambda: _used(program) >= FILES - 1, "there is no descriptor left")
                await dana.says("Are you there?")
                await Phone.of(lumen, name="Zoë")  # WhatsApp lives elsewhere and does not mind

            async def answered():
                outside.clock.advance(timedelta(seconds=30))
                return len(await dana.heard()) == 2

            await until(answered, "Dana is answered")
            await settled(database_uri, received=2)
            assert set((await said_to(lumen)).values()) == {1}
            assert program.process.poll() is None


def _used(program):
    return len(list(Path(f"/proc/{program.process.pid}/fd").iterdir()))
