"""What a campaign costs the conversations beside it.

    .venv/bin/python bench/campaigns/beside.py [--recipients 100000] [--customers 20] [--seconds 40] [--rounds 3]

Starts a server with an embedded PostgreSQL in a temporary folder, the sandbox as WhatsApp in a process of its own, and an agent's webhook that answers at once. So many
customers talk to it in turn, each at a steady pace, with a campaign of so many recipients running on the same number and without one,
in turns, and their messages are timed from the customer's phone to the answer there. Prints

  creating     how long it takes until the campaign is accepted, and how many recipients it had
  apart, beside  answers a second, and p50, p95, p99 of their times, without and with the campaign; and the campaign's own sends a second
  ratio        of both, beside ÷ apart
  statistics   how long counting takes at so many recipients

WhatsApp, the database and the bench itself share the machine with the server. Times are of this machine; their ratio is what counts.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
from aiohttp import web

PORT, HOOK_PORT, SANDBOX_PORT = 8073, 8074, 8075
URL = f"http://127.0.0.1:{PORT}"
SANDBOX = f"http://127.0.0.1:{SANDBOX_PORT}"
HOOK = f"http://127.0.0.1:{HOOK_PORT}/hook"
NUMBER = "106540000000001"
EACH_SECONDS = 8.0  # WhatsApp takes a message in 6 s to the same customer


async def agent():
    async def answer(request):
        await request.read()
        return web.json_response({"content": "Yes, we are open."})

    app = web.Application()
    app.router.add_post("/hook", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", HOOK_PORT).start()
    return runner


async def started(folder):
    environment = {
        **os.environ,
        "DRAGOMAN_GRAPH_URL": f"{SANDBOX}/graph",
        "DRAGOMAN_PUBLIC_URL": URL,
        "DRAGOMAN_ALLOW_PRIVATE_URLS": "127.0.0.0/8",
        "DRAGOMAN_API_RATE_LIMIT": "1000000",
    }
    command = [sys.executable, "-m", "dragoman.cli"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    callback = ["--callback-url", f"{URL}/webhooks/whatsapp/sandbox"]
    whatsapp = subprocess.Popen([sys.executable, "-m", "dragoman.sandbox", "--port", str(SANDBOX_PORT), *callback], **quiet)
    server = subprocess.Popen([*command, "serve", "--port", str(PORT), "--data-dir", folder], env=environment, **quiet)
    async with aiohttp.ClientSession() as session:
        for _ in range(300):
            try:
                async with session.get(f"{URL}/readyz") as ready:
                    if ready.status == 200:
                        break
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)

    def run(*words):
        done = subprocess.run([*command, *words, "--data-dir", folder], env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    run("apps", "add", "--app-id", "sandbox", "--app-secret", "sandbox-app-secret", "--verify-token", "sandbox-verify-token")
    number = ["--phone-number-id", NUMBER, "--waba-id", "102290000000001", "--display-number", "+15550001234"]
    run("numbers", "add", *number, "--access-token", "sandbox-access-token", "--app-id", "sandbox")
    return server, whatsapp, run("keys", "create", "--name", "bench")


class Town:
    def __init__(self, session, key):
        self.session, self.headers = session, {"X-API-Key": key, "Authorization": f"Bearer {key}"}

    async def call(self, method, path, body=None):
        async with self.session.request(method, path if path.startswith("http") else URL + path, json=body, headers=self.headers) as answer:
            text = await answer.text()
            assert answer.status < 300, (path, answer.status, text[:500])
            return json.loads(text) if text else None

    async def furnish(self, customers):
        made = await self.call("POST", "/api/v1/agents/byoa/", {"webhookUrl": HOOK, "name": "Echo"})
        await self.call("POST", "/api/v1/phone-numbers/15550001234/connect-agent/", {"agentId": made["id"]})
        await self.call("POST", f"{SANDBOX}/control/templates", {"name": "rye_day", "body": "Rye is fresh, {{1}}.", "language": "en"})
        people = []
        for n in range(customers):
            person = await self.call("POST", f"{SANDBOX}/control/people", {"name": f"Guest {n}", "phone": f"+1556{n:07d}"})
            people.append(person["id"])
        return people

    async def says(self, person):
        """Seconds until the answer is on the phone."""
        before, start = await self.heard(person), time.perf_counter()
        await self.call("POST", f"{SANDBOX}/control/people/{person}/messages", {"type": "text", "text": "Are you open?"})
        while await self.heard(person) <= before:
            await asyncio.sleep(0.005)
        return time.perf_counter() - start

    async def heard(self, person):
        chat = await self.call("GET", f"{SANDBOX}/control/people/{person}/chat")
        return sum(message["from"] == "business" for message in chat["messages"])

    async def guests(self, count):
        """The first recipients are people at WhatsApp, who get what is sent and from whom statuses come."""
        for begin in range(0, count, 50):
            new = [{"name": f"Guest {n}", "phone": f"+1557{n:07d}"} for n in range(begin, begin + 50)]
            await asyncio.gather(*(self.call("POST", f"{SANDBOX}/control/people", one) for one in new))

    async def campaign(self, recipients, number):
        touchpoint = {
            "name": "First",
            "type": "WHATSAPP",
            "status": "paused",
            "start_at": "2026-01-01T00:00:00Z",
            "assistant_id": number,
            "customer_details": [{"to_number": f"+1557{n:07d}"} for n in range(recipients)],
            "whatsapp_data": {"template": "rye_day", "body_params": {"is_static": False, "params": ["phone"]}},
        }
        start = time.perf_counter()
        made = await self.call("POST", "/v2/_campaign/create_with_touchpoint", {"name": "Rye", "touchpoint": touchpoint})
        return made["data"]["id"], time.perf_counter() - start

    async def act(self, campaign, verb):
        await self.call("POST", f"/v2/_campaign/{campaign}/{verb}")

    async def statistics(self, campaign):
        start = time.perf_counter()
        counts = (await self.call("GET", f"/v2/_campaign/{campaign}/statistics"))["data"]
        return counts, time.perf_counter() - start


async def talk(town, people, seconds):
    """Everybody says something every `EACH_SECONDS`, spread evenly; the times of the answers, and how many came in a second."""
    times, start = [], time.perf_counter()

    async def one(n, person):
        await asyncio.sleep(EACH_SECONDS * n / len(people))
        while time.perf_counter() - start < seconds:
            begun = time.perf_counter()
            times.append(await town.says(person))
            await asyncio.sleep(max(0.0, EACH_SECONDS - (time.perf_counter() - begun)))

    await asyncio.gather(*(one(n, person) for n, person in enumerate(people)))
    return times, len(times) / (time.perf_counter() - start)


def figures(times):
    ordered = sorted(times)
    return [1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.95, 0.99)]


async def measure(town, people, options):
    number = await number_of(town)
    await town.guests(int(options.rounds * (options.seconds + EACH_SECONDS) * 45))
    await talk(town, people, EACH_SECONDS)  # warm up
    (campaign, took), (meanwhile, _) = await asyncio.gather(town.campaign(options.recipients, number), talk(town, people, EACH_SECONDS))
    worst = 1000 * max(meanwhile)
    print(f"creating     {options.recipients} recipients in {took:.1f} s; slowest answer meanwhile {worst:.0f} ms", flush=True)
    sides = {"apart": ([], []), "beside": ([], [])}
    sent = []
    for _ in range(options.rounds):
        await collect(sides["apart"], await talk(town, people, options.seconds))
        before, _ = await town.statistics(campaign)
        await town.act(campaign, "resume")
        begun = time.perf_counter()
        await collect(sides["beside"], await talk(town, people, options.seconds))
        await town.act(campaign, "pause")
        after, counting = await town.statistics(campaign)
        sent.append((before["pending"] - after["pending"]) / (time.perf_counter() - begun))
        await asyncio.sleep(3)
    rows = {}
    for name, (times, rates) in sides.items():
        rows[name] = [statistics.mean(rates), *figures(times)]
        more = f"   campaign {statistics.mean(sent):.1f}/s" if name == "beside" else ""
        print(
            f"{name:12} {rows[name][0]:5.2f} answers/s   p50 {rows[name][1]:6.1f} ms   p95 {rows[name][2]:6.1f} ms   p99 {rows[name][3]:6.1f} ms{more}"
        )
    ratios = [beside / apart for apart, beside in zip(rows["apart"], rows["beside"], strict=True)]
    print(f"ratio        {ratios[0]:5.2f}             p50 {ratios[1]:6.2f}      p95 {ratios[2]:6.2f}      p99 {ratios[3]:6.2f}")
    print(f"statistics   {counting * 1000:.0f} ms over {options.recipients} recipients")


async def collect(side, talked):
    side[0].extend(talked[0])
    side[1].append(talked[1])


async def number_of(town):
    """An assistant that answers the campaign's replies."""
    new = {"name": "Maya", "type": "WHATSAPP", "model": "cw-llm-1", "instructions": "Sell bread.", "phone_number": NUMBER}
    made = await town.call("POST", "/v2/_new_assistants?force=true", new)
    agents = (await town.call("GET", "/api/v1/agents/"))["results"]
    echo = next(one for one in agents if one["name"] == "Echo")
    await town.call("POST", "/api/v1/phone-numbers/15550001234/connect-agent/", {"agentId": echo["id"]})
    return int(made["data"]["assistant_id"])


async def main(options):
    runner = await agent()
    with tempfile.TemporaryDirectory(prefix="dragoman-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server, whatsapp, key = await started(folder)
        try:
            timeout = aiohttp.ClientTimeout(total=120)
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=200), timeout=timeout) as session:
                town = Town(session, key)
                await measure(town, await town.furnish(options.customers), options)
        finally:
            for process in (server, whatsapp):
                process.terminate()
                process.wait(60)
    await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", type=int, default=100_000)
    parser.add_argument("--customers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    asyncio.run(main(parser.parse_args()))
