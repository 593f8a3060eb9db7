"""What the SDKs of model providers and of MCP send leaves through a door of ours, and nothing of it goes another way."""

import asyncio
import gzip
import subprocess
import sys
import time

import httpx2
import pytest
from anthropic import AsyncAnthropic
from google.genai import Client as Google
from google.genai.types import HttpOptions
from mcp import Client as Mcp
from mcp.client.streamable_http import streamable_http_client
from openai import APIConnectionError, APIStatusError, APITimeoutError, AsyncOpenAI
from outside import LOOPBACK, OK, read_request
from provider import SAID, WORDS, provider

from dragoman.http import NoAnswer, Refused, TooLate, TooLong, Unreadable
from dragoman.http.sdk import client

HELLO = [{"role": "user", "content": "Do you have croissants?"}]
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def place():
    async with provider() as place:
        yield place


@pytest.fixture(params=["trusted", "guarded"])
def door(request, trusted, guarded):
    return trusted if request.param == "trusted" else guarded


def openai(door, url, *, timeout=10.0, retries=0, **more):
    return AsyncOpenAI(api_key="sk-s3cret", base_url=f"{url}/v1", http_client=client(door, timeout=timeout, **more), max_retries=retries)


async def ask_openai(door, url):
    answer = await openai(door, url).chat.completions.create(model="m", messages=HELLO)
    return answer.choices[0].message.content


async def ask_anthropic(door, url):
    own = AsyncAnthropic(api_key="sk-s3cret", base_url=url, http_client=client(door, timeout=10), max_retries=0)
    return (await own.messages.create(model="m", max_tokens=99, messages=HELLO)).content[0].text


async def ask_google(door, url):
    own = Google(api_key="s3cret", http_options=HttpOptions(base_url=url, httpx_async_client=client(door, timeout=10)))
    return (await own.aio.models.generate_content(model="m", contents="Do you have croissants?")).text


async def ask_mcp(door, url):
    async with Mcp(streamable_http_client(f"{url}/mcp", http_client=client(door, timeout=10)), mode="legacy") as own:
        return (await own.list_tools()).tools[0].description


SDKS = [ask_openai, ask_anthropic, ask_google, ask_mcp]


def causes(error):
    """`error`, what is inside it when it is a group, and what led to each."""
    yield error
    for one in (*getattr(error, "exceptions", ()), error.__cause__, error.__context__):
        if one is not None:
            yield from causes(one)


# --- one way out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", SDKS)
async def test_every_sdk_is_answered_through_either_door(place, door, ask):
    assert await ask(door, place.url) == SAID
    assert place.heard


@pytest.mark.parametrize("ask", SDKS)
async def test_what_the_guarded_door_refuses_no_sdk_reaches_another_way(place, guard, dials, monkeypatch, ask):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, place.url)
    door = await guard(names={"rival.example": ["127.0.0.1"]})
    for url in (place.url, f"https://rival.example:{place.port}", "https://rival.example"):
        with pytest.raises(Exception) as failure:
            await ask(door, url)
        assert any(isinstance(cause, Refused) for cause in causes(failure.value))
    assert dials == []
    assert place.heard == []


async def test_a_refusal_says_why(place, guard):
    door = await guard(names={"rival.example": ["10.0.0.7"]})
    with pytest.raises(APIConnectionError) as failure:
        await ask_openai(door, "https://rival.example")
    reason = "rival.example leads into 10.0.0.0/8, a private network. If that is meant, the operator can add the network to"
    assert str(failure.value.__cause__).startswith(reason)
    assert isinstance(failure.value.__cause__, httpx2.ConnectError)


async def test_a_server_that_serves_agents_elsewhere_does_not_load_the_sdks():
    loaded = "import dragoman.cli.serving, sys; print(sorted({'httpx2', 'openai', 'anthropic', 'mcp'} & set(sys.modules)))"
    told = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("ask", SDKS)
async def test_no_sdk_follows_a_redirect(serve, door, ask, code):
    """Neither elsewhere nor on the same host, which MCP's would do by itself."""
    secret = await serve()
    for there in (f"{secret.url}", "/v1/other"):
        server = await serve(f"HTTP/1.1 {code} Go\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n".encode())
        with pytest.raises(Exception):  # noqa: B017 - each SDK has its own
            await ask(door, server.url.partition("/hook")[0])
        assert {request.split(b" ")[1] for request in server.requests}.isdisjoint({b"/v1/other"})
    assert secret.connections == 0


