"""What is measured: Dragoman with its embedded PostgreSQL in a folder of its own, and the peers, each as its users would start it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).parent / "byoa"))
from processes import cpu, memory, tree

HERE = Path(__file__).parent
OUTSIDE, PORT = 9100, 9101
PHONE_NUMBER_ID = "106540352242922"
PEERS = ("diy_aio", "pywa_echo")
TIRELESS = {"automaticTurns": 0}  # these customers are programs, and are to be answered all the same
PROMPT = "You sell bread. " * 40
PEER_PYTHON = HERE / ".venv/bin/python"
FILL = """
insert into contacts (organisation_id, id, profile_name, phone, created_at, updated_at)
select %(o)s, gen_random_uuid(), 'Guest ' || n, '1777' || lpad(n::text, 7, '0'), now(), now() from generate_series(1, %(contacts)s) n;
insert into contact_identities (organisation_id, kind, value, contact_id, first_seen_at)
select organisation_id, 'phone', phone, id, now() from contacts where organisation_id = %(o)s and phone like '1777%%';
insert into conversations (organisation_id, id, number_id, contact_id, agent_id, last_seq, wanted_seq, answered_seq, queued_seq, last_message_at, created_at, updated_at)
select k.organisation_id, gen_random_uuid(), n.id, k.id, n.agent_id, %(each)s, %(each)s, %(each)s, %(each)s, now() - random() * interval '90 days', now(), now()
from contacts k, numbers n where k.organisation_id = %(o)s and k.phone like '1777%%' and n.organisation_id = %(o)s;
insert into messages (organisation_id, id, conversation_id, seq, direction, author, type, content, number_id, wamid, state, said_at, created_at)
select c.organisation_id, gen_random_uuid(), c.id, s, case when s %% 2 = 1 then 'in' else 'out' end, case when s %% 2 = 1 then 'customer' else 'agent' end, 'text',
       case when s %% 2 = 1 then jsonb_build_object('type', 'text', 'text', 'Where is my order number ' || s || '?')
            else jsonb_build_object('type', 'text', 'body', 'It is on its way, number ' || s || '.') end,
       c.number_id, 'wamid.' || c.id || s, case when s %% 2 = 1 then 'received' else 'read' end, c.last_message_at, c.last_message_at
