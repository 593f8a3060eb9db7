"""What both doors promise: the answer as it is, one kept connection, and an honest word on whether the request left."""

import asyncio
import gzip
import json
import socket
import struct

import pytest
from outside import OK, read_request
from stage import free_port

from dragoman.http import FormData, NoAnswer, Refused, TooLong, Unreadable
from dragoman.http.exchange import deadline

HELLO = json.dumps({"message": "Do you have croissants?"}).encode()


@pytest.fixture(params=["trusted", "guarded"])
def call(request, trusted, guarded):
    """POST a body, or GET without one, through either door."""

    async def call(url, body=HELLO, *, timeout=10.0, **more):
        method = "GET" if body is None else "POST"
        if request.param == "trusted":
            return await trusted.request(method, url, json_body=body, timeout=timeout, **more)
        return await guarded.request(method, url, body=body, timeout=timeout, **more)

    return call


async def test_an_answer_comes_back_whole(serve, call):
    server = await serve(b"HTTP/1.1 201 Created\r\nX-Agent: echo\r\nContent-Length: 8\r\n\r\nbonjour!")
    answer = await call(server.url)
    assert (answer.status, answer.body) == (201, b"bonjour!")
    assert answer.headers["x-agent"] == answer.headers["X-Agent"] == "echo"


async def test_a_request_says_what_it_is_and_nothing_about_who_made_it_before(serve, call):
    server = await serve(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: seen=1\r\n\r\n"))
    # By name: aiohttp's own cookie jar would keep nothing for a bare address.
    url = server.url.replace("127.0.0.1", "localhost")
    await call(url, headers={"X-One": "1"})
    await call(url)
    first, second = (request.lower() for request in server.requests)
    assert first.startswith(b"post /hook?key=s3cret http/1.1\r\n")
    assert first.endswith(b"\r\n\r\n" + HELLO.lower())
    for line in (b"x-one: 1", b"content-type: application/json", b"accept-encoding: identity", b"user-agent: dragoman"):
        assert line in first
    assert f"host: localhost:{server.port}".encode() in first
    assert b"cookie" not in second
    assert b"x-one" not in second


async def test_a_caller_may_say_that_the_body_is_something_else(serve, call):
    server = await serve()
    await call(server.url, b"<hi/>", headers={"content-type": "application/xml"})
    assert b"application/xml" in server.requests[0]
    assert b"application/json" not in server.requests[0]


@pytest.mark.parametrize("body", [None, b"", b"{}", b"x" * 262_144, b"x" * 262_145, b"x" * 3_000_000])
async def test_a_body_of_any_size_arrives_as_it_was(serve, call, body):
    server = await serve()
    assert (await call(server.url, body)).status == 200
    assert server.requests[0].partition(b"\r\n\r\n")[2] == (body or b"")


async def test_many_requests_share_one_connection(serve, call):
    server = await serve()
    for _ in range(20):
        await call(server.url)
    assert (len(server.requests), server.connections) == (20, 1)


async def test_many_requests_at_once_do_not_wait_for_each_other(serve, call):
    together = asyncio.Barrier(200)

    async def wait_for_all(reader, writer):
        await read_request(reader)
        await together.wait()
        writer.write(OK)
        await writer.drain()
        writer.close()

    server = await serve(wait_for_all)
    answers = await asyncio.gather(*(call(server.url, timeout=20) for _ in range(200)))
    assert {answer.status for answer in answers} == {200}


async def test_a_redirect_is_an_answer_and_nobody_goes_there(serve, call):
    secret = await serve()
    server = await serve(f"HTTP/1.1 307 Go\r\nLocation: {secret.url}\r\nContent-Length: 0\r\n\r\n".encode())
    answer = await call(server.url)
    assert (answer.status, answer.headers["Location"]) == (307, secret.url)
    assert secret.connections == 0


async def test_a_body_longer_than_asked_for_is_not_read_to_its_end(serve, call):
    server = await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001)
    with pytest.raises(TooLong, match="1000 bytes") as failure:
        await call(server.url, largest=1000)
    assert failure.value.body_sent
    assert failure.value.status == 200
    assert (await call(server.url, largest=1001)).body == b"x" * 1001


async def test_a_connection_that_closes_just_as_it_is_chosen_is_not_the_end(serve, call):
    async def one_answer(reader, writer):
        await read_request(reader)
        writer.write(OK)

    server = await serve(one_answer)
    answers = [await call(server.url) for _ in range(50)]
    assert {answer.status for answer in answers} == {200}
    assert server.connections == 50


async def test_a_server_that_hung_up_between_requests_is_called_anew(serve, call):
    hung_up = asyncio.Event()

    async def one_answer(reader, writer):
        await read_request(reader)
        writer.write(OK)
        writer.close()
        await writer.wait_closed()
        hung_up.set()

    server = await serve(one_answer)
    for _ in range(3):
        hung_up.clear()
        assert (await call(server.url)).status == 200
        await hung_up.wait()
        await asyncio.sleep(0.01)
    assert server.connections == 3


# --- did it leave? -------------------------------------------------------------------------------------------------


async def failure_of(call, *arguments, **more):
    with pytest.raises(NoAnswer) as failure:
        await call(*arguments, **more)
    assert "s3cret" not in failure.value.reason
    assert failure.value.__cause__ is None
    return failure.value


