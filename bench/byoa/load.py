"""Signed WhatsApp webhooks in, replies seen at `outside.py`; prints one JSON object.

    closed   at most `--window` messages are posted and not yet replied to
    open     posts at `--rate` a second; times run from when a message was due, so that a slow server cannot hide its queue

A customer's next message is posted only after the one before was acknowledged, so that order is well defined. Replies are matched by the
token [k:RUN:CUSTOMER:NUMBER] that every agent hands back. `--statuses` posts sent, delivered and read for every reply.
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import random
import re
import time
from collections import Counter, defaultdict, deque
from itertools import pairwise
from urllib.parse import urlsplit

import uvloop
from processes import Watch

TOKEN = re.compile(rb"\[k:([^:\]]+):(\d+):(\d+)\]")
LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)")
FIRST_PHONE = 16505000000
now = time.monotonic_ns


def webhook(value):
    entry = {"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}, separators=(",", ":")).encode()


def message(run, customer, number, phone_number_id):
    phone = str(FIRST_PHONE + customer)
    name = base64.b64encode(hashlib.sha1(f"{run}:{customer}:{number}".encode()).digest() + b"\x15\x02\x00\x12\x18").decode()
    text = f"Hi, where is my order? [k:{run}:{customer}:{number}]"
    said = {"from": phone, "from_user_id": f"US.{phone}", "id": f"wamid.{name}", "timestamp": str(int(time.time())), "type": "text"}
    return webhook(
        {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550783881", "phone_number_id": phone_number_id},
            "contacts": [{"profile": {"name": f"Customer {customer}"}, "wa_id": phone, "user_id": f"US.{phone}"}],
            "messages": [said | {"text": {"body": text}}],
        }
    )


def status(word, wamid, to, data, phone_number_id):
    told = {"id": wamid, "status": word, "timestamp": str(int(time.time())), "recipient_id": to}
    if data:
        told["biz_opaque_callback_data"] = data
    metadata = {"display_phone_number": "15550783881", "phone_number_id": phone_number_id}
    return webhook({"messaging_product": "whatsapp", "metadata": metadata, "statuses": [told]})


class Line(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, load):
        self.load, self.transport, self.buffer, self.posted = load, None, b"", None

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, _error):
        self.transport, posted, self.posted = None, self.posted, None
        self.load.hung_up(self, posted)

    def post(self, index, data):
        self.posted = index
        self.transport.write(data)

    def data_received(self, data):
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[: end + 2]
        length = int(found[1]) if (found := LENGTH.search(head)) else 0
        if len(self.buffer) < end + 4 + length:
            return
        self.buffer = self.buffer[end + 4 + length :]
        posted, self.posted = self.posted, None
        self.load.acknowledged(self, posted, int(head[9:12]))


class Load:
    def __init__(self, options):
        self.options, self.target = options, urlsplit(options.target)
        self.run = f"{random.getrandbits(24):06x}"
        self.who = [(i % options.customers, i // options.customers) for i in range(options.messages)]
        self.requests = [self.signed(message(self.run, c, n, options.phone_number_id)) for c, n in self.who]
        self.index = {who: i for i, who in enumerate(self.who)}
        self.posted, self.acked, self.replied = ([0] * len(self.who) for _ in range(3))
        self.statuses, self.problems = deque(), Counter()
        self.busy, self.held, self.ready, self.idle = set(), defaultdict(deque), deque(), deque()
        self.last, self.lines, self.next, self.answers, self.dialling = {}, 0, 0, 0, set()
        self.duplicated = self.out_of_order = self.misrouted = self.acks = self.status_acks = 0

    def signed(self, body):
        signature = hmac.new(self.options.secret.encode(), body, hashlib.sha256).hexdigest()
        head = f"POST {self.target.path} HTTP/1.1\r\nHost: {self.target.netloc}\r\nContent-Type: application/json\r\n"
        return f"{head}X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    async def listen(self, begun):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.options.outside, limit=1 << 24)
        writer.write(b"GET /_stream HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        begun.set()
        while line := await reader.readline():
            self.heard(line)
            self.pump()

    def heard(self, line):
        token = TOKEN.search(line)
        if not token or token[1].decode() != self.run:
            return
        moment, to, wamid, data, _ = line.decode().split("\t", 4)
        customer, number = int(token[2]), int(token[3])
        self.misrouted += not to.endswith(str(FIRST_PHONE + customer))
        if self.options.statuses:
            recipient = to.lstrip("+")
            self.statuses += [
                self.signed(status(w, wamid, recipient, data, self.options.phone_number_id)) for w in ("sent", "delivered", "read")
            ]
        index = self.index[customer, number]
        if self.replied[index]:
            self.duplicated += 1
            return
        self.replied[index] = int(moment)
        self.answers += 1
        self.out_of_order += self.last.get(customer, -1) > number
        self.last[customer] = max(number, self.last.get(customer, -1))

    def pump(self):
        if self.options.mode == "closed":
            while not self.ready and self.next < len(self.who) and self.next - self.answers < self.options.window:
                self.offer()
        while self.ready or self.statuses:
            while self.idle and self.idle[0].transport is None:
                self.idle.popleft()
            if not self.idle:
                if self.lines < self.options.connections:
                    self.lines += 1
                    self.dialling.add(task := asyncio.ensure_future(self.dial()))
                    task.add_done_callback(self.dialling.discard)
                return
            line = self.idle.popleft()
            if self.ready:
                index = self.ready.popleft()
                self.posted[index] = self.posted[index] or now()
                line.post(index, self.requests[index])
            else:
                line.post(-1, self.statuses.popleft())

    def offer(self):
        index, self.next = self.next, self.next + 1
        customer = self.who[index][0]
        if customer in self.busy:
            self.held[customer].append(index)
        else:
            self.busy.add(customer)
            self.ready.append(index)

    async def dial(self):
        try:
            _, line = await asyncio.get_running_loop().create_connection(lambda: Line(self), self.target.hostname, self.target.port)
        except OSError as error:
            self.lines -= 1
            self.problems[type(error).__name__] += 1
            await asyncio.sleep(0.05)
        else:
            self.idle.append(line)
        self.pump()

    def hung_up(self, line, index):
        self.lines -= 1
        if line in self.idle:
            self.idle.remove(line)
        if index is not None and index >= 0:  # as Meta does: what was not acknowledged is posted again
            self.problems["hung up"] += 1
            self.ready.append(index)
        self.pump()

    def acknowledged(self, line, index, code):
        self.idle.append(line)
        if code != 200:
            self.problems[f"status {code}"] += 1
        if index == -1:
            self.status_acks += 1
        elif code == 200:
            self.acks += not self.acked[index]
            self.acked[index] = self.acked[index] or now()
            customer = self.who[index][0]
            if self.held[customer]:
                self.ready.append(self.held[customer].popleft())
            else:
                self.busy.discard(customer)
        else:
            asyncio.get_running_loop().call_later(0.05, self.again, index)
        self.pump()

    def again(self, index):
        self.ready.append(index)
        self.pump()

    async def play(self):
        begun = asyncio.Event()
        listening = asyncio.ensure_future(self.listen(begun))
        await begun.wait()
        watch = Watch(dict(zip(self.options.name, self.options.pid, strict=True)))
        watch.start()
        if self.options.mode == "open":
            await self.at_a_rate()
        self.pump()
        seen, since = -1, now()
        while self.answers < len(self.who) or self.statuses:
            await asyncio.sleep(0.02)
            if seen != (seen := self.answers + self.acks + self.status_acks):
                since = now()
            elif now() - since > self.options.patience * 1e9:
                break
        await asyncio.sleep(0.3)  # for late duplicates
        used = watch.finish()
        listening.cancel()
        return self.report(used)

    async def at_a_rate(self):
        step, base = 1e9 / self.options.rate, now() + 20_000_000
        while self.next < len(self.who):
            while self.next < len(self.who) and base + self.next * step <= now():
                self.posted[self.next] = int(base + self.next * step)
                self.offer()
            self.pump()
            await asyncio.sleep(0.001)

    def report(self, used):
        acked = [i for i in range(len(self.who)) if self.acked[i]]
        done = sorted((i for i in acked if self.replied[i]), key=lambda i: self.replied[i])
        times = sorted(self.replied[i] for i in done)
        first = min(self.posted[i] for i in acked) if acked else 0
        steady = (times[int(0.9 * len(times))] - times[int(0.1 * len(times))]) / 1e9 if len(times) > 20 else 0
        return {
            "messages": len(self.who),
            "lost": len(self.who) - len(done),
            "duplicated": self.duplicated,
            "out_of_order": self.out_of_order,
            "misrouted": self.misrouted,
            "per_s": round(0.8 * len(times) / steady, 1) if steady else None,
            "last_after_s": round((times[-1] - first) / 1e9, 2) if times else None,
            "ack_ms": spread(self.acked[i] - self.posted[i] for i in acked),
            "reply_ms": spread(self.replied[i] - self.posted[i] for i in done),
            "gap_ms": round(max((b - a for a, b in pairwise(times)), default=0) / 1e6),
            "problems": dict(self.problems),
            "used": used,
        }


def spread(nanoseconds):
    values = sorted(nanoseconds)
    return (
        {name: round(values[min(len(values) - 1, int(q * len(values)))] / 1e6, 1) for name, q in (("p50", 0.5), ("p99", 0.99))}
        if values
        else {}
    )


def parsed():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--target", required=True)
    options.add_argument("--secret", default="bench-secret")
    options.add_argument("--outside", type=int, default=9100, help="port of outside.py")
    options.add_argument("--customers", type=int, default=1000)
    options.add_argument("--messages", type=int, default=6000)
    options.add_argument("--mode", choices=["closed", "open"], default="closed")
    options.add_argument("--rate", type=float, default=300)
    options.add_argument("--window", type=int, default=256)
    options.add_argument("--connections", type=int, default=64)
    options.add_argument("--statuses", action="store_true")
    options.add_argument("--phone-number-id", default="106540352242922")
    options.add_argument("--pid", type=int, action="append", default=[])
    options.add_argument("--name", action="append", default=[], help="of each --pid")
    options.add_argument("--patience", type=float, default=10, help="seconds without progress")
    return options.parse_args()


if __name__ == "__main__":
    print(json.dumps(uvloop.run(Load(parsed()).play())))
