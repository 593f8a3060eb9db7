"""The client against a server that plays the Graph API over real HTTP."""

import asyncio
import json

import pytest
from aiohttp import web

from dragoman.http.trusted import Trusted
from dragoman.whatsapp.client import Graph, MediaFailure, MediaInfo
from dragoman.whatsapp.content import Text
from dragoman.whatsapp.messages import wire

NUMBER, TOKEN = "106540000000001", "t0ken"
HI = wire(Text(body="Hi Dana"), to="15550007890", recipient=None, attempt="a1")


class Meta:
    """Keeps what it was asked and answers what it was told; an exception closes the connection instead."""

    def __init__(self):
        self.asked = []
        self.answers = []

    async def answer(self, request):
        self.asked.append((request.method, request.path_qs, request.headers, await request.read()))
        status, body = self.answers.pop(0)
        if status is None:
            request.transport.abort()
            await asyncio.sleep(0)
        return web.Response(status=status or 200, body=body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.fixture
async def meta():
    meta = Meta()
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", meta.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    meta.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield meta
    await runner.cleanup()


@pytest.fixture
async def trusted():
    trusted = Trusted()
    await trusted.open()
    yield trusted
    await trusted.close()


@pytest.fixture
def graph(meta, trusted):
    return Graph(trusted, f"{meta.url}/sandbox/graph", "v26.0")


async def test_a_message_goes_to_the_number_with_its_token(meta, graph):
    meta.answers = [(200, {"contacts": [{"wa_id": "15550007890"}], "messages": [{"id": "wamid.1"}]})]
    verdict = await graph.send(NUMBER, TOKEN, HI)
    assert (verdict.outcome, verdict.wamid) == ("accepted", "wamid.1")
    method, path, headers, body = meta.asked[0]
    assert (method, path, body) == ("POST", f"/sandbox/graph/v26.0/{NUMBER}/messages", HI)
    assert (headers["Authorization"], headers["Content-Type"]) == (f"Bearer {TOKEN}", "application/json")


async def test_a_refusal_is_a_verdict(meta, graph):
    meta.answers = [(400, {"error": {"code": 131047, "message": f"Re-engagement {TOKEN}"}})]
    verdict = await graph.send(NUMBER, TOKEN, HI)
    assert (verdict.outcome, verdict.code, verdict.status) == ("final", 131047, 400)
    assert TOKEN not in verdict.head + verdict.cause


async def test_a_connection_that_breaks_after_the_request_leaves_the_outcome_unknown(meta, graph):
    meta.answers = [(None, b"")]
    assert (await graph.send(NUMBER, TOKEN, HI)).outcome == "unknown"


async def test_a_server_that_is_not_there_means_try_again(trusted):
    verdict = await Graph(trusted, "http://127.0.0.1:1", "v26.0").send(NUMBER, TOKEN, HI)
    assert verdict.outcome == "retry"


async def test_reading_shows_ticks_and_typing(meta, graph):
    meta.answers = [(200, {"success": True}), (200, {"success": True})]
    assert await graph.mark_read(NUMBER, TOKEN, "wamid.9")
    assert await graph.mark_read(NUMBER, TOKEN, "wamid.9", typing=True)
    plain = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.9"}
    assert json.loads(meta.asked[0][3]) == plain
    assert json.loads(meta.asked[1][3]) == plain | {"typing_indicator": {"type": "text"}}


@pytest.mark.parametrize("answer", [(400, {"error": {"code": 131009}}), (200, {"success": False}), (200, b"<html>"), (None, b"")])
async def test_reading_that_fails_is_only_false(meta, graph, answer):
    meta.answers = [answer]
    assert not await graph.mark_read(NUMBER, TOKEN, "wamid.9", typing=True)


async def test_a_file_is_found_and_fetched_with_the_token(meta, graph):
    where = f"{meta.url}/lookaside/1479?ext=1"
    meta.answers = [(200, {"url": where, "mime_type": "image/jpeg", "sha256": "ab", "file_size": "4", "id": "1479"}), (200, b"tart")]
    info = await graph.media_info("1479", NUMBER, TOKEN)
    assert info == MediaInfo(url=where, mime_type="image/jpeg", sha256="ab", size=4)
    assert await graph.download(info.url, TOKEN, largest=4) == b"tart"
    assert [path for _, path, _, _ in meta.asked] == [f"/sandbox/graph/v26.0/1479?phone_number_id={NUMBER}", "/lookaside/1479?ext=1"]
    assert all(headers["Authorization"] == f"Bearer {TOKEN}" for _, _, headers, _ in meta.asked)


async def test_a_file_that_is_gone_is_gone_for_good(meta, graph):
    meta.answers = [(400, {"error": {"code": 100, "error_subcode": 33, "message": "Object with ID '1' does not exist"}})]
    failure = await graph.media_info("1", NUMBER, TOKEN)
    assert isinstance(failure, MediaFailure)
    assert failure.lasting
    assert "seven days" in failure.cause


@pytest.mark.parametrize("answer", [(404, b""), (500, b"<html>"), (None, b"")])
async def test_a_download_that_fails_may_be_tried_again(meta, graph, answer):
    meta.answers = [answer]
    failure = await graph.download(f"{meta.url}/lookaside/1", TOKEN, largest=100)
    assert isinstance(failure, MediaFailure)
    assert not failure.lasting


async def test_a_file_larger_than_allowed_is_not_taken(meta, graph):
    meta.answers = [(200, b"x" * 101)]
    failure = await graph.download(f"{meta.url}/lookaside/1", TOKEN, largest=100)
    assert isinstance(failure, MediaFailure)
    assert failure.lasting


@pytest.mark.parametrize("url", ["http://elsewhere.example/1", "ftp://127.0.0.1/1", "https://", "https://[", "/1"])
async def test_the_token_is_not_sent_to_an_odd_address(meta, graph, url):
    failure = await graph.download(url, TOKEN, largest=100)
    assert isinstance(failure, MediaFailure)
    assert failure.lasting
    assert meta.asked == []


async def test_what_is_not_a_description_of_a_file_is_a_failure(meta, graph):
    meta.answers = [(200, b"[]"), (None, b"")]
    assert isinstance(await graph.media_info("1", NUMBER, TOKEN), MediaFailure)
    assert isinstance(await graph.media_info("1", NUMBER, TOKEN), MediaFailure)