@pytest.mark.parametrize("body", [HELLO, None])
async def test_where_nobody_listens_nothing_was_sent(call, body):
    failure = await failure_of(call, f"http://127.0.0.1:{free_port()}/?key=s3cret", body)
    assert not failure.body_sent
    assert failure.reason == "127.0.0.1 could not be reached: connection refused."


async def test_a_name_that_does_not_exist_means_nothing_was_sent(call):
    failure = await failure_of(call, "http://no-such-agent.invalid:8000/?key=s3cret")
    assert not failure.body_sent
    assert "no-such-agent.invalid could not be found" in failure.reason


async def test_a_server_that_never_finishes_its_greeting_means_nothing_was_sent(serve, call):
    async def say_nothing(reader, writer):
        await reader.read()

    server = await serve(say_nothing)
    failure = await failure_of(call, server.url.replace("http", "https"), timeout=0.1)
    assert not failure.body_sent


async def test_a_server_without_tls_means_nothing_was_sent(serve, call):
    async def swear(reader, writer):
        writer.write(b"SSH-2.0-OpenSSH_9.7\r\n")
        await reader.read()

    server = await serve(swear)
    failure = await failure_of(call, server.url.replace("http", "https"))
    assert not failure.body_sent
    assert "TLS failed" in failure.reason


async def test_a_request_that_could_not_leave_whole_was_not_sent(serve, call):
    async def never_read(reader, writer):
        await asyncio.sleep(60)

    server = await serve(never_read)
    failure = await failure_of(call, server.url, b"x" * 32_000_000, timeout=0.3)
    assert not failure.body_sent


async def test_a_header_that_cannot_be_sent_is_not(serve, call):
    server = await serve()
    failure = await failure_of(call, server.url, headers={"Authorization": "Bearer s3cret\r\nX-Evil: 1"})
    assert not failure.body_sent
    assert "header" in failure.reason
    assert server.requests == []


async def silence(reader, writer):
    await read_request(reader)
    await asyncio.sleep(60)


async def hang_up(reader, writer):
    await read_request(reader)


async def reset(reader, writer):
    await read_request(reader)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def stop_in_the_middle(reader, writer):
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it")
    await writer.drain()


async def stop_in_the_headers(reader, writer):
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    await writer.drain()


async def swear(reader, writer):
    await read_request(reader)
    writer.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize("body", [HELLO, None])
@pytest.mark.parametrize("rude", [silence, hang_up, reset, stop_in_the_middle, stop_in_the_headers, swear])
async def test_once_the_body_has_left_nobody_can_say_that_it_was_not_sent(serve, call, rude, body):
    server = await serve(rude)
    failure = await failure_of(call, server.url, body, timeout=0.5 if rude is silence else 10)
    assert failure.body_sent
    assert "127.0.0.1" in failure.reason


@pytest.mark.parametrize(("seconds", "connecting"), [(15, 5), (60, 5), (5, 5), (0.5, 0.5)])
def test_connecting_gets_five_seconds_at_most_and_deadlines_are_exact(seconds, connecting):
    timeout = deadline(seconds)
    assert (timeout.total, timeout.connect, timeout.sock_connect) == (seconds, connecting, connecting)
    assert timeout.ceil_threshold > seconds


async def test_a_cancelled_request_leaves_no_connection_behind(serve, call):
    gone = asyncio.Event()

    async def wait(reader, writer):
        await read_request(reader)
        asking.cancel()
        await reader.read()
        gone.set()

    server = await serve(wait)
    asking = asyncio.create_task(call(server.url))
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.wait_for(gone.wait(), 2)


# --- one door only -------------------------------------------------------------------------------------------------


async def test_the_trusted_door_sends_a_form(serve, trusted):
    server = await serve()
    form = FormData()
    form.add_field("messaging_product", "whatsapp")
    form.add_field("file", b"\x89PNG", filename="cake.png", content_type="image/png")
    assert (await trusted.request("POST", server.url, data=form, timeout=10)).status == 200
    assert b"multipart/form-data; boundary=" in server.requests[0]
    assert b'filename="cake.png"' in server.requests[0]


async def test_the_trusted_door_unpacks_and_the_guarded_one_will_not(serve, trusted, guarded):
    packed = gzip.compress(b"hello")
    server = await serve(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(packed), packed))
    assert (await trusted.request("GET", server.url, timeout=10)).body == b"hello"
    with pytest.raises(Unreadable, match="compressed") as failure:
        await guarded.request("GET", server.url, timeout=10)
    assert failure.value.body_sent


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "CONNECTION", "Accept-Encoding", "Cookie", "Expect", "Upgrade"]
)
async def test_a_tenant_cannot_choose_how_the_request_is_framed(serve, guarded, name):
    server = await serve()
    with pytest.raises(Refused, match=name):
        await guarded.request("POST", server.url, headers={name: "x"}, body=HELLO, timeout=10)
    assert server.connections == 0


async def test_the_trusted_door_tells_a_url_that_is_none(trusted):
    with pytest.raises(NoAnswer, match="URL") as failure:
        await trusted.request("GET", "http://[::1", timeout=10)
    assert not failure.value.body_sent


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://127.0.0.1/", "http:///x", "/relative"])
async def test_the_trusted_door_survives_what_is_not_http(trusted, url):
    with pytest.raises(NoAnswer) as failure:
        await trusted.request("GET", url, timeout=10)
    assert not failure.value.body_sent
