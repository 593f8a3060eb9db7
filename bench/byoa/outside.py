"""The world outside for the load: WhatsApp's Graph API, an agent's webhook and a model, on one port, fast enough not to be what is measured.

POST /v<version>/<id>/messages   a send: recorded with its time; read receipts are only answered
POST /d<ms>/byoa                 an agent that hands back what it was told after so many milliseconds
POST /v1/chat/completions        a model (OpenAI's API) named after its milliseconds, "m2000", that hands back the token it was told last
GET  /_stream                    a line for every send: time in ns, recipient, wamid, our callback data, text
GET  /_count                     how many calls of each kind there were

python outside.py --port 9100
"""

import argparse
import asyncio
import re
import signal
import time

import msgspec
import uvloop

TOKEN = re.compile(rb"\[k:[^\]]+\]")
LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)")
STREAMS = set()
COUNTS = {"sends": 0, "reads": 0, "agent": 0}
decode, encode = msgspec.json.decode, msgspec.json.encode


def answer(body, status=b"200 OK"):
    return b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)


class Visitor(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.buffer = transport, b""

    def connection_lost(self, _error):
        STREAMS.discard(self)

    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[: end + 2]
            length = int(found[1]) if (found := LENGTH.search(head)) else 0
            if len(self.buffer) < end + 4 + length:
                return
            body, self.buffer = self.buffer[end + 4 : end + 4 + length], self.buffer[end + 4 + length :]
            self.called(head.split(b" ", 2)[1], body)

    def called(self, path, body):
        if path == b"/v1/chat/completions":
            self.thought(body)
        elif path.startswith(b"/v"):
            self.sent(decode(body) if body else {})
        elif path.startswith(b"/d"):
            self.asked(int(path[2 : path.index(b"/", 1)]) / 1000, decode(body))
        elif path == b"/_stream":
            STREAMS.add(self)
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")
        else:
            self.transport.write(answer(encode(COUNTS)))

    def sent(self, sent):
        to = sent.get("to") or sent.get("recipient")
        if to is None:
            COUNTS["reads"] += 1
            self.transport.write(answer(b'{"success":true}'))
            return
        COUNTS["sends"] += 1
        wamid = f"wamid.OUTSIDE{COUNTS['sends']:020}"
        text = sent["text"]["body"].replace("\n", " ").replace("\t", " ")
        line = f"{time.monotonic_ns()}\t{to}\t{wamid}\t{sent.get('biz_opaque_callback_data', '')}\t{text}\n".encode()
        for stream in STREAMS:
            stream.transport.write(line)
        person = {"input": str(to), "wa_id": str(to).lstrip("+")}
        self.transport.write(answer(encode({"messaging_product": "whatsapp", "contacts": [person], "messages": [{"id": wamid}]})))

    def asked(self, delay, asked):
        COUNTS["agent"] += 1
        # Dragoman's contract, and the simpler one of the peers.
        said = {"content": asked["message"]} if "message" in asked else {"text": asked["text"]}
        self.after(delay, answer(encode(said)))

    def thought(self, body):
        told = TOKEN.findall(body)
        message = {"role": "assistant", "content": f"Yes, we are open. {told[-1].decode() if told else ''}"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": 6, "total_tokens": 106}
        said = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
        self.after(int(decode(body)["model"].removeprefix("m")) / 1000, answer(encode(said)))

    def after(self, delay, made):
        if delay:
            asyncio.get_running_loop().call_later(delay, self.transport.write, made)
        else:
            self.transport.write(made)


async def main(port):
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(Visitor, "127.0.0.1", port, backlog=4096)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--port", type=int, default=9100)
    uvloop.run(main(options.parse_args().port))
