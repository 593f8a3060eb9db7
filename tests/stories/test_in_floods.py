"""In: who sends too much, too slowly, or nothing at all, takes no more than a connection for a while."""

import asyncio
import json

import pytest
from meta import DANA, Meta, everything, said, sign, texts, words

POST = b"POST /webhooks/whatsapp/sandbox HTTP/1.1\r\nHost: lumen\r\n"


@pytest.fixture
async def wire(lumen):
    """A bare connection to the server."""
    host, port = lumen.url.split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    yield reader, writer
    writer.close()


@pytest.fixture
def impatience(monkeypatch):
    monkeypatch.setattr("dragoman.api.heads.HEAD_SECONDS", 0.2)
    monkeypatch.setattr("dragoman.api.body.BODY_SECONDS", 0.2)


async def status(reader):
    async with asyncio.timeout(30):
        line = await reader.readline()
    return int(line.split()[1]) if line else None


async def test_a_connection_that_says_nothing_is_ended(impatience, lumen, wire):
    assert await status(wire[0]) is None


@pytest.mark.parametrize("beginning", [b"P", POST, POST + b"X-Header: begun"])
async def test_a_head_that_does_not_end_is_ended(impatience, lumen, wire, beginning):
    reader, writer = wire
    writer.write(beginning)
    assert await status(reader) is None


async def test_the_second_request_of_a_connection_has_no_more_time_than_the_first(impatience, lumen, wire):
    reader, writer = wire
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: lumen\r\n\r\n")
    assert await status(reader) == 200
    await reader.readuntil(b'{"status":"ok"}')
    writer.write(POST)
    assert await status(reader) is None


async def test_a_body_that_does_not_end_is_refused(impatience, lumen, wire):
    reader, writer = wire
    writer.write(POST + b"Content-Length: 1000\r\n\r\n" + b"{" * 10)
    assert await status(reader) == 408
    assert await everything(lumen) == {}


@pytest.mark.parametrize("headers", [b"X-Long: " + b"a" * 70_000, b"X-Many: a\r\n" * 7_000], ids=["one that is long", "many"])
async def test_a_head_that_is_too_long_is_refused_while_it_is_still_coming(lumen, wire, headers):
    reader, writer = wire
    writer.write(POST + headers)
    assert await status(reader) == 400
    async with asyncio.timeout(30):
        await reader.read()
    assert reader.at_eof(), "the connection is ended"


async def test_a_long_head_that_is_allowed_is_read(lumen, wire):
    reader, writer = wire
    body = json.dumps(words(said(lumen, "wamid.1", "Hello", DANA))).encode()
    signature = sign(body, Meta.of(lumen).secret).encode()
    writer.write(POST + b"X-Long: " + b"a" * 60_000 + b"\r\nX-Hub-Signature-256: " + signature)
    writer.write(b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert await status(reader) == 200
    assert await texts(lumen) == ["Hello"]


async def test_a_form_of_ten_thousand_parts_is_only_bytes_without_a_signature(lumen):
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    async with lumen.session.post(
        Meta.of(lumen).door, data=part * 10_000 + b"--x--", headers={"Content-Type": "multipart/form-data; boundary=x"}
    ) as answer:
        assert answer.status == 401
    assert await everything(lumen) == {}
