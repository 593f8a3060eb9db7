"""The worker: takes conversations that are due, does what each waits for, gives them back.

Any number of workers may run, in any number of processes. None of them is special and none remembers anything: a worker
that dies leaves conversations whose leases run out, and another takes them from where the database says they are.
"""

import asyncio
import time
from contextlib import suppress
from functools import partial
from uuid import UUID

import psycopg
import structlog

from dragoman.conversations import callback, later, loops, media, outbox, ownership, policy, silence, turn
from dragoman.conversations.held import Held
from dragoman.conversations.journal import DUE, Settled, Turns
from dragoman.conversations.metrics import CRASHED, HELD
from dragoman.conversations.presence import Presence
from dragoman.conversations.services import Services
from dragoman.conversations.shares import Shares
from dragoman.ids import new_id
from dragoman.store.batcher import GATHER_SECONDS
from dragoman.store.database import Row

log = structlog.get_logger()

CLAIM_AT_ONCE = 100
POLL_SECONDS = 1.0
NEWS_SECONDS = 0.05
LAST_CLAIM_SECONDS = 5.0
STOP_SECONDS = 25.0
TIDY_SECONDS = 600.0


class Worker:
    def __init__(self, services: Services) -> None:
        self.id = new_id()
        self.presence = Presence(services)
        self._services = services
        self._lease = services.settings.lease_seconds
        self._held: dict[UUID, Held] = {}
        self._shares = Shares(services.settings.worker_concurrency)
        self._attending: set[asyncio.Task[None]] = set()
        self._suspects: set[asyncio.Task[None]] = set()  # the work on those that are tried apart
        self._loops: list[asyncio.Task[None]] = []
        self._wake = asyncio.Event()
        self._news = asyncio.Event()
        self._notes = 0
        self._pace = policy.Pace()
        self._workers_alive = 1
        self._tidy_at = time.monotonic() + TIDY_SECONDS
        self._stopping = False

    async def start(self) -> None:
        self._services.db.listen(DUE, self._heard)
        self._services.clock.wakes(self._wake)
        self.presence.start()
        loops = (self._claim_for_ever(), self._beat_for_ever(), self._watch_for_ever(), self._listen_for_ever())
        self._loops = [asyncio.create_task(loop) for loop in loops]

    async def stop(self) -> None:
        """Take no more, let what is under way finish, free the rest."""
        self._stopping = True
        self._wake.set()
        if self._loops:  # what is being claimed in this moment is waited for like the rest
            await asyncio.wait(self._loops[:1], timeout=LAST_CLAIM_SECONDS)
        if self._attending:
            await asyncio.wait(self._attending, timeout=STOP_SECONDS)
        unfinished = [held.name for held in self._held.values()]
        for task in [*self._loops, *self._attending]:
            task.cancel()
        for task in [*self._loops, *self._attending]:
            with suppress(asyncio.CancelledError):
                await task
        await self.presence.stop()
        with suppress(psycopg.OperationalError):  # with the database away, the leases run out by themselves
            await self._services.journal.forget(self.id, unfinished)

    def pace(self, number_id: UUID, per_second: float) -> float:
        """Seconds to wait before a number may speak again; its rate is shared evenly by the workers alive."""
        return self._pace.take(number_id, per_second / self._workers_alive, time.monotonic())

    def _heard(self, note: str) -> None:
        """Something is due. Words for a conversation that is in our hands go out while its agent is still thinking."""
        held = self._held.get(UUID(note)) if note else None
        if held is not None and held.thinking:
            self._flush_meanwhile(held)
        else:
            self._notes += 1
            self._wake.set()
            self._news.set()

    async def _watch_for_ever(self) -> None:
        """Tell native agents that think of what their customers say meanwhile."""
        while True:
            await self._news.wait()
            self._news.clear()
            with suppress(psycopg.OperationalError):
                await self._spread_news()
            await asyncio.sleep(NEWS_SECONDS)

    def listen(self, held: Held) -> None:
        """Its agent is about to think: what the customer said since the claim, while files were fetched, is no news to anybody yet."""
        if self._notes != held.notes:
            self._news.set()

    async def _spread_news(self) -> None:
        thinking = {h.name: h for h in self._held.values() if h.thinking and h.row["agent_kind"] == "llm" and not h.news.is_set()}
        if thinking:
            seqs = [held.row["through_seq"] for held in thinking.values()]
            for name in await self._services.journal.news(list(thinking), seqs):
                thinking[name].news.set()

    async def _claim_for_ever(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                if not await self._claim():
                    await self._rest()
            except psycopg.OperationalError:
                log.warning("the database is away; trying again")
                await asyncio.sleep(POLL_SECONDS)
            except Exception:  # whatever it is: a worker that stopped claiming would look alive and do nothing
                CRASHED.inc()
                log.exception("no conversation could be claimed; trying again")
                await asyncio.sleep(POLL_SECONDS)

    async def _claim(self) -> bool:
        """Take what is due; True when there may be more at once."""
        shares = self._shares
        if shares.turns(began := time.monotonic()):
            holders, holding = list(shares.held), list(shares.held.values())
            await self._take(min(CLAIM_AT_ONCE, shares.free), {"holders": holders, "holding": holding, "few": shares.few})
            shares.looked(began, time.monotonic())
        if limit := min(CLAIM_AT_ONCE, shares.room):
            shares.behind = await self._take(limit) == limit
        return bool(limit) and shares.behind

    async def _take(self, limit: int, turns: Turns | None = None) -> int:
        deadline, notes = time.monotonic() + self._lease, self._notes
        rows = await self._services.journal.claim(self.id, limit, self._lease, self._hash, suspects=not self._suspects, turns=turns)
        for row in rows:
            task = asyncio.create_task(self._attend(row, deadline, notes))
            if row["lost"] >= policy.SUSPECT_AFTER:
                self._suspects.add(task)
            self._attending.add(task)
            self._shares.take(row["organisation_id"])
            task.add_done_callback(partial(self._attended, row["organisation_id"]))
        return len(rows)

    def _attended(self, organisation_id: UUID, task: asyncio.Task[None]) -> None:
        if not self._shares.room:
            self._wake.set()
        self._shares.give_back(organisation_id)
        if task in self._suspects:
            self._suspects.discard(task)
            if not self._suspects:  # it has survived these: others may be tried
                self._wake.set()
        self._attending.discard(task)

    def _hash(self, turn_id: UUID) -> bytes:
        return callback.digest(self._services.vault, turn_id)

    async def _rest(self) -> None:
        """Until something is heard or the next thing is due. The safety net: once a second it is looked whether anything is."""
        if self._wake.is_set():
            await asyncio.sleep(GATHER_SECONDS)  # what is due in a moment joins the same claim
            return
        while True:
            seconds = POLL_SECONDS
            if not self._shares.room:
                seconds = min(seconds, self._shares.wait(time.monotonic()))  # it may have been woken for who holds few
            elif (due := await self._services.journal.next_due(suspects=not self._suspects)) is not None:
                seconds = min(seconds, max((due - self._services.clock.now()).total_seconds(), 0.0))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), seconds)
                return
            if seconds < POLL_SECONDS or not self._shares.room:
                return

    async def _attend(self, row: Row, deadline: float, notes: int) -> None:
        held = Held.of(row, deadline, self._services.clock.now())
        held.notes = notes
        self._held[held.id] = held
        HELD.set(len(self._held))
        try:
            await attend(self._services, self, held)
        except outbox.LeaseLost:
            log.warning("a conversation was taken over by another worker", conversation_id=str(held.id))
        except Exception:
            # The lease is left to run out, which is the pause before the next try.
            CRASHED.inc()
            log.exception("work on a conversation failed", conversation_id=str(held.id))
        finally:
            if self._held.get(held.id) is held:
                del self._held[held.id]
            HELD.set(len(self._held))
            if held.free:
                self._wake.set()

    def _flush_meanwhile(self, held: Held) -> None:
        if held.flushing is not None and not held.flushing.done():
            held.said_again = True
            return
        held.flushing = asyncio.create_task(self._flush_held(held))

    async def _flush_held(self, held: Held) -> None:
        again = True
        while again:
            held.said_again = False
            held.load(await self._services.journal.outbox(held.organisation_id, held.id))
            with suppress(outbox.LeaseLost):
                await outbox.flush(self._services, self, held, release=False)
            again = held.said_again

    async def _beat_for_ever(self) -> None:
        while True:
            try:
                await self._beat()
            except psycopg.OperationalError:
                log.warning("the database is away; leases are not renewed")
            except Exception:
                CRASHED.inc()
                log.exception("leases could not be renewed; trying again")
            await asyncio.sleep(self._lease / 3)

    async def _listen_for_ever(self) -> None:
        """Notice when WhatsApp's statuses do not come."""
        while True:
            await self._services.clock.sleep(silence.LOOK_SECONDS)
            try:
                await silence.listen(self._services)
            except psycopg.OperationalError:
                log.warning("the database is away; nobody looks for missing statuses")
            except Exception:
                CRASHED.inc()
                log.exception("missing statuses could not be looked for; trying again")

    async def _beat(self) -> None:
        if time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + TIDY_SECONDS
            await self._services.journal.tidy()
        self._workers_alive = await self._services.journal.beat(self.id, self._lease)
        if not self._held:
            return
        deadline, before = time.monotonic() + self._lease, dict(self._held)
        names = [held.name for held in before.values()]
        renewed = {row["id"]: row for row in await self._services.journal.renew(self.id, self._lease, names)}
        now = self._services.clock.now()
        for conversation_id, held in before.items():
            row = renewed.get(conversation_id)
            if row is None or row["fence"] != held.fence:
                continue  # given back meanwhile, or lost: the next statement with our fence will tell
            held.deadline = deadline
            if held.thinking and row["send_at"] is not None and row["send_at"] <= now:
                self._flush_meanwhile(held)


