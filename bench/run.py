"""Every figure of docs/performance.md in one run, each beside its peers: `make bench`, or `.venv/bin/python bench/run.py [scenario ...]`.

Servers, the world outside and the load are processes of this machine. Compare rows of one run only; absolute numbers are the machine's.
"""

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from opened import leave_open, still_open
from servers import OUTSIDE, PEERS, Dragoman, Peer, outside

HERE = Path(__file__).parent
MESSAGES = 6000


def load(server, **options):
    """Play one load against a server; what it found."""
    words = [
        str(word)
        for name, value in options.items()
        for word in ((f"--{name}",) if value is True else (f"--{name}", value))
        if value is not False
    ]
    for name, pid in server.pids().items():
        words += ["--pid", str(pid), "--name", name]
    command = [sys.executable, str(HERE / "byoa/load.py"), "--target", server.webhook, "--outside", str(OUTSIDE), *words]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def row(name, figures, **more):
    wrong = [f"{figures[kind]} {kind.replace('_', ' ')}" for kind in ("lost", "duplicated", "out_of_order", "misrouted") if figures[kind]]
    used = " ".join(
        f"{who} {part['cpu_s'] * 1000 / figures['messages']:.2f} ms, {part['mib']} MiB" for who, part in figures["used"].items()
    )
    ack, reply = figures["ack_ms"], figures["reply_ms"]
    told = {
        "messages/s": figures["per_s"],
        "ack p50/p99 ms": f"{ack['p50']}/{ack['p99']}",
        "reply p50/p99 ms": f"{reply['p50']}/{reply['p99']}",
        **more,
        "CPU a message, memory": used,
        "wrong": ", ".join(wrong + [f"{count} {what}" for what, count in figures["problems"].items()]) or "nothing",
    }
    print(f"  {name:<12}" + "   ".join(f"{key} {value}" for key, value in told.items()), flush=True)
    return figures


@contextmanager
def scenario(words):
    print(f"\n{words}", flush=True)
    yield


def closed():
    """An agent that answers at once, 1,000 customers, at most 256 messages under way."""
    with scenario("Closed loop, an instant agent, 1,000 customers"):
        with Dragoman(agent_ms=0) as server:
            load(server, messages=1000)
            ours = row("Dragoman", load(server, messages=MESSAGES))
        found = {}
        for peer in PEERS:
            with Peer(peer) as server:
                load(server, messages=200)
                found[peer] = row(peer, load(server, messages=MESSAGES if peer == "diy_aio" else 1500))
        print("  ratio       " + ", ".join(f"{ours['per_s'] / other['per_s']:.2f} × {peer}" for peer, other in found.items()))
    return ours["per_s"]


