"""One run of a seed: a few servers, the people around them, what goes wrong, the rest after it, and what is left."""

import asyncio
import hashlib
import random
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg
from tests.crash.invariants import Evidence
from tests.simulation import rules
from tests.simulation.calm import VirtualClock, virtual
from tests.simulation.faults import Faults
from tests.simulation.ground import SECRET_KEY
from tests.simulation.loop import Loop, Process
from tests.simulation.outside import Agent, Customer, Outside, WhatsApp
from tests.simulation.store import Line, Store
from tests.simulation.story import NAMES, SECONDS, Act, Story

from dragoman.conversations import callback, ownership, sending, turn
from dragoman.conversations.inbox import Inbox
from dragoman.conversations.services import Services
from dragoman.conversations.worker import Worker
from dragoman.errors import Problem
from dragoman.settings import Settings
from dragoman.whatsapp.content import Template, Text
from dragoman.whatsapp.events import parse

LEASE, UNKNOWN_WAIT = 12.0, 15.0
SETTLES = 1800.0  # virtual seconds after the last fault
GLANCE = 5.0
CLIENT_PATIENCE = 30.0
SETTINGS = Settings(
    database_url="postgresql://", secret_key=SECRET_KEY, data_dir=Path("/nowhere"), lease_seconds=LEASE, unknown_wait_seconds=UNKNOWN_WAIT
)


@dataclass
class Result:
    """`trace` is the story, line by line; two runs of one seed have the same `digest`."""

    seed: int
    violations: list[str]
    trace: list[str]
    counts: Counter
    seconds: float  # virtual

    @property
    def digest(self):
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()


class Server(Process):
    """One life of `dragoman serve`: its door for webhooks, its API, its worker."""

    def __init__(self, town, name, skew):
        super().__init__(town.loop, name)
        self.clock = VirtualClock(town.loop)
        self.clock.jump(skew)
        self.services = Services.make(SETTINGS, self.clock, Line(town.store, self), SECRET_KEY)
        self.services.trusted.request = partial(town.whatsapp.request, self)
        self.services.guarded.request = partial(town.agent.request, self)
        self.inbox = Inbox(self.services)
        self.worker = Worker(self.services)
        self.spawn(self.worker.start())

    def receive(self, app_id, body):
        return self.ask(lambda: self.inbox.receive(app_id, parse(body)))


