"""What comes over a bare connection, at the server as it is started: whatever it is, it is answered or ended, and the others are served (S-G05).

`impatient` is `dragoman serve` with 1.5 s where 20 and 30 s are usual.
"""

import asyncio
import sys
from types import SimpleNamespace
from uuid import uuid4

import aiohttp
import pytest
from program import Program
from stage import free_port
from tests.project.source import ROOT
from tests.security import shapes
from tests.security.impatient import SECONDS
from tests.security.shapes import Doors
from tests.security.wire import PATIENCE, Honest, memory, said, unread

from dragoman.accounts import keys, links, numbers, organisations
from dragoman.accounts.links import Linked
from dragoman.accounts.secrets import Vault
from dragoman.clock import Clock
from dragoman.store.database import Database

SECRET_KEY = "a secret key for tests, of more than 32 characters"
APP = "700700"
AT_ONCE = 24
ALLOWED = {501}  # a door that is not built, and "try again": said on purpose


class Impatient(Program):
    def __init__(self, port, settings, log, *options):
        super().__init__(port, settings, log, *options)
        self._command[: self._command.index("serve")] = [sys.executable, "-m", "tests.security.impatient"]
        self.environment = self._environment
        self.environment["PYTHONPATH"] = str(ROOT)


@pytest.fixture
def careless():
    """What is in the environment of the server."""
    return {}


@pytest.fixture
async def lumen(database_uri, tmp_path, careless):
    port = free_port()
    settings = {
        "database_url": database_uri, "secret_key": SECRET_KEY, "data_dir": tmp_path, "public_url": f"http://127.0.0.1:{port}",
        "graph_url": "http://127.0.0.1:1", "api_rate_limit": 1_000_000,
    }  # fmt: skip
    program = Impatient(port, settings, tmp_path / "server.log", "--role", "web")
    program.environment.update(careless)
    db, vault, clock = Database(database_uri), Vault(SECRET_KEY), Clock()
    await db.open()
    organisation_id = await organisations.create(db, clock, "Bakery Lumen")
    await numbers.add_app(db, vault, clock, organisation_id, app_id=APP, app_secret="shh", verify_token="verify")
    _, key = await keys.create(db, vault, clock, organisation_id, "Till")
    token = links.make(vault, "made file link jpg", Linked(organisation_id, uuid4()), clock.now().replace(year=2099))
    await program.start()
    agent = await made(program, key, "/api/v1/agents/")
    base = await made(program, key, "/v2/_knowledge_base")
    yield SimpleNamespace(program=program, port=port, key=key, doors=Doors(APP, key, agent, base, f"/media/made/{token}.jpg"))
    program.kill()
    await db.close()


async def made(program, key, path):
    """The id of a new thing that needs only a name."""
    both = {"X-API-Key": key, "Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=both) as session, session.post(program.url + path, json={"name": "Bread"}) as answer:
        body = await answer.json()
        return body.get("data", body)["id"]


def judged(shape, heard):
    """What is wrong with the answer, in words."""
    wrong = []
    if shape.right and heard.first not in shape.right:
        wrong.append(f"{heard.first} instead of {set(shape.right)}")
    if not shape.right and heard.first is None and not heard.ended:
        wrong.append("no answer and no end")
    wrong += [f"answered {status}" for status in heard.statuses if status >= 500 and status not in ALLOWED]
    if heard.seconds > PATIENCE - 1 or (shape.ends and not heard.ended):
        wrong.append(f"hangs: {heard.seconds:.1f} s")
    if b"smuggled" in heard.data:
        wrong.append("the hidden request was read")
    return wrong


async def thrown(lumen, some, patience=PATIENCE):
    """Throw every shape; what was not answered rightly, by name."""
    room, wrong = asyncio.Semaphore(AT_ONCE), {}

    async def throw(shape):
        async with room:
            heard = await said(lumen.port, shape.pieces(), ends=shape.ends, patience=patience)
        if found := judged(shape, heard):
            wrong[shape.name] = (found, heard.data[:200])

    await asyncio.gather(*(throw(shape) for shape in some))
    return wrong


async def test_no_shape_of_a_request_breaks_the_server_or_holds_up_the_others(lumen):
    pid, wrong = lumen.program.process.pid, {}
    await thrown(lumen, list(shapes.types(lumen.doors))[:200])
    before = memory(pid)
    with Honest(lumen.port, lumen.key) as honest:
        for kind in (shapes.slow, shapes.large, shapes.heads, shapes.types, shapes.forms, shapes.grammar, shapes.lines, shapes.characters):
            wrong |= await thrown(lumen, kind(lumen.doors))
        assert await unread(lumen.port, shapes.get(lumen.doors.gets["document"]) * 100)
    assert wrong == {}
    assert honest.wrong == []
    assert honest.asked > 50
    assert honest.slowest < 5
    assert memory(pid, "VmHWM") - before < 150, "so many large requests at once, none of them kept"
    log = lumen.program.log.read_text()
    assert "Exception in ASGI application" not in log
    assert "an API request failed" not in log


@pytest.mark.parametrize("careless", [{"CARELESS": "1"}])
async def test_without_our_limits_they_do(lumen):
    """The negative control."""
    doors = lumen.doors
    some = [*shapes.slow(doors), *shapes.heads(doors)]
    wanted = {"half a head", "slow body to callback", "slow chunks to first", "trailers without end", "blank lines without end"}
    wrong = await thrown(lumen, [one for one in some if one.name in wanted], patience=3 * SECONDS)
    assert set(wrong) == wanted
