"""What a native agent's turn costs beyond its model.

    .venv/bin/python bench/native/turns.py [--turns 200] [--at-once 500]

Starts a server on the sandbox with an embedded PostgreSQL in a temporary folder and a scripted model provider beside it, and prints

  overhead      from the customer's message at our door to the message at WhatsApp's, less the time of the model; one customer at a time
  cpu           processor time of the server for a turn, and of pydantic-ai's own loop (its Agent, same provider, in a process of its own)
  at once       so many customers on a model that takes 2 s: when the last is answered, and the server's memory

Times are of this machine and mean something only beside each other.
"""

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
from aiohttp import web

PORT, MODEL_PORT = 8071, 8072
URL = f"http://127.0.0.1:{PORT}"
MODEL = f"http://127.0.0.1:{MODEL_PORT}/v1"


async def provider(delay):
    """An OpenAI-compatible model that says one line after `delay()` seconds."""

    async def chat(request):
        await request.read()
        await asyncio.sleep(delay())
        message = {"role": "assistant", "content": "Yes, we are open."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": 6, "total_tokens": 106}
        return web.json_response({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage})

    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", MODEL_PORT, backlog=2048).start()
    return runner


def usage_of(pid):
    """Processor seconds and resident MiB of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), pages * resource.getpagesize() / 2**20


async def started(folder):
    environment = {
        **os.environ,
        "DRAGOMAN_GRAPH_URL": "sandbox",
        "DRAGOMAN_PUBLIC_URL": URL,
        "DRAGOMAN_ALLOW_PRIVATE_URLS": "127.0.0.0/8",
        "DRAGOMAN_API_RATE_LIMIT": "1000000",
        "DRAGOMAN_OPENAI_BASE_URL": MODEL,
        "DRAGOMAN_OPENAI_API_KEY": "none",
    }
    command = [sys.executable, "-m", "dragoman.cli", "serve", "--port", str(PORT), "--data-dir", folder]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    async with aiohttp.ClientSession() as session:
        for _ in range(300):
            try:
                async with session.get(f"{URL}/readyz") as answer:
                    if answer.status == 200:
                        break
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
    made = subprocess.run(
        [sys.executable, "-m", "dragoman.cli", "keys", "create", "--name", "bench", "--data-dir", folder],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return server, made.stdout.strip()


class Town:
    def __init__(self, session, key):
        self.session, self.key = session, key

    async def call(self, method, path, body=None):
        async with self.session.request(method, URL + path, json=body, headers={"X-API-Key": self.key}) as answer:
            text = await answer.text()
            assert answer.status < 300, (path, answer.status, text)
            return json.loads(text) if text else None

    async def hire(self):
        agent = await self.call(
            "POST", "/api/v1/agents/", {"name": "Bench", "llmModel": "openai/m", "systemPrompt": "You sell bread. " * 40}
        )
        await self.call("POST", "/api/v1/phone-numbers/15550001234/connect-agent/", {"agentId": agent["id"]})

    async def person(self, n):
        made = await self.call("POST", "/sandbox/control/people", {"name": f"Guest {n}", "phone": f"+1556{n:07d}"})
        return made["id"]

    async def says(self, person):
        await self.call("POST", f"/sandbox/control/people/{person}/messages", {"type": "text", "text": "Are you open?"})

    async def ledger(self):
        return len(await self.call("GET", "/sandbox/control/ledger"))


async def until_answered(town, count):
    while await town.ledger() < count:
        await asyncio.sleep(0.002)


async def one_by_one(town, pid, turns):
    # WhatsApp takes 45 messages to one customer at once, so each turn is another one's.
    people = [await town.person(n) for n in range(turns + 10)]
    before = await town.ledger()
    for n in range(10):  # warm up: the SDK is loaded by the first turn
        await town.says(people[turns + n])
        await until_answered(town, before + n + 1)
    times, (cpu, _) = [], usage_of(pid)
    for n in range(turns):
        start = time.perf_counter()
        await town.says(people[n])
        await until_answered(town, before + 11 + n)
        times.append((time.perf_counter() - start) * 1000)
    return times, (usage_of(pid)[0] - cpu) * 1000 / turns


async def all_at_once(town, pid, people):
    who = [await town.person(1000 + n) for n in range(people)]
    before, start = await town.ledger(), time.perf_counter()
    await asyncio.gather(*(town.says(person) for person in who))
    largest = 0.0
    while await town.ledger() < before + people:
        largest = max(largest, usage_of(pid)[1])
        await asyncio.sleep(0.1)
    return time.perf_counter() - start, largest


PEER = """
import asyncio, resource, sys, time
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
async def main(url, turns):
    model = OpenAIChatModel("m", provider=OpenAIProvider(openai_client=AsyncOpenAI(base_url=url, api_key="none")))
    agent = Agent(model, instructions="You sell bread. " * 40)
    for _ in range(10): await agent.run("Are you open?")
    def cpu():
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime
    begun, times = cpu(), []
    for _ in range(turns):
        start = time.perf_counter()
        await agent.run("Are you open?")
        times.append((time.perf_counter() - start) * 1000)
    print((cpu() - begun) * 1000 / turns, sorted(times)[len(times) // 2])
asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def main(turns, at_once):
    seconds = 0.0
    runner = await provider(lambda: seconds)
    with tempfile.TemporaryDirectory(prefix="dragoman-bench-") as folder:
        Path(folder).chmod(0o755)
        server, key = await started(folder)
        try:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=200)) as session:
                town = Town(session, key)
                await town.hire()
                times, cpu = await one_by_one(town, server.pid, turns)
                peer = await asyncio.create_subprocess_exec(sys.executable, "-c", PEER, MODEL, str(turns), stdout=asyncio.subprocess.PIPE)
                peer_cpu, peer_time = map(float, (await peer.communicate())[0].split())
                seconds = 2.0
                took, memory = await all_at_once(town, server.pid, at_once)
        finally:
            server.terminate()
            server.wait(30)
    await runner.cleanup()
    times.sort()
    print(
        f"overhead     p50 {statistics.median(times):6.1f} ms   p99 {times[int(len(times) * 0.99) - 1]:6.1f} ms   (the sandbox and its webhooks included)"
    )
    print(
        f"cpu          {cpu:6.2f} ms a turn, server with its sandbox;  pydantic-ai's own loop {peer_cpu:5.2f} ms (p50 {peer_time:.1f} ms)"
    )
    print(f"at once      {at_once} customers on a 2 s model: all answered after {took:.2f} s, {memory:.0f} MiB")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--turns", type=int, default=200)
    options.add_argument("--at-once", type=int, default=500)
    chosen = options.parse_args()
    asyncio.run(main(chosen.turns, chosen.at_once))