class Town:
    def __init__(self, ground, seed):
        self.seed, self.ground = seed, ground
        self.trace, self.counts = [], Counter()
        self.loop = Loop(random.Random(f"{seed}/order"))
        self.draw = random.Random(f"{seed}/town")
        self.story, self.faults = Story.of(seed), Faults(seed)
        self.store = Store(ground.connection, self.loop, self.faults, self.tell, self._moment)
        outside = Outside(self.loop, self.faults, self.tell, self._moment)
        self.whatsapp = WhatsApp(outside, lambda: self.draw.choice(self.servers))
        self.agent = Agent(outside, self._post_late)
        self.servers, self.lives = [], Counter()
        self.customers = [Customer(*name) for name in NAMES[: self.story.customers]]
        self.whatsapp.customers = {customer.phone: customer for customer in self.customers}
        self.promised, self.wrong, self.stopped = [], [], {}
        self.late = defaultdict(set)  # the words of a late answer → the keys it was posted under
        self.errands = set()

    def tell(self, who, what):
        self.trace.append(f"{self.loop.time():9.4f} {who!s:8} {what}")

    def run(self):
        self.ground.clear(self.story)
        with virtual(self.loop, self.seed, self._logged):
            self.loop.set_exception_handler(lambda _, context: self._logged("crashed", context))
            asyncio.set_event_loop(None)
            try:
                violations = self.loop.run_until_complete(self._main())
            except Exception as error:
                violations = [f"I-02 the run broke: {type(error).__name__}: {error}"]
            finally:
                seconds = self.loop.time()
                self.loop.close()
                self.ground.settle()
        self.trace += violations
        return Result(self.seed, violations, self.trace, self.counts, seconds)

    def _logged(self, method, values):
        if "was destroyed" in str(values.get("message")):
            return  # a task of the dead; when it is swept up is not the seed's to say
        error = values.get("exception") or (sys.exc_info()[1] if values.get("exc_info") else None)
        what = f"{method}: {values.get('event') or values.get('message')}" + (f" ({type(error).__name__})" if error else "")
        self.counts[what] += 1
        self.tell("log", what)

    # --- the run ---

    async def _main(self):
        self.tell("faults", str(self.faults))
        for n in range(self.story.servers):
            self._start(n)
        for act in self.story.acts:
            self.loop.later(act.at, self._act, act)
        self._go(self._trouble())
        await asyncio.sleep(SECONDS + 12)
        self._calm()
        violations = await self._rest()
        for server in self.servers:
            self._kill(server)
        await asyncio.sleep(1)
        self.counts["messages at WhatsApp"] += len(self.whatsapp.ledger)
        evidence = Evidence(self.store, self.whatsapp.ledger, self.whatsapp.inbound, self.promised, self.agent.heard)
        violations += await rules.check(evidence, self)
        self.tell("end", await rules.summary(self.store))
        return violations

    async def _rest(self):
        deadline = self.loop.time() + SETTLES
        while self.loop.time() < deadline:
            await asyncio.sleep(GLANCE)
            if not self.whatsapp.undelivered and not self.errands and not self.store.busy and rules.at_rest(self.store):
                return []
        return ["I-02 did not come to rest"]

    def _calm(self):
        self.tell("faults", "are over")
        self.faults.over, self.faults.away, self.whatsapp.token_dead = True, False, False
        for n, server in enumerate(self.servers):
            if server.dead:
                self._start(n)
            self._hear_again(server)
            server.frozen = False
            server.clock.jump(-server.clock.offset.total_seconds())

    def _start(self, n):
        self.lives[n] += 1
        skew = self.draw.uniform(-5, 5) if "clock" in self.faults.processes and not self.faults.over else 0.0
        server = Server(self, f"{'ABC'[n]}{self.lives[n]}", skew)
        self.servers[n : n + 1] = [server]
        self.tell(server, "starts")

    def _kill(self, server):
        server.kill()
        self.store.bury(server)

    # --- trouble ---

    async def _trouble(self):
        if self.faults.outage:
            self.loop.later(self.draw.uniform(0, SECONDS), self._away)
        if self.faults.token_dies:
            self.loop.later(self.draw.uniform(0, SECONDS), self._token_dies)
        while self.faults.processes and not self.faults.over:
            await asyncio.sleep(self.draw.uniform(0.5, 8))
            n = self.draw.randrange(len(self.servers))
            server, kind = self.servers[n], self.draw.choice(self.faults.processes)
            if self.faults.over or server.dead or server.frozen:
                continue
            self._hit(n, server, kind)

    def _hit(self, n, server, kind):
        self.counts[f"fault: {kind}"] += 1
        self.tell(server, f"is {kind}")
        if kind == "killed":
            self._kill(server)
            self.loop.later(self.draw.choice((0.01, 1.0, 10.0)), self._start_again, n, server)
        elif kind == "frozen":
            server.frozen = True
            self.loop.later(self.draw.choice((0.5, 3.0, LEASE + 1, LEASE + 4, 30.0)), self._thaw, server)
        elif kind == "clock":
            server.clock.jump(self.draw.uniform(-20, 20) - server.clock.offset.total_seconds())
        else:
            server.deaf = True
            self.loop.later(self.draw.uniform(1, 20), self._hear_again, server)

    def _moment(self, server, phone=None):
        if self.faults.strikes_now():
            kind = self.draw.choice([kind for kind in self.faults.processes if kind != "deaf"] or ["deaf"])
            self.loop.later(self.draw.uniform(0, 2 * self.faults.slowest), self._strike, server, kind)
        if phone and self.faults.visits_now():
            [n] = [n for n, customer in enumerate(self.customers) if customer.phone == phone]
            after = self.draw.uniform(0, 0.6)
            self.loop.later(after, self._act, Act(0, "takes over", n, {"minutes": None}))
            self.loop.later(after + self.draw.uniform(1, 15), self._act, Act(0, "hands back", n))

    def _strike(self, server, kind):
        if server in self.servers and not (server.dead or server.frozen or self.faults.over):
            self._hit(self.servers.index(server), server, kind)

    def _start_again(self, n, server):
        if self.servers[n] is server:
            self._start(n)

    def _thaw(self, server):
        if server.frozen:
            server.frozen = False
            self.tell(server, "goes on")

    def _hear_again(self, server):
        if server.deaf and not server.dead:
            server.deaf = False
            self.store.whisper(server, "")

    def _away(self):
        self.counts["fault: the database is away"] += 1
        self.tell("database", "is away")
        self.faults.away = True
        self.store.fall()
        self.loop.later(self.draw.uniform(0.5, 12), self._back)

    def _back(self):
        self.faults.away = False
        self.tell("database", "is back")
        for server in self.servers:
            self.store.whisper(server, "")

    def _token_dies(self):
        self.whatsapp.token_dead = True
        self.loop.later(self.draw.uniform(1, 40), setattr, self.whatsapp, "token_dead", False)

    # --- people ---

    def _act(self, act):
        customer = self.customers[act.customer]
        if act.what == "says":
            self.tell(customer.name, f"says {act.more['text']!r}")
            self.whatsapp.says(customer, **act.more)
        elif act.what == "phone app":
            self.whatsapp.echoes(customer, "Lou here")
        else:
            self._go(self._business(act, customer))

    async def _business(self, act, customer):
        find = "select c.id from conversations c join contacts k on k.id = c.contact_id where k.phone = %(phone)s"
        row = next(iter(await self._look(find, {"phone": customer.phone})), None)
        if row is None:
            return
        organisation_id, name = self.ground.organisation_id, row["id"]
        if act.what == "takes over":
            do = partial(_take_over, organisation_id, name, act.more["minutes"])
        elif act.what == "hands back":
            do = partial(_hand_back, organisation_id, name)
        elif act.what == "replays":
            deliveries = await self._look(
                "select id from deliveries where conversation_id = %(name)s order by started_at, id", {"name": name}
            )
            if not deliveries:
                return
            do = partial(_replay, organisation_id, self.ground.agent_id, deliveries[0]["id"])
        else:
            await self._send(act, customer, organisation_id, name)
            return
        self.tell("business", f"{act.what} {customer.name}: {await self._insist(do)}")

    async def _send(self, act, customer, organisation_id, name):
        template = act.what == "template"
        content = Template(name="news", language="en") if template else Text(body=act.more["text"])
        query = "select id from messages where conversation_id = %(name)s and content @> %(content)s::jsonb and author = 'api'"
        told = {"name": name, "content": '{"name": "news"}' if template else f'{{"body": "{act.more["text"]}"}}'}
        stopped = template and await self._look(
            "select 1 from contacts where phone = %(phone)s and opted_out_at is not null", {"phone": customer.phone}
        )
        outcome = await self._insist(partial(_send, organisation_id, name, content), lambda: self._look(query, told))
        self.tell("business", f"{act.what} to {customer.name}: {outcome if isinstance(outcome, str) else 'done'}")
        if isinstance(outcome, str):
            return
        if stopped:
            self.wrong.append("I-07 a template was taken for somebody who had said STOP")
        self.promised += [str(outcome.id)] if hasattr(outcome, "id") else []

    def _post_late(self, url, body, key):
        self.late[body["content"]].add(key)
        self._go(self._post(url.rpartition("/")[2], body, key))

    async def _post(self, token, body, key):
        outcome = await self._insist(partial(_answer, token, rules.encoded(body), key))
        self.tell("agent", f"posts {body['content']!r}: {outcome if isinstance(outcome, str) else 'taken'}")
        if not isinstance(outcome, str):
            self.promised += map(str, outcome or ())
            if self.draw.random() < 0.3:  # a program that does not believe it
                again = await self._insist(partial(_answer, token, rules.encoded(body), key))
                if again != outcome:
                    self.wrong.append(f"I-01 one key had two answers: {key}")

    async def _insist(self, do, landed=None):
        """As a careful program asks: again until there is an answer. What was refused comes back as a text."""
        while True:
            server = self.draw.choice(self.servers)
            try:
                return await asyncio.wait_for(server.ask(partial(do, server.services)), CLIENT_PATIENCE)
            except (ConnectionError, psycopg.OperationalError, TimeoutError):
                await asyncio.sleep(self.draw.uniform(0.2, 2))
            except Problem as refusal:
                return f"{type(refusal).__name__} {refusal}"
            if landed and (found := await landed()):
                return found

    async def _look(self, query, params):
        while self.store.busy:
            await asyncio.sleep(0.05)
        return self.store.look(query, params)

    def _go(self, coro):
        task = self.loop.create_task(coro)
        self.errands.add(task)
        task.add_done_callback(self.errands.discard)


async def _take_over(organisation_id, name, minutes, services):
    await ownership.take_over(services, organisation_id, name, minutes)


async def _hand_back(organisation_id, name, services):
    await ownership.hand_back(services, organisation_id, name)


async def _replay(organisation_id, agent_id, delivery_id, services):
    return str(await turn.replay(services, organisation_id, agent_id, delivery_id) and "asked again")


async def _send(organisation_id, name, content, services):
    return await sending.send(services, organisation_id, name, content, "text")


async def _answer(token, body, key, services):
    return await callback.answer(services, token, body, "application/json", key)
