"""An agent's server that means harm, or is just broken, costs us its deadline and a little memory, and nothing else (S-C01, S-C02)."""

import asyncio
import gzip
import resource
import time
from contextlib import suppress

import aiohttp
import pytest
import uvloop
from outside import LOOPBACK, OK, read_request

from dragoman.http import Guarded, NoAnswer, TooLate, TooLong, Unreadable

DEADLINE = 0.4
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BLOCK = b"x" * 65_536


async def pour(writer, block):
    while True:
        writer.write(block)
        await writer.drain()


async def one_letter_at_a_time(reader, writer):
    await read_request(reader)
    for letter in HEAD * 100:
        writer.write(bytes([letter]))
        await asyncio.sleep(0.02)


async def one_letter_of_the_body_at_a_time(reader, writer):
    await read_request(reader)
    writer.write(HEAD + b"Content-Length: 1000\r\n\r\n")
    for _ in range(1000):
        writer.write(b"x")
        await asyncio.sleep(0.02)


async def silence_after_the_headers(reader, writer):
    await read_request(reader)
    writer.write(HEAD + b"Content-Length: 10\r\n\r\n")
    await asyncio.sleep(60)


async def endless_body(reader, writer):
    await read_request(reader)
    writer.write(HEAD + b"\r\n")
    await pour(writer, BLOCK)


async def ten_gigabytes(reader, writer):
    await read_request(reader)
    writer.write(HEAD + b"Content-Length: 10000000000\r\n\r\n")
    await pour(writer, BLOCK)


async def endless_chunks(reader, writer):
    await read_request(reader)
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    await pour(writer, b"10000\r\n" + BLOCK + b"\r\n")


async def endless_chunks_of_one_byte(reader, writer):
    await read_request(reader)
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    await pour(writer, b"1\r\nx\r\n" * 1000)


async def a_chunk_of_impossible_size(reader, writer):
    await read_request(reader)
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n")
    await pour(writer, BLOCK)


async def endless_trailers(reader, writer):
    await read_request(reader)
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n")
    await pour(writer, b"X-More: more\r\n" * 100)


async def endless_headers(reader, writer):
    await read_request(reader)
    writer.write(HEAD)
    await pour(writer, b"X-More: more\r\n" * 100)


async def one_endless_header(reader, writer):
    await read_request(reader)
    writer.write(HEAD + b"X-More: ")
    await pour(writer, BLOCK)


async def endless_status_line(reader, writer):
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 ")
    await pour(writer, BLOCK)


async def promises_for_ever(reader, writer):
    await read_request(reader)
    await pour(writer, b"HTTP/1.1 100 Continue\r\n\r\n" * 4000)


async def two_lengths(reader, writer):
    await read_request(reader)
    writer.write(HEAD + b"Content-Length: 2\r\nContent-Length: 200\r\n\r\nok")
    await asyncio.sleep(60)


async def a_negative_length(reader, writer):
    await read_request(reader)
    writer.write(HEAD + b"Content-Length: -1\r\n\r\nok")
    await asyncio.sleep(60)


HOSTILE = [
    (one_letter_at_a_time, TooLate),
    (one_letter_of_the_body_at_a_time, TooLate),
    (silence_after_the_headers, TooLate),
    (endless_body, TooLong),
    (ten_gigabytes, TooLong),
    (endless_chunks, TooLong),
    (endless_chunks_of_one_byte, TooLong),
    (a_chunk_of_impossible_size, NoAnswer),
    (endless_trailers, NoAnswer),
    (endless_headers, NoAnswer),
    (one_endless_header, NoAnswer),
    (endless_status_line, NoAnswer),
    (promises_for_ever, NoAnswer),
    (two_lengths, NoAnswer),
    (a_negative_length, NoAnswer),
]


@pytest.mark.parametrize(("behaviour", "outcome"), HOSTILE, ids=[behaviour.__name__ for behaviour, _ in HOSTILE])
async def test_a_hostile_server_is_left_at_its_deadline_or_before(serve, guarded, behaviour, outcome):
    server = await serve(behaviour)
    deadline = 20 if outcome is TooLong else DEADLINE
    started = time.monotonic()
    with pytest.raises(outcome) as failure:
        await guarded.request("POST", server.url, body=b"{}", timeout=deadline)
    assert type(failure.value) is outcome
    assert failure.value.body_sent
    assert "s3cret" not in failure.value.reason
    assert time.monotonic() - started < deadline + 1


