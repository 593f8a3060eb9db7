"""The example agents are run as programs and asked as Dragoman asks."""

import ast
import asyncio
import contextlib
import importlib.util
import sys
import threading
from datetime import UTC, datetime
from uuid import uuid4

import aiohttp
import aiohttp.web
import msgspec
import pytest
from stage import free_port
from tests.project.source import ROOT, imports, tree

from dragoman.agents import answers, byoa
from dragoman.whatsapp.content import Buttons, Choices, Location, Media, Text

SECRET = "whsec_bWFkZSBmb3IgQmFrZXJ5IEx1bWVuIG9ubHk="


@contextlib.asynccontextmanager
async def running(name, **environment):
    """The agent's address, once it listens."""
    port = free_port()
    program = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "examples" / name), str(port), env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert b":" in await program.stdout.readline()
        yield f"http://127.0.0.1:{port}"
    finally:
        program.kill()
        await program.communicate()


@pytest.fixture
async def bakery():
    async with running("shop_agent.py", AGENT_SECRET=SECRET) as url, aiohttp.ClientSession(url) as session:
        yield session


async def ask(bakery, message="", *, event=None, callback=None, secret=SECRET, **context):
    question = {"message": message, "image": None, "phone_number": "+15550007890", "reply_callback": callback}
    body = msgspec.json.encode({**question, "context": {"contact": {"name": "Dana"}, **context}})
    headers = byoa.signature([secret], event or f"turn_{uuid4()}", datetime.now(UTC), body)
    async with bakery.post("/hook", data=body, headers=headers) as response:
        return response.status, answers.read(await response.read(), response.headers["Content-Type"])


async def contents(bakery, *args, **kwargs):
    status, answer = await ask(bakery, *args, **kwargs)
    assert status == 200
    assert isinstance(answer, answers.Replies), answer
    return answer.contents


async def test_the_bakery_greets_by_name_with_buttons(bakery):
    [greeting] = await contents(bakery, "Hello")
    assert isinstance(greeting, Buttons)
    assert "Dana" in greeting.body


async def test_the_bakery_answers_with_text_list_place_and_picture(bakery):
    said = [
        (await contents(bakery, "When are you open?"))[0],
        (await contents(bakery, "I want bread"))[0],
        (await contents(bakery, "", reply={"id": "where"}))[0],
        (await contents(bakery, "a picture, please"))[0],
    ]
    assert [type(content) for content in said] == [Text, Choices, Location, Media]
    async with bakery.get(said[3].url) as picture:
        assert picture.content_type == "image/jpeg"


async def test_the_bakery_answers_an_order_late_and_only_once(bakery):
    heard = asyncio.Queue()

    async def hear(request):
        heard.put_nowait((await request.json(), request.headers["Idempotency-Key"]))
        return aiohttp.web.json_response({"messages": []}, status=202)

    async with callback_server(hear) as url:
        for _ in range(2):
            [first] = await contents(bakery, "Rye", event="turn_1", callback=url, reply={"id": "rye"})
            assert first.body.startswith("One moment")
        assert await heard.get() == ("Your Rye is put aside for you. You can pick it up from 16:00 on.", "turn_1-later")
    assert heard.empty()


@contextlib.asynccontextmanager
async def callback_server(hear):
    app = aiohttp.web.Application()
    app.router.add_post("/callback", hear)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/callback"
    await runner.cleanup()


async def test_the_bakery_refuses_a_question_that_is_not_signed_by_us(bakery):
    status, _ = await ask(bakery, "Hello", secret="whsec_bWFkZSBieSBNYWxsb3J5LCB3aG8gaGFzIG5vIGtleQ==")
    assert status == 401


async def test_the_bakery_understands_a_test_event(bakery):
    body = byoa.test_payload(uuid4(), datetime.now(UTC))
    headers = byoa.signature([SECRET], "test_1", datetime.now(UTC), body)
    async with bakery.post("/hook", data=body, headers=headers) as response:
        assert response.status == 200


async def test_the_echo_says_back_what_it_hears_in_fifteen_lines(tmp_path):
    source = (ROOT / "examples/echo_agent.py").read_text()
    lines = [line for line in source.splitlines() if line.strip() and not line.startswith('"""')]
    assert len(lines) <= 15
    # The same program on a free port, which says when it listens.
    last = 'HTTPServer(("127.0.0.1", 8060), Echo).serve_forever()'
    assert last in source
    started = 'import sys\nserver = HTTPServer(("127.0.0.1", int(sys.argv[1])), Echo)\nprint(":", flush=True)\nserver.serve_forever()'
    (tmp_path / "echo.py").write_text(source.replace(last, started))
    async with running(tmp_path / "echo.py") as url, aiohttp.ClientSession(url) as session:
        status, answer = await ask(session, "Good morning")
    assert (status, answer) == (200, answers.Replies([Text(body="You said: Good morning")]))


SHOP_ASSISTANT = ROOT / "examples/shop_assistant"


@pytest.fixture
async def orders():
    """The order API of the shop assistant."""
    spec = importlib.util.spec_from_file_location("order_api", SHOP_ASSISTANT / "order_api.py")
    spec.loader.exec_module(order_api := importlib.util.module_from_spec(spec))
    server = order_api.serve("shop-key")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.server_address[1]}", headers={"X-Shop-Key": "shop-key"}) as session:
        yield session
    server.shutdown()
    thread.join()
    server.server_close()


async def order(orders, value, **headers):
    async with orders.post("/orders", json=value, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_the_order_api_takes_an_order_once_and_shows_it_to_its_customer_alone(orders):
    wish = {"bread": "rye", "quantity": 2, "customer": "+15550007890"}
    taken = [await order(orders, wish, **{"Idempotency-Key": "turn_1"}) for _ in range(2)]
    made = {"number": "1041", "bread": "rye", "quantity": 2, "euros": 8.4, "status": "taken"}
    assert taken == [(201, made)] * 2
    assert (await order(orders, wish, **{"Idempotency-Key": "turn_2"}))[1]["number"] == "1042"
    for customer, seen in (("+15550007890", [made]), ("+15550001111", [])):
        async with orders.get("/orders", params={"customer": customer, "number": "1041"}) as answer:
            assert (await answer.json())["orders"] == seen


@pytest.mark.parametrize("wish", [[], {"bread": "stone"}, {"bread": "rye", "quantity": 0}, {"bread": "rye", "quantity": True}])
async def test_the_order_api_says_what_is_wrong_with_an_order(orders, wish):
    status, body = await order(orders, wish)
    assert status == 422
    assert body["error"]


async def test_the_order_api_wants_the_key_of_the_shop(orders):
    assert (await order(orders, {}, **{"X-Shop-Key": "guessed"}))[0] == 401


def test_the_examples_need_nothing_but_python():
    needed = {name.split(".")[0] for path in (ROOT / "examples").rglob("*.py") for node in ast.walk(tree(path)) for name in imports(node)}
    assert needed - set(sys.stdlib_module_names) == {"order_api"}