from conversations c join contacts k on k.organisation_id = c.organisation_id and k.id = c.contact_id, generate_series(1, %(each)s) s
where c.organisation_id = %(o)s and k.phone like '1777%%';
analyze
"""


@contextmanager
def outside():
    running = subprocess.Popen([sys.executable, str(HERE / "byoa/outside.py"), "--port", str(OUTSIDE)])
    time.sleep(0.5)
    try:
        yield
    finally:
        running.terminate()


class Peer:
    """A bot in one uvicorn process, as its page says to run it."""

    webhook = f"http://127.0.0.1:{PORT}/webhook"

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        world = f"http://127.0.0.1:{OUTSIDE}"
        settings = {"GRAPH_URL": world, "APP_SECRET": "bench-secret", "PHONE_ID": PHONE_NUMBER_ID, "AGENT_URL": f"{world}/d0/byoa"}
        command = [str(PEER_PYTHON), "-m", "uvicorn", f"{self.name}:app", "--port", str(PORT), "--log-level", "warning"]
        self.process = subprocess.Popen(command, cwd=HERE / "byoa/peers", env=os.environ | settings)
        _until_answers(f"http://127.0.0.1:{PORT}/nothing")
        return self

    def __exit__(self, *_error):
        self.process.terminate()
        self.process.wait()

    def pids(self):
        return {"python": self.process.pid}


class Dragoman:
    """An agent with its own webhook that takes `agent_ms`, or a native one on a model that takes `model_ms`.

    `workers`: how many of them beside a web process; 0 is one process for all.
    """

    webhook = f"http://127.0.0.1:{PORT}/webhooks/whatsapp/bench"
    url = f"http://127.0.0.1:{PORT}"

    def __init__(self, *, agent_ms=0, model_ms=None, workers=0, prepared=True, **settings):
        self.agent_ms, self.model_ms, self.workers, self.prepared = agent_ms, model_ms, workers, prepared
        self.folder = Path(tempfile.mkdtemp(prefix="dragoman-bench-"))
        self.folder.chmod(0o755)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DRAGOMAN_")}
        chosen = {
            "data_dir": self.folder,
            "graph_url": f"http://127.0.0.1:{OUTSIDE}",
            "public_url": self.url,
            "allow_private_urls": "127.0.0.0/8",
            "api_rate_limit": 1_000_000,
            "log_level": "WARNING",
            "openai_base_url": f"http://127.0.0.1:{OUTSIDE}/v1",
            "openai_api_key": "none",
            **settings,
        }
        self.environment = clean | {f"DRAGOMAN_{name.upper()}": str(value) for name, value in chosen.items()}
        self.processes = []

    def __enter__(self):
        if self.prepared:
            self.key = self.run("keys", "create", "--name", "bench")
            self.run("apps", "add", "--app-id", "bench", "--app-secret", "bench-secret", "--verify-token", "v")
            number = {
                "phone-number-id": PHONE_NUMBER_ID,
                "waba-id": "1",
                "display-number": "+15550783881",
                "access-token": "T",
                "app-id": "bench",
            }
            self.run("numbers", "add", *(word for name, value in number.items() for word in (f"--{name}", value)), "--per-second", "100000")
            self.serve()
            if self.model_ms is None:
                webhook = f"http://127.0.0.1:{OUTSIDE}/d{self.agent_ms}/byoa"
                agent = self.call("POST", "/agents/byoa/", {"webhookUrl": webhook, "name": "Bench", "byoa": TIRELESS})
            else:
                thinker = {"llmModel": f"openai/m{self.model_ms}", "systemPrompt": PROMPT, "native": TIRELESS}
                agent = self.call("POST", "/agents/", {"name": "Bench", **thinker})
            self.call("POST", "/phone-numbers/15550783881/connect-agent/", {"agentId": agent["id"]})
        return self

    def __exit__(self, *_error):
        self.stop()
        if postmaster := self._postmaster():
            os.kill(postmaster, signal.SIGINT)
            while Path(f"/proc/{postmaster}").exists():
                time.sleep(0.05)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *words):
        command = [sys.executable, "-m", "dragoman.cli", *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True).stdout.strip()

    def serve(self):
        """Start; how many seconds it took until it was ready."""
        begun = time.monotonic()
        role = ["--role", "web"] if self.workers else []
        self._start("--port", str(PORT), *role)
        _until_answers(f"{self.url}/readyz", ready=True)
        for n in range(self.workers):
            self._start("--port", str(PORT + 1 + n), "--role", "worker")
            _until_answers(f"http://127.0.0.1:{PORT + 1 + n}/readyz", ready=True)
        return time.monotonic() - begun

    def _start(self, *words):
        command = [sys.executable, "-m", "dragoman.cli", "serve", *words]
        self.processes.append(subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()
        self.processes = []

    def kill(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes = []

    def pids(self):
        names = {f"python{n or ''}": process.pid for n, process in enumerate(self.processes)}
        return names | {"postgres": self._postmaster()}

    def _postmaster(self):
        file = self.folder / "postgres/postmaster.pid"
        return int(file.read_text().split()[0]) if file.exists() else None

    def cpu_over(self, seconds):
        """Share of one core that all of it used."""
        everything = [pid for root in self.pids().values() for pid in tree([root])]
        before = sum(cpu(pid) or 0 for pid in everything)
        time.sleep(seconds)
        return (sum(cpu(pid) or 0 for pid in everything) - before) / seconds

    def memory(self):
        return sum(memory(pid) for root in self.pids().values() for pid in tree([root]))

    def call(self, method, path, body=None):
        headers = {"X-API-Key": self.key, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/v1{path}", json.dumps(body).encode() if body else None, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def database(self):
        return psycopg.connect(f"postgresql://postgres@/postgres?host={self.folder / 'postgres'}", autocommit=True)

    def fill(self, *, contacts, messages):
        with self.database() as connection:
            organisation = connection.execute("select id from organisations").fetchone()[0]
            for statement in FILL.split(";\n"):
                connection.execute(statement, {"o": organisation, "contacts": contacts, "each": messages // contacts})

    def pages(self):
        """The slowest of twenty conversation lists and of twenty timelines, in ms."""
        slowest = [0.0, 0.0]
        for n in range(20):
            begun = time.monotonic()
            page = self.call("GET", f"/conversations/?limit=50&offset={n * 50}")
            slowest[0] = max(slowest[0], (time.monotonic() - begun) * 1000)
            begun = time.monotonic()
            self.call("GET", f"/conversations/{page['results'][0]['id']}/timeline/")
            slowest[1] = max(slowest[1], (time.monotonic() - begun) * 1000)
        return slowest


def _until_answers(url, *, ready=False):
    for _ in range(600):
        try:
            with urllib.request.urlopen(url):
                return
        except urllib.error.HTTPError:
            if not ready:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit(f"{url} did not answer within 30 s")