async def attend(services: Services, worker: Worker, held: Held) -> None:
    """Do what the conversation waits for: fetch files, say what is queued, ask the agent. Gives the conversation back."""
    row, now = held.row, services.clock.now()
    if row["handback_at"] is not None and row["handback_at"] <= now:
        await ownership.hand_back(services, held.organisation_id, held.id, if_due=True)
        await _give_back(services, held, rest=False)
        return
    thinks = row["turn_id"] is not None and row["owner"] == "agent" and row["think_at"] is not None and row["think_at"] <= now
    if thinks and await loops.stopped(services, held):
        await _give_back(services, held, rest=False)
        return
    if row["media_at"] is not None and row["media_at"] <= now:
        await (media.give_up if held.parked else media.fetch)(services, held)
        held.parked = False  # the files came first in every life; the question is asked
    if thinks and held.parked:
        await turn.take_turn(services, worker, worker.presence, held)
        return
    if await later.attend(services, held):
        await _give_back(services, held, rest=False)
        return
    if row["send_at"] is not None:
        await outbox.flush(services, worker, held, release=not thinks)
        if not thinks:
            return
    if thinks:
        worker.listen(held)
        await turn.take_turn(services, worker, worker.presence, held)
    else:
        # Due to think, and nobody to ask: the agent is gone. Its messages stay; the conversation rests.
        await _give_back(services, held, rest=row["think_at"] is not None and row["turn_id"] is None)


async def _give_back(services: Services, held: Held, *, rest: bool) -> None:
    answer = await services.journal.settle(
        Settled(organisation_id=held.organisation_id, conversation_id=held.id, fence=held.fence, rest=rest, release=True)
    )
    held.free = answer.free
