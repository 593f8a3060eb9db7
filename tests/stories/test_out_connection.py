"""The line to WhatsApp is cut: what certainly did not leave is sent again, what may have left is not."""

import asyncio
import socket
from datetime import timedelta

import pytest
from cast import NUMBER, until
from stage import free_socket, served
from till import attempts, in_state, taken, told, written

from dragoman.accounts import numbers
from dragoman.clock import Clock
from dragoman.sandbox.app import Sandbox
from dragoman.whatsapp import client

HELLO = "You said: Hello"
TOKEN = "the token of Lumen"


class Line:
    """WhatsApp on a server of its own, and the line to it."""

    def __init__(self):
        first = free_socket()
        self._port = first.getsockname()[1]
        first.close()
        self.url = f"http://127.0.0.1:{self._port}"
        self.clock = Clock()
        secrets = {"app_secret": "app-secret", "verify_token": "verify", "access_token": TOKEN}
        self.sandbox = Sandbox(self.clock, **secrets, callback_url="", own_url=self.url)
        self._server = None

    async def mend(self):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", self._port))
        self._server = served(self.sandbox.app, sock)
        await self._server.__aenter__()

    async def cut(self):
        if self._server:
            await self._server.__aexit__(None, None, None)
        self._server = None


@pytest.fixture
async def line():
    line = Line()
    await line.mend()
    yield line
    await line.cut()
    await line.sandbox.close()


@pytest.fixture
def clock(line):
    return line.clock


@pytest.fixture
def overrides(line):
    return {"graph_url": f"{line.url}/graph"}


@pytest.fixture
async def lumen(lumen, line):
    """Bakery Lumen with its number at that WhatsApp."""
    lumen.sandbox_url = line.url
    services = lumen.services
    basics = services.db, services.vault, services.clock, lumen.organisation_id
    await numbers.add_app(*basics, app_id="meta", app_secret="app-secret", verify_token="verify")
    new = numbers.NewNumber(app_id="meta", phone_number_id=NUMBER, waba_id="1", display_number="+15550001234", access_token=TOKEN)
    await numbers.add_number(*basics, new)
    await lumen.control("POST", "/numbers", {"phone_number_id": NUMBER, "callback_url": f"{lumen.url}/webhooks/whatsapp/meta"})
    return lumen


async def thinking(echo, dana, line):
    """Dana has written, and the line is cut while Echo thinks; the event that ends its thinking."""
    thought = asyncio.Event()
    echo.answer = lambda delivery: when(thought, f"You said: {delivery['message']}")
    await dana.says("Hello")
    await echo.delivered()
    await line.cut()
    return thought


async def when(thought, answer):
    await thought.wait()
    return answer


async def test_what_could_not_leave_is_sent_when_the_line_is_mended(lumen, echo, dana, line):
    thought = await thinking(echo, dana, line)
    thought.set()
    row = await in_state(lumen, HELLO, "queued")
    assert row["cause"].startswith("The message did not reach WhatsApp. It is tried again by itself.")
    assert row["cause"].endswith("could not be reached: connection refused.")
    await until(lambda: tried(lumen, 2), "it is tried again")

    await line.mend()
    line.clock.advance(timedelta(minutes=5))
    await in_state(lumen, HELLO, "delivered")
    assert await taken(lumen) == [HELLO]
    *failures, last = await attempts(lumen, HELLO)
    assert {(one["outcome"], one["http_status"]) for one in failures} == {("not_sent", None)}
    assert last["outcome"] == "accepted"
    assert await told(lumen, "send_attempt")
    summary, _ = (await told(lumen, "send_attempt"))[0]
    assert summary == "WhatsApp could not be reached, so the message was not handed over."


async def tried(lumen, count):
    return len(await attempts(lumen, HELLO)) >= count


async def test_the_order_is_kept_while_the_line_is_down(lumen, echo, dana, line):
    await dana.says("one")
    await echo.delivered(1)
    await dana.says("two")
    await dana.hears(2)
    thought = await thinking(echo, dana, line)
    thought.set()
    await in_state(lumen, HELLO, "queued")
    conversation = await lumen.conversation()
    for n in range(3):
        message = {"type": "text", "text": {"body": f"from the till {n}"}}
        await lumen.post(f"/conversations/{conversation['id']}/messages/", message)
    await line.mend()
    line.clock.advance(timedelta(minutes=5))
    texts = ["You said: one", "You said: two", HELLO, "from the till 0", "from the till 1", "from the till 2"]
    assert await dana.hears_text(6) == texts


async def test_an_answer_that_comes_too_late_is_settled_by_the_status(lumen, echo, dana, line, monkeypatch):
    """WhatsApp took the message and answered after we had stopped listening."""
    monkeypatch.setattr(client, "SEND_SECONDS", 0.3)
    for status in ("sent", "delivered"):
        await lumen.fault(on="webhook", action="delay", status=status, delay_seconds=30)
    await lumen.fault(on="send", action="delay", delay_seconds=60, times=1)
    await dana.says("Hello")
    row = await in_state(lumen, HELLO, "unknown")
    assert row["cause"].endswith("did not answer in time.")
    await until(lambda: reported(lumen), "WhatsApp has made its reports, which are on their way")
    line.clock.advance(timedelta(seconds=31))
    await in_state(lumen, HELLO, "delivered")
    line.clock.advance(timedelta(hours=1))
    await dana.says("And now?")
    assert await dana.hears_text(2) == [HELLO, "You said: And now?"]


async def reported(lumen):
    return [entry["status"] for entry in await lumen.ledger()] == ["delivered"]


async def test_a_line_that_is_down_for_hours_loses_nothing(lumen, echo, dana, line):
    thought = await thinking(echo, dana, line)
    thought.set()
    for hour in range(20):
        await until(lambda hour=hour: written(lumen, f"state = 'queued' and attempts > {hour}"), "it waits again")
        line.clock.advance(timedelta(hours=1))
    await in_state(lumen, HELLO, "queued")
    await line.mend()
    line.clock.advance(timedelta(minutes=5))
    assert await dana.hears_text() == [HELLO]


async def test_a_line_that_is_down_until_the_window_closes_is_told_in_the_end(lumen, echo, dana, line):
    thought = await thinking(echo, dana, line)
    thought.set()
    await in_state(lumen, HELLO, "queued")
    line.clock.advance(timedelta(hours=25))
    await in_state(lumen, HELLO, "expired_window")
