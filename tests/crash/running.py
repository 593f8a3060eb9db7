"""One scenario with a kill at one point: play, die there, start again, let everything settle, check."""

import asyncio
import tempfile
import traceback
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.crash.places import drop, fresh, place

AT_ONCE = 6


@dataclass
class Result:
    """What became of one run. `reached`: it died where it should; `seconds` from the new start to rest."""

    point: str | None
    violations: list[str]
    passed: list[str]
    reached: bool = False
    seconds: float = 0.0
    log: str = ""


class Stage:
    """Where runs get their databases and their processes from. Those of one gathering go `AT_ONCE`."""

    def __init__(self, connection, template, nursery):
        self.connection, self.template, self.nursery = connection, template, nursery
        self._room = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def place(self, roles=("all",), **settings):
        """A `Place` on a database of its own, with nothing started yet."""
        name = fresh(self.connection, self.template)
        uri = f"postgresql://{self.connection.info.user}@/{name}?host={self.connection.info.host}"
        with tempfile.TemporaryDirectory(prefix="dragoman-crash-", ignore_cleanup_errors=True) as folder:
            try:
                async with place(self.nursery, uri, Path(folder), roles, **settings) as here:
                    yield here
            finally:
                drop(self.connection, name)

    async def run(self, scenario, point=None, bug=None):
        async with self._room, self.place(**scenario.settings) as here:
            return await _run(scenario, here, point, bug)

    async def run_all(self, make, points, bug=None):
        return await asyncio.gather(*(self.run(make(), point, bug) for point in points))


async def _run(scenario, here, point, bug):
    server, armed = here.server, here.folder / "armed"
    await server.start(crash=point, trace=str(server.trace), armed=str(armed), bug=bug)
    violations = []
    died = asyncio.get_running_loop().create_future()
    watching = None
    try:
        await scenario.furnish(here)
        armed.touch()
        watching = asyncio.create_task(_raise_again(here, died, bug, violations))
        await scenario.play(here)
        await here.settled()
    except Exception as error:
        violations.append(f"I-02 did not come to rest: {type(error).__name__} {error} {_where(error)}")
    finally:
        if watching:
            watching.cancel()
    reached = died.done()
    seconds = asyncio.get_running_loop().time() - died.result() if reached else 0.0
    violations += await here.violations()
    violations += [wrong async for wrong in scenario.expect(here)]
    log = here.server.log.read_text()[-3000:] if violations else ""
    return Result(point, violations, server.passed(), reached, seconds, log)


async def _raise_again(here, died, bug, violations):
    """When it has died, what was acknowledged must be on disk; then it is started again."""
    await here.server.dead.wait()
    violations += await here.forgotten()
    died.set_result(asyncio.get_running_loop().time())
    while not await here.server.start(bug=bug):
        await asyncio.sleep(0.1)


def _where(error):
    return traceback.format_tb(error.__traceback__)[-1].strip().splitlines()[-1]
