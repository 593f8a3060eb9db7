"""In: who may knock at Meta's door, and what it says to those who may not."""

import asyncio
import json

import pytest
from meta import DANA, Meta, counted, everything, said, sign, texts, words

LARGEST = 4 * 1024 * 1024
BAD_SIGNATURE = 'dragoman_webhooks_refused_total{reason="bad_signature"}'
UNKNOWN_APP = 'dragoman_webhooks_refused_total{reason="unknown_app"}'


@pytest.fixture
def meta(lumen):
    return Meta.of(lumen)


async def test_a_signed_webhook_is_taken(lumen, meta):
    assert await meta.posts(words(said(lumen, "wamid.1", "Hello", DANA))) == 200
    assert await texts(lumen) == ["Hello"]


FORGERIES = {
    "empty": lambda good: "",
    "without its prefix": lambda good: good.removeprefix("sha256="),
    "with the prefix of SHA-1": lambda good: good.replace("sha256=", "sha1="),
    "in upper case": lambda good: "sha256=" + good.removeprefix("sha256=").upper(),
    "with a space before it": lambda good: " " + good.replace("=", "= "),
    "one digit short": lambda good: good[:-1],
    "one digit long": lambda good: good + "0",
    "with its last digit changed": lambda good: good[:-1] + ("0" if good[-1] != "0" else "1"),
    "twice in one header": lambda good: f"{good}, {good}",
    "not ASCII": lambda good: good[:-1] + "é",
    "of nothing": lambda good: sign(b"", "?"),
}


async def test_a_signature_in_any_other_form_is_refused_and_nothing_is_stored(lumen, meta):
    body = json.dumps(words(said(lumen, "wamid.1", "Hello", DANA))).encode()
    before = await counted(lumen, BAD_SIGNATURE)
    for what, forge in FORGERIES.items():
        assert await meta.posts(body, signature=forge(sign(body, meta.secret))) == 401, what
    assert await counted(lumen, BAD_SIGNATURE) == before + len(FORGERIES)
    assert await everything(lumen) == {}
    assert await meta.posts(body) == 200, "the same bytes with the right signature"


async def test_a_webhook_without_a_signature_is_refused(lumen, meta):
    async with lumen.session.post(meta.door, json=words(said(lumen, "wamid.1", "Hello", DANA))) as answer:
        assert answer.status == 401
    assert await everything(lumen) == {}


async def test_two_signature_headers_are_refused_although_both_are_right(lumen, meta):
    body = json.dumps(words(said(lumen, "wamid.1", "Hello", DANA))).encode()
    header = ("X-Hub-Signature-256", sign(body, meta.secret))
    async with lumen.session.post(meta.door, data=body, headers=[header, header]) as answer:
        assert answer.status == 401
    assert await everything(lumen) == {}


async def test_the_signature_is_of_the_very_bytes(lumen, meta):
    """Written again by another JSON library, the same content is another body."""
    content = words(said(lumen, "wamid.1", "Grüße 🥐", DANA))
    sent, again = json.dumps(content).encode(), json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    assert await meta.posts(again, signature=sign(sent, meta.secret)) == 401
    assert await meta.posts(sent + b"\n", signature=sign(sent, meta.secret)) == 401
    assert await everything(lumen) == {}
    assert await meta.posts(sent) == 200
    assert await texts(lumen) == ["Grüße 🥐"]


async def test_the_secret_of_another_app_opens_no_door(lumen, meta):
    other = await Meta.app(lumen, lumen.organisation_id, "1002003004", "another app's secret")
    body = json.dumps(words(said(lumen, "wamid.1", "Hello", DANA))).encode()
    assert await meta.posts(body, signature=sign(body, other.secret)) == 401
    assert await other.posts(body, signature=sign(body, meta.secret)) == 401
    assert await everything(lumen) == {}


async def test_while_an_app_secret_is_changed_both_secrets_are_good(lumen, monkeypatch):
    monkeypatch.setattr("dragoman.api.webhooks.APP_CACHE_SECONDS", 0)
    old = await Meta.app(lumen, lumen.organisation_id, "1002003004", "the old secret")
    await old.number(lumen.organisation_id, "106540000000009", "+15550001239")
    assert await old.posts(words(said(lumen, "wamid.1", "One", DANA), number="106540000000009")) == 200
    new = await Meta.app(lumen, lumen.organisation_id, "1002003004", "the new secret")
    assert await new.posts(words(said(lumen, "wamid.2", "Two", DANA), number="106540000000009")) == 200
    assert await old.posts(words(said(lumen, "wamid.3", "Three", DANA), number="106540000000009")) == 200
    await Meta.app(lumen, lumen.organisation_id, "1002003004", "the newest secret")
    assert await old.posts(words(said(lumen, "wamid.4", "Four", DANA), number="106540000000009")) == 401
    assert await texts(lumen) == ["One", "Two", "Three"]


async def test_an_app_that_nobody_added_is_not_found(lumen):
    nobody = Meta(lumen, "a secret", "999")
    before = await counted(lumen, UNKNOWN_APP)
    assert await nobody.posts(words(said(lumen, "wamid.1", "Hello", DANA))) == 404
    assert await counted(lumen, UNKNOWN_APP) == before + 1
    assert await everything(lumen) == {}


async def test_an_app_added_while_the_server_runs_is_known_at_once(lumen):
    assert await Meta(lumen, "a secret", "1002003004").posts(b"{}") == 404
    assert await (await Meta.app(lumen, lumen.organisation_id, "1002003004", "a secret")).posts(b"{}") == 200


@pytest.mark.parametrize("declared", [True, False], ids=["with its length", "in chunks"])
async def test_a_body_over_4_mib_is_refused_without_reading_on(lumen, meta, declared):
    status, read = await sends_slowly(meta, LARGEST + 1 if declared else None)
    assert status == 413
    assert read <= LARGEST + 2**20
    assert await everything(lumen) == {}


async def test_a_body_of_exactly_4_mib_is_taken(lumen, meta):
    body = json.dumps(words(said(lumen, "wamid.1", "Hello", DANA))).encode()
    assert await meta.posts(body + b" " * (LARGEST - len(body))) == 200
    assert await texts(lumen) == ["Hello"]


async def sends_slowly(meta, length):
    """Post a body that has no end, chunk by chunk, until there is an answer; its status and what was sent till then."""
    host, port = meta.door.split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    kind = f"Content-Length: {length}" if length else "Transfer-Encoding: chunked"
    writer.write(f"POST /webhooks/whatsapp/sandbox HTTP/1.1\r\nHost: {host}\r\n{kind}\r\n\r\n".encode())
    answer, sent = asyncio.create_task(reader.readline()), 0
    try:
        async with asyncio.timeout(30):
            while not answer.done():
                if not length:
                    writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
                    sent += 65536
                    await writer.drain()
                await asyncio.sleep(0.001)
            return int((await answer).split()[1]), sent
    finally:
        writer.close()