async def test_a_redirect_is_the_answer(serve, door):
    server = await serve(b"HTTP/1.1 307 Go\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(APIStatusError) as failure:
        await ask_openai(door, server.url.partition("/hook")[0])
    assert failure.value.status_code == 307
    assert len(server.requests) == 1


# --- what is sent --------------------------------------------------------------------------------------------------


async def test_the_door_frames_the_request_and_the_sdk_says_the_rest(serve, door):
    server = await serve()
    own = client(door, timeout=10)
    given = {"Authorization": "Bearer s3cret", "Accept-Encoding": "gzip", "Connection": "close", "Cookie": "a=b", "TE": "trailers"}
    await own.post(server.url.replace("127.0.0.1", "localhost"), json={"a": 1}, headers={**given, "Host": "rival.example"})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    for line in (b"authorization: bearer s3cret", b"accept-encoding: identity", b"content-type: application/json", b"content-length: 7"):
        assert lines.count(line) == 1
    assert f"host: localhost:{server.port}".encode() in lines
    assert not [line for line in lines if line.startswith((b"cookie", b"te:", b"connection"))]
    assert body == b'{"a":1}'


async def test_a_recording_arrives_whole(place, door):
    recording = bytes(range(256)) * 4_000
    heard = await openai(door, place.url).audio.transcriptions.create(model="m", file=("order.ogg", recording, "audio/ogg"))
    assert heard.text == "two croissants"
    headers, body = place.heard[0]
    assert headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert recording in body
    assert b'filename="order.ogg"' in body


async def test_cookies_are_not_kept(serve, door):
    server = await serve(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: seen=1\r\n\r\n"))
    own = client(door, timeout=10)
    url = server.url.replace("127.0.0.1", "localhost")
    for _ in range(2):
        await own.get(url)
    assert not own.cookies
    assert b"cookie" not in server.requests[1].lower()


# --- what comes back -----------------------------------------------------------------------------------------------


async def test_a_streamed_answer_comes_word_by_word(place, door):
    place.said = asyncio.Semaphore(0)
    heard = []
    async with await openai(door, place.url).chat.completions.create(model="m", messages=HELLO, stream=True) as stream:
        async for chunk in stream:
            heard.append(chunk.choices[0].delta.content)
            place.said.release()  # the next word is only said when this one was heard
    assert heard == WORDS


async def test_exchanges_share_one_connection(serve, door):
    server = await serve()
    own = client(door, timeout=10)
    for _ in range(10):
        assert (await own.post(server.url, json={})).text == "ok"
        async with own.stream("POST", server.url, json={}) as answer:
            assert b"".join([part async for part in answer.aiter_raw()]) == b"ok"
    assert server.connections == 1


async def test_a_connection_that_closes_just_as_it_is_chosen_is_not_the_end(serve, door):
    async def one_answer(reader, writer):
        await read_request(reader)
        writer.write(OK)

    server, own = await serve(one_answer), client(door, timeout=10)
    assert {(await own.post(server.url, json={})).status_code for _ in range(50)} == {200}
    assert server.connections == 50


async def test_a_header_in_any_letters_is_no_fault(serve, door):
    server = await serve("HTTP/1.1 200 OK\r\nX-Baker: Zoë\r\nX-Odd: ".encode() + b"\xff\r\nX-Baker: Dana\r\nContent-Length: 2\r\n\r\nok")
    answer = await client(door, timeout=10).get(server.url)
    assert answer.text == "ok"
    assert [value for name, value in answer.headers.raw if name.lower() == b"x-baker"] == ["Zoë".encode(), b"Dana"]


async def test_the_trusted_door_unpacks_and_the_guarded_one_will_not(serve, trusted, guarded):
    packed = gzip.compress(b"hello" * 1000)
    server = await serve(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(packed), packed))
    assert (await client(trusted, timeout=10).get(server.url)).text == "hello" * 1000
    with pytest.raises(httpx2.DecodingError, match="compressed") as failure:
        await client(guarded, timeout=10).get(server.url)
    assert isinstance(failure.value.__cause__, Unreadable)


# --- ends ----------------------------------------------------------------------------------------------------------


def listener(gone, *, says=b""):
    """A server that hears a request, says `says` and no more, and notes when the other side has gone."""

    async def listen(reader, writer):
        await read_request(reader)
        writer.write(says)
        await reader.read()
        gone.set()

    return listen


async def endless(reader, writer):
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def a_letter_at_a_time(reader, writer):
    await read_request(reader)
    writer.write(EVENTS)
    while True:
        writer.write(b"1\r\n:\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def test_a_body_over_the_cap_ends(serve, door):
    server = await serve(endless)
    with pytest.raises(httpx2.ReadError, match="more than 100000 bytes") as failure:
        await client(door, timeout=10, largest=100_000).get(server.url)
    assert isinstance(failure.value.__cause__, TooLong)
    fits = await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000)
    assert len((await client(door, timeout=10, largest=100_000).get(fits.url)).content) == 100_000


async def test_a_server_that_is_slow_for_ever_is_left_at_the_deadline(serve, door):
    server, started = await serve(a_letter_at_a_time), time.monotonic()
    with pytest.raises(httpx2.ReadTimeout, match="did not answer in time") as failure:
        await asyncio.wait_for(client(door, timeout=0.4).get(server.url), 5)
    assert isinstance(failure.value.__cause__, TooLate)
    assert 0.3 < time.monotonic() - started < 2


async def test_a_request_may_ask_for_less_time_than_its_client_has(serve, door):
    server, started = await serve(a_letter_at_a_time), time.monotonic()
    with pytest.raises(APITimeoutError):
        await openai(door, server.url.partition("/hook")[0], timeout=60).with_options(timeout=0.4).models.list()
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("says", [b"", EVENTS, EVENTS + b"5\r\nfirst\r\n"])
async def test_a_server_that_falls_silent_is_left_after_the_reads_timeout(serve, door, says):
    server, started = await serve(listener(asyncio.Event(), says=says)), time.monotonic()
    with pytest.raises(httpx2.ReadTimeout):
        await client(door, timeout=60).get(server.url, timeout=httpx2.Timeout(30, read=0.3))
    assert time.monotonic() - started < 2


async def test_a_server_that_never_finishes_its_greeting_is_a_timeout_of_connecting(serve, door):
    server = await serve(listener(asyncio.Event()))
    with pytest.raises(httpx2.ConnectTimeout):
        await client(door, timeout=0.2).post(server.url.replace("http", "https"), json={})


async def test_an_answer_that_stops_in_the_middle_is_an_error_without_the_query(serve, door):
    async def stop(reader, writer):
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it")
        await writer.drain()

    server = await serve(stop)
    with pytest.raises(httpx2.ReadError) as failure:
        await client(door, timeout=10).get(server.url, headers={"Authorization": "Bearer s3cret"})
    assert str(failure.value) == "The answer of 127.0.0.1 stopped in the middle."
    assert isinstance(failure.value.__cause__, NoAnswer)
    assert not [cause for cause in causes(failure.value) if "s3cret" in repr(cause)]


async def test_an_sdk_that_tries_again_does_so_through_the_door(serve, door):
    async def better_the_second_time(reader, writer):
        request = await read_request(reader)
        if server.connections > 1:
            server.requests.append(request)
            writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n{"object":"list","data":[]}')

    server = await serve(better_the_second_time)
    assert (await openai(door, server.url.partition("/hook")[0], retries=1).models.list()).data == []
    assert server.connections == 2


@pytest.mark.parametrize("says", [b"", EVENTS, EVENTS + b"5\r\nfirst\r\n"])
async def test_cancelling_closes_the_connection(serve, door, says):
    gone = asyncio.Event()
    server = await serve(listener(gone, says=says))
    asking = asyncio.create_task(client(door, timeout=60).get(server.url))
    await asyncio.sleep(0.1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.wait_for(gone.wait(), 2)


async def test_whoever_stops_listening_half_way_leaves_no_connection_behind(serve, door):
    gone = asyncio.Event()
    server = await serve(listener(gone, says=EVENTS + b"5\r\nfirst\r\n"))
    async with client(door, timeout=60).stream("GET", server.url) as answer:
        async for part in answer.aiter_bytes():
            assert part == b"first"
            break
    await asyncio.wait_for(gone.wait(), 2)


@pytest.mark.parametrize("where", ["trusted", "guarded"])
async def test_a_door_streams_by_itself(serve, guard, trusted, where):
    door = trusted if where == "trusted" else await guard(LOOPBACK)
    server = await serve(EVENTS + b"5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n")
    async with door.stream("POST", server.url, body=b"<hi/>", headers={"Content-Type": "text/xml"}, timeout=10) as answer:
        assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
        assert b"".join([part async for part in answer.parts]) == b"firstsecond"
    assert b"content-type: text/xml" in server.requests[0].lower()
