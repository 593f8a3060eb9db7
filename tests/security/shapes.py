"""Requests that no honest client sends, as bytes for a bare connection.

Each shape says which first answers are right: a set of statuses, in which None stands for an end without an answer. One that is left
out may be answered with anything below 500. A pause between two pieces is `None` among them.
"""

import gzip
import itertools
from typing import Any, NamedTuple

QUIET = {400, None}
BOMB = gzip.compress(b" " * 20_000_000)
NOWHERE = "00000000-0000-7000-8000-000000000000"


class Shape(NamedTuple):
    name: str
    pieces: Any  # bytes, and None for a moment of silence; a function makes those that are large
    right: frozenset = frozenset()
    ends: bool = False  # the server has to end the connection by itself


def shape(name, *pieces, right=(), ends=False):
    return Shape(name, lambda: pieces, frozenset(right), ends)


class Doors:
    """Every kind of door of one server, with what opens it."""

    def __init__(self, app, key, agent, base, file):
        api, bearer = f"X-API-Key: {key}", f"Authorization: Bearer {key}"
        self.posts = {
            "webhook": (f"/webhooks/whatsapp/{app}", "X-Hub-Signature-256: sha256=" + "0" * 64),
            "callback": ("/api/callback/nobodys", "X-Nothing: 1"),
            "trigger": (f"/chats/outbound/{NOWHERE}", "X-wassist-secret: s"),
            "first": ("/api/v1/agents/byoa/", api),
            "files": (f"/api/v1/agents/{agent}/files/", api),
            "second": ("/v2/_actions", bearer),
            "form": (f"/v2/_knowledge_base/{base}", bearer, "PUT"),
            "campaign": ("/v2/_campaign/create_with_touchpoint", bearer),
            "login": ("/v2/_login", "X-Nothing: 1"),
        }
        self.gets = {
            "health": ("/healthz", ""),
            "ready": ("/readyz", ""),
            "metrics": ("/metrics", ""),
            "welcome": ("/", ""),
            "file": (file, ""),
            "no file": ("/media/nothing", ""),
            "list": ("/api/v1/agents/", api),
            "second list": ("/v2/_actions", bearer),
            "document": ("/api/v1/openapi.json", ""),
            "handshake": (f"/webhooks/whatsapp/{app}", ""),
        }


