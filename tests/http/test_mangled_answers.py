"""Answers that a bug or a bad mood has mangled: whatever arrives, it is an Answer or a NoAnswer, and nothing breaks."""

import asyncio
import random
from contextlib import suppress

from outside import LOOPBACK

from dragoman.http import NoAnswer

WHOLE = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n2\r\nok\r\n0\r\nT: x\r\n\r\n",
    b"HTTP/1.1 301 Moved\r\nLocation: http://x/\r\nSet-Cookie: a=b; Domain=x\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.0 204 No Content\r\nContent-Encoding: gzip\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall that follows",
]
PIECES = [
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b":",
        b" ",
        b"\0",
        b"\xff\xfe",
        b"0",
        b"-1",
        b"chunked",
        b"HTTP/1.1 ",
        b"ffffffff\r\n",
        b"101 x",
        b"999",
        b"\xf0\x9f\xa5\x90",
    ),
    *(b"Content-Length: 9999999999999999999999\r\n", b"Content-Length: 0x10\r\n", b"Transfer-Encoding: chunked, gzip\r\n"),
    b"Upgrade: h2c\r\nConnection: upgrade\r\n",
]


def mangle(chance):
    answer = bytearray(chance.choice(WHOLE))
    for _ in range(chance.randint(0, 4)):
        place = chance.randrange(len(answer) + 1)
        match chance.randrange(3):
            case 0:
                answer[place:place] = chance.choice(PIECES)
            case 1:
                del answer[place : place + chance.randint(1, 12)]
            case 2:
                answer[place : place + 1] = chance.randbytes(1)
    return bytes(answer)


async def test_a_mangled_answer_never_breaks_anything(serve, guard):
    chance, waiting, unhandled = random.Random(7), [], []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))

    async def say_it(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(waiting.pop())
        await writer.drain()

    server, door = await serve(say_it), await guard(LOOPBACK)
    for _ in range(500):
        waiting.append(mangle(chance))
        with suppress(NoAnswer):
            answer = await door.request("POST", server.url, body=b"{}", timeout=10)
            assert 100 <= answer.status <= 999
    assert unhandled == []