async def test_all_hostile_servers_together_cost_little_memory_and_hold_up_nobody(serve, guarded):
    servers = [await serve(behaviour) for behaviour, _ in HOSTILE * 2]
    kind = await serve()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    hostile = asyncio.gather(
        *(guarded.request("POST", server.url, body=b"{}", timeout=DEADLINE) for server in servers), return_exceptions=True
    )
    good = [await guarded.request("POST", kind.url, body=b"{}", timeout=5) for _ in range(20)]
    outcomes = await hostile
    assert all(isinstance(outcome, NoAnswer) for outcome in outcomes)
    assert {answer.body for answer in good} == {b"ok"}
    assert time.monotonic() - started < DEADLINE + 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X-More: more\r\n" * 150,
        b"HTTP/1.1 200 OK\r\nX-More: " + b"x" * 10_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X" * 10_000 + b": x\r\n",
        b"HTTP/1.1 200 " + b"x" * 10_000 + b"\r\n",
    ],
    ids=["too many headers", "too long a header", "too long a name", "too long a first line"],
)
async def test_a_head_beyond_all_measure_is_not_taken(serve, guarded, head):
    server = await serve(head + b"Content-Length: 2\r\n\r\nok")
    with pytest.raises(NoAnswer, match="not valid HTTP"):
        await guarded.request("POST", server.url, body=b"{}", timeout=10)


async def test_a_gzip_bomb_is_not_even_unpacked(serve, guarded):
    bomb = gzip.compress(b"\0" * 50_000_000)
    server = await serve(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Unreadable, match="compressed"):
        await guarded.request("POST", server.url, body=b"{}", timeout=10)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 5_000


@pytest.mark.parametrize("encoding", [b"gzip", b"GZIP", b"deflate", b"br", b"zstd", b"gzip, gzip", b"identity, gzip", b"x-unheard-of"])
async def test_no_packing_of_any_kind_is_taken(serve, guarded, encoding):
    server = await serve(HEAD + b"Content-Encoding: " + encoding + b"\r\nContent-Length: 2\r\n\r\nok")
    with pytest.raises(Unreadable):
        await guarded.request("POST", server.url, body=b"{}", timeout=10)


async def test_a_redirect_to_loopback_is_only_an_answer(serve, guarded):
    secret = await serve()
    for status in (301, 302, 303, 307, 308):
        server = await serve(f"HTTP/1.1 {status} Go\r\nLocation: {secret.url}\r\nContent-Length: 0\r\n\r\n".encode())
        assert (await guarded.request("POST", server.url, body=b"{}", timeout=10)).status == status
    assert secret.connections == 0


async def test_a_server_that_answers_before_it_was_told_everything_is_heard(serve, guarded):
    async def too_much(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        with suppress(TimeoutError):
            await asyncio.wait_for(reader.read(), 1)

    server = await serve(too_much)
    answer = await guarded.request("POST", server.url, body=b"x" * 1_000_000, timeout=10)
    assert answer.status == 413


def flooded(ask):
    """How long `ask(url)` listens to a server that floods it with interim answers, on the event loop of production."""

    async def flood(reader, writer):
        with suppress(OSError):
            await promises_for_ever(reader, writer)

    async def measure():
        async with await asyncio.start_server(flood, "127.0.0.1", 0) as server:
            started = time.monotonic()
            with suppress(NoAnswer, TimeoutError):
                await ask(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
            return time.monotonic() - started

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure())


def test_a_flood_of_interim_answers_is_not_listened_to():
    async def ask(url):
        door = Guarded(LOOPBACK)
        await door.open()
        try:
            await door.request("POST", url, body=b"{}", timeout=10)
        finally:
            await door.close()

    assert flooded(ask) < 5


def test_without_the_guard_a_flood_is_listened_to_until_the_deadline():
    """The negative control."""

    async def ask(url):
        async with aiohttp.ClientSession() as session, session.post(url, data=b"{}", timeout=aiohttp.ClientTimeout(DEADLINE)):
            raise AssertionError("a flood is no answer")

    assert flooded(ask) >= DEADLINE


async def test_a_few_interim_answers_are_fine(serve, guarded):
    server = await serve(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 10 + OK)
    for _ in range(3):
        assert (await guarded.request("POST", server.url, body=b"{}", timeout=10)).body == b"ok"
    assert server.connections == 1


@pytest.mark.parametrize("times", [1, 2, 4000])
async def test_an_answer_too_many_is_not_the_answer_to_the_next_request(serve, guarded, times):
    evil = HEAD + b"Content-Length: 4\r\n\r\nevil"

    async def say_more(reader, writer):
        await read_request(reader)
        writer.write(OK + evil * times)
        await reader.read()

    server = await serve(say_more)
    for _ in range(3):
        assert (await guarded.request("POST", server.url, body=b"{}", timeout=10)).body == b"ok"
    assert server.connections == 3


async def test_an_answer_to_no_question_ends_the_connection(serve, guarded):
    gone = asyncio.Event()

    async def speak_up_later(reader, writer):
        await read_request(reader)
        writer.write(OK)
        await asyncio.sleep(0.05)
        writer.write(HEAD + b"Content-Length: 4\r\n\r\nevil")
        await reader.read()
        gone.set()

    server = await serve(speak_up_later)
    for connections in (1, 2):
        gone.clear()
        assert (await guarded.request("POST", server.url, body=b"{}", timeout=10)).body == b"ok"
        await asyncio.wait_for(gone.wait(), 2)
        assert server.connections == connections


async def test_a_switch_to_another_protocol_is_only_an_answer(serve, guarded):
    server = await serve(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    for _ in range(2):
        assert (await guarded.request("POST", server.url, body=b"{}", timeout=10)).status == 101
    assert server.connections == 2