def post(door, *headers, body=b"", length=True):
    path, opener, *method = door
    lines = [f"{method[0] if method else 'POST'} {path} HTTP/1.1", "Host: lumen", opener, *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def get(door, *headers, method="GET", version="1.1"):
    path, opener, *_ = door
    lines = [f"{method} {path} HTTP/{version}", "Host: lumen", *([opener] if opener else []), *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def slow(doors):
    yield shape("nothing", None, right={None}, ends=True)
    yield shape("half a head", b"POST / HT", None, right={None}, ends=True)
    for name, door in doors.posts.items():
        head = post(door, "Content-Type: application/json", "Content-Length: 5000", length=False)
        yield shape(f"slow head of {name}", head[:-2], None, b"X-More: 1\r\n", None, right={None}, ends=True)
        yield shape(f"slow body to {name}", head + b"{", None, right={408, 401, 404, 400}, ends=True)
        open_end = post(door, "Content-Type: application/json", "Transfer-Encoding: chunked", length=False)
        yield shape(f"slow chunks to {name}", open_end + chunk(b"{"), None, chunk(b" "), None, right={408, 401, 404, 400}, ends=True)


def endless(piece, count):
    """A head and then the same again and again; stops when the other side does."""
    return lambda head: (head, *itertools.repeat(piece, count))


def large(doors):
    for name, door in doors.posts.items():
        declared = post(door, "Content-Type: application/json", "Content-Length: 10000000000", length=False)
        yield shape(f"10 GB declared to {name}", declared, None, right={413, 401, 404, 400}, ends=True)
        open_end = post(door, "Content-Type: application/json", "Transfer-Encoding: chunked", length=False)
        flood = endless(chunk(b" " * 65536), 2000)
        yield Shape(
            f"chunks without end to {name}", lambda head=open_end, flood=flood: flood(head), frozenset({413, 401, 404, 400, None}), True
        )
        undeclared = post(door, "Content-Type: application/json", length=False)
        yield shape(f"a body without a length to {name}", undeclared + b"{" * 100_000, right={400, 401, 404})
        yield shape(
            f"gzip to {name}",
            post(door, "Content-Type: application/json", "Content-Encoding: gzip", body=BOMB),
            right={400, 401, 404, 413, 415, 422},
        )


def heads(doors):
    yield shape("a head of 1 MB", b"GET / HTTP/1.1\r\nX: " + b"a" * 1_000_000, right=QUIET, ends=True)
    yield shape("10,000 long headers", b"GET / HTTP/1.1\r\n" + b"X-Header: abc\r\n" * 10_000 + b"\r\n", right=QUIET, ends=True)
    yield shape("10,000 short headers", b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"a:\r\n" * 10_000 + b"\r\n", right={200, 400})
    yield shape("an address of 60 KB", b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", right={404, 414, 400})
    chunked = post(doors.posts["callback"], "Transfer-Encoding: chunked", length=False)
    trailers = endless(b"X-Trailer: " + b"a" * 60_000 + b"\r\n", 2000)
    yield Shape("trailers without end", lambda: trailers(chunked + chunk(b"{}") + b"0\r\n"), frozenset({404, *QUIET}), True)
    extension = endless(b"a" * 60_000, 2000)
    yield Shape("a chunk's extension without end", lambda: extension(chunked + b"2;"), frozenset({404, *QUIET}), True)
    blank = endless(b"\r\n" * 30_000, 2000)
    yield Shape("blank lines without end", lambda: blank(b"\r\n"), frozenset(QUIET), True)


TYPES = [
    None,
    "",
    "text/plain",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=x",
    "application/json",
    "application/json; charset=utf-16",
    "application/json\t; ;;=",
    "\xff\xfe",
]
BODIES = {
    "nothing": b"",
    "an object": b"{}",
    "null": b"null",
    "a list": b"[[]]",
    "half": b'{"a":',
    "NUL": b"\0",
    "a NUL in a text": b'{"content":"a\\u0000","email":"a\\u0000@b.c","password":"\\u0000aaaaaaaaaaaaa","name":"\\u0000","phone":"\\u0000"}',
    "a long number": b'{"name":' + b"9" * 5000 + b"}",
    "half a pair": b'{"email":"\\ud800","password":"\\udfff3456789012","name":"\\ud800"}',
    "no UTF-8": b'{"name":"\xff\xfe"}',
    "depth": b"[" * 100_000,
    "deep objects": b'{"a":' * 20_000,
    "twice": b'{"name":"a","name":"b"}',
    "a part": b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\0\r\n--x--\r\n',
    "a part without an end": b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\nabc',
}


def types(doors):
    for n, ((name, door), kind, (what, body)) in enumerate(itertools.product(doors.posts.items(), TYPES, BODIES.items())):
        if n % 2 and kind != "application/json":
            continue
        headers = [] if kind is None else [f"Content-Type: {kind}"]
        yield shape(f"{what} as {kind!r} to {name}", post(door, *headers, body=body))


def forms(doors):
    for name in ("files", "form"):
        many = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n1\r\n' * 10_000 + b"--x--\r\n"
        files = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n1\r\n' * 10_000 + b"--x--\r\n"
        header = b"--x\r\n" + b"X-Part: a\r\n" * 50_000 + b"\r\n\r\n--x--\r\n"
        odd = b'--x\r\nContent-Disposition: form-data; name="files"; filename="../\0\xff"\r\nContent-Type: \xff\r\n\r\n1\r\n--x--\r\n'
        kind = "Content-Type: multipart/form-data; boundary=x"
        for what, body in (("fields", many), ("files", files), ("headers of a part", header), ("odd names", odd)):
            yield shape(f"10,000 {what} to {name}", post(doors.posts[name], kind, body=body), right={200, 400, 413})


def grammar(doors):
    """Framing that two readers could understand in two ways, and what is no HTTP at all."""
    good, hidden = get(doors.gets["health"]), b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    door = "POST /api/callback/x HTTP/1.1\r\nHost: x\r\n"
    framings = [
        "Content-Length: 6\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 6",
        "Content-Length: 6\r\nContent-Length: 7",
        "Content-Length: 6, 7",
        "Content-Length: +6",
        "Content-Length: -1",
        "Content-Length: 0x6",
        "Content-Length: 99999999999999999999999",
        "Content-Length : 6",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity, chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding:\x0bchunked",
        "X: 1\r\n folded\r\nContent-Length: 6\r\nTransfer-Encoding: chunked",
        "X\0: 1",
        "X: a\0b",
        "X: a\rb",
        ": nothing",
        "two words: 1",
    ]
    for framing in framings:
        yield shape(
            f"framed by {framing!r}", (door + framing + "\r\n\r\n0\r\n\r\nG").encode("latin-1") + hidden, right={400, None}, ends=True
        )
    for size in (b"zz", b"-1", b"+1", b"0x1", b"FFFFFFFFFFFFFFFFF", b" 1", b"1 ", b"", b"1\n"):
        chunked = post(doors.posts["callback"], "Transfer-Encoding: chunked", length=False)
        yield shape(f"a chunk of {size!r}", chunked + size + b"\r\na\r\n0\r\n\r\n" + hidden, None, right={400, None, 404}, ends=True)
    yield shape("garbage after a request", good + b"\x16\x03\x01garbage\r\n\r\n", right={200, 400}, ends=True)
    yield shape("200 requests in one piece", good * 200, right={200})
    for noise in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\0" * 1000,
        b"GET / HTTP/9.9\r\n\r\n",
        b"get / http/1.1\r\n\r\n",
        b"\xff" * 100 + b"\r\n\r\n",
    ):
        yield shape(f"no HTTP: {noise[:12]!r}", noise, None, right=QUIET, ends=True)


def lines(doors):
    """Odd first lines, methods and versions."""
    for target in (
        "http://evil.example/",
        "http://evil.example/api/v1/agents/",
        "*",
        "evil.example:443",
        "//evil.example/",
        "/..%2f..%2fetc/passwd",
        "/../../etc/passwd",
        "?",
        "/?" + "a=&" * 9000,
    ):
        for method in ("GET", "OPTIONS", "CONNECT", "TRACE", "POST", "HEAD"):
            yield shape(f"{method} {target[:40]}", f"{method} {target} HTTP/1.1\r\nHost: lumen\r\nContent-Length: 0\r\n\r\n".encode())
    for name, door in (doors.gets | doors.posts).items():
        for method in ("HEAD", "OPTIONS", "TRACE", "PATCH", "DELETE", "PROPFIND"):
            yield shape(f"{method} of {name}", get(door, method=method))
        yield shape(f"HTTP/1.0 to {name}", get(door, version="1.0"), ends=True)
        yield shape(f"HTTP/1.0 without a host to {name}", get(door, version="1.0").replace(b"Host: lumen\r\n", b""), ends=True)
        ranges = "Range: bytes=" + ",".join(f"{n}-{n}" for n in range(5000))
        yield shape(f"ranges of {name}", get(door, ranges))
        for protocol in ("websocket", "h2c"):
            keys = "Sec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\nSec-WebSocket-Version: 13"
            yield shape(f"{protocol} at {name}", get(door, f"Upgrade: {protocol}", "Connection: Upgrade", keys))


def characters(doors):
    """NULs and other characters that no database keeps, wherever there is room for them."""
    places = [
        "/{}", "/webhooks/whatsapp/{}", "/api/callback/{}", "/chats/outbound/{}", "/media/{}", "/media/made/{}.jpg", "/api/v1/{}",
        "/api/v1/agents/{}/", "/api/v1/phone-numbers/{}/", "/api/v1/api-keys/{}/revoke/", "/api/v1/model-providers/{}/", "/v2/{}",
        "/v2/_actions/{}", "/v2/_campaign/suppressions/{}", "/v2/_phone_numbers/{}", "/api/v1/agents/?page={}", "/v2/_customers?phone={}",
        "/api/v1/conversations/?whatsappNumber={}", "/v2/_knowledge_base?search={}", "/sandbox/{}",
        "/webhooks/whatsapp/" + doors.posts["webhook"][0].rpartition("/")[2] + "?hub.mode=subscribe&hub.challenge=1&hub.verify_token={}",
        "/oauth/callback?state={}&code={}", "/api/oauth/callback?state={}&code={}",
    ]  # fmt: skip
    openers = doors.posts["first"][1] + "\r\n" + doors.posts["second"][1]
    for place, odd, method in itertools.product(
        places, ("%00", "%ff", "%ed%a0%80", "\0", "\xff", "%", "a%00b", "%0d%0aX:%201"), ("GET", "POST", "DELETE", "PUT")
    ):
        line = f"{method} {place.replace('{}', odd)} HTTP/1.1\r\nHost: lumen\r\nContent-Type: application/json\r\nContent-Length: 2\r\n{openers}\r\n\r\n{{}}"
        yield shape(f"{odd!r} in {method} {place}", line.encode("latin-1"))
    headers = (
        "X-API-Key",
        "Authorization",
        "X-Hub-Signature-256",
        "X-wassist-secret",
        "Idempotency-Key",
        "Cookie",
        "X-Wassist-Client",
        "X-Request-Id",
    )
    for (name, door), header, value in itertools.product(
        (doors.gets | doors.posts).items(), headers, ("\xff\xfe", "Bearer wak_\xff", "a" * 5000)
    ):
        make = post if name in doors.posts else get
        yield shape(f"{header}: {value[:12]!r} to {name}", make((door[0], f"{header}: {value}", *door[2:])))