def statuses():
    """The same with three status webhooks for each reply."""
    with scenario("Closed loop with three statuses a reply"):
        with Dragoman(agent_ms=0) as server:
            ours = row("Dragoman", load(server, messages=MESSAGES // 2, statuses=True))
        with Peer("diy_aio") as server:
            peer = row("diy_aio", load(server, messages=MESSAGES // 2, statuses=True))
        print(f"  ratio       {ours['per_s'] / peer['per_s']:.2f} × diy_aio")


def open_loop():
    """300 messages a second, whether the server keeps up or not; then 80 % of what it can."""
    with scenario("Open loop, 300 messages/s"):
        with Dragoman(agent_ms=0) as server:
            row("Dragoman", load(server, messages=3000, mode="open", rate=300))
            ceiling = load(server, messages=MESSAGES)["per_s"]
            row("at 80 %", load(server, messages=int(ceiling * 8), mode="open", rate=ceiling * 0.8), rate=f"{ceiling * 0.8:.0f}/s")
        with Peer("diy_aio") as server:
            row("diy_aio", load(server, messages=3000, mode="open", rate=300))


def waiting():
    """2,000 conversations that wait on an agent of 800 ms; then a burst of 1,000."""
    with scenario("An agent that takes 800 ms"), Dragoman(agent_ms=800) as server:
        row("2,000 wait", load(server, messages=8000, customers=2000, window=2000, connections=256), agent="limit 2500/s")
        figures = load(server, messages=1000, customers=1000, window=1000, connections=256)
        row("burst 1,000", figures, answered=f"all after {figures['last_after_s']} s")


def killed():
    """kill -9 under load, started again at once: the longest time in which nothing was answered."""
    with scenario("kill -9 under load"), Dragoman(agent_ms=0, lease_seconds=3) as server:
        words = [sys.executable, str(HERE / "byoa/load.py"), "--target", server.webhook, "--outside", str(OUTSIDE)]
        words += ["--messages", "4000", "--mode", "open", "--rate", "400", "--patience", "20"]
        running = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        time.sleep(4)
        server.kill()
        begun = time.monotonic()
        server.serve()
        ready = time.monotonic() - begun
        figures = json.loads(running.communicate()[0])
        figures["used"] = {}
        row("Dragoman", figures, ready=f"after {ready:.2f} s", silence=f"{figures['gap_ms']} ms")


def recovering():
    """100,000 open rows in 20,000 conversations, and a server that starts among them, is killed while it recovers, and starts again."""
    with scenario("Start with 100,000 open rows"), Dragoman(agent_ms=0, unknown_wait_seconds=2, lease_seconds=5) as server:
        server.fill(contacts=20_000, messages=20_000)
        server.kill()
        with server.database() as connection:
            opened = left = leave_open(connection)
            ready, lefts = [], []
            for _ in range(2):
                ready.append(server.serve())
                time.sleep(3)
                server.kill()
                lefts.append(still_open(connection))
            ready.append(server.serve())
            begun = time.monotonic()
            while left := still_open(connection):
                if time.monotonic() - begun > 300:
                    break
                time.sleep(0.5)
        times = ", ".join(f"{seconds:.2f}" for seconds in ready)
        print(
            f"  Dragoman    {opened} open rows   ready after {times} s (wanted 10)   left at the kills {', '.join(map(str, lefts))}   "
            f"all done {time.monotonic() - begun:.0f} s after the last start, {left} left"
        )


def resting():
    """How long a start takes, and what a server does that has nothing to do."""
    with scenario("Start and rest"), Dragoman(agent_ms=0, prepared=False) as server:
        first = server.serve()
        server.stop()
        again = server.serve()
        time.sleep(3)
        idle = server.cpu_over(10)
        print(
            f"  Dragoman    first ever start {first:.2f} s   start {again:.2f} s   idle {idle * 100:.1f} % of a core   {server.memory():.0f} MiB"
        )


def workers():
    """Web and workers apart, on one PostgreSQL."""
    with scenario("A web process and n workers on the embedded PostgreSQL"):
        for count in (1, 2, 4):
            with Dragoman(agent_ms=0, workers=count) as server:
                load(server, messages=1000)
                row(f"{count} worker{'s' * (count > 1)}", load(server, messages=MESSAGES))


def full():
    """100,000 contacts and a million messages in the tables."""
    with scenario("A million stored messages, 100,000 contacts"):
        with Dragoman(agent_ms=0) as server:
            load(server, messages=1000)
            empty = row("empty", load(server, messages=MESSAGES))
            server.fill(contacts=100_000, messages=1_000_000)
            load(server, messages=1000)
            stored = row("full", load(server, messages=MESSAGES))
            pages = server.pages()
        print(
            f"  ratio       {stored['per_s'] / empty['per_s']:.2f}   conversation list {pages[0]:.0f} ms, timeline {pages[1]:.0f} ms (worst of 20)"
        )


def native():
    """A native agent's turn beyond its model, one at a time; then 500 customers at once on a model that takes 2 s."""
    with scenario("A native agent, a model that answers at once; then 500 customers on one that takes 2 s"):
        with Dragoman(model_ms=0) as server:
            load(server, messages=20, window=1)
            row("Dragoman", load(server, messages=300, customers=300, window=1))
        subprocess.run([sys.executable, str(HERE / "native/loop.py"), f"http://127.0.0.1:{OUTSIDE}/v1"], check=True)
        with Dragoman(model_ms=2000) as server:
            load(server, messages=20, customers=20)
            figures = load(server, messages=500, customers=500, window=500, connections=256)
            row("500 at once", figures, answered=f"all after {figures['last_after_s']} s")


def knowledge():
    """Finding the right passage, and how long it takes among 100,000."""
    with scenario("Searching the knowledge"):
        subprocess.run([sys.executable, str(HERE / "knowledge/search.py")], check=True)


SCENARIOS = [closed, statuses, open_loop, waiting, killed, recovering, resting, workers, full, native, knowledge]


def main(wanted):
    known = {one.__name__: one for one in SCENARIOS}
    if unknown := [word for word in wanted if word not in known]:
        sys.exit(f"{unknown[0]} is no scenario; there are {', '.join(known)}")
    with outside():
        for one in [known[word] for word in wanted] or SCENARIOS:
            one()


if __name__ == "__main__":
    main(sys.argv[1:])
