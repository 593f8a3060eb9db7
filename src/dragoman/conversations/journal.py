"""The statements of the main job, each run for many conversations at once.

    claim   who is due?          a worker takes conversations, with their open turn, questions and outbox
    record  the agent spoke      closes the turn, puts replies into the outbox, writes down the first attempt
    settle  WhatsApp answered    closes the attempt, writes down the next one, lets the conversation go
    renew   still here           keeps the leases of a worker that is alive

`record` and `settle` join whatever is waiting into one statement and one commit (see `store.batcher`). A row's `fence`
is the proof of ownership: a worker whose lease was taken over carries an old one, and its row changes nothing.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypedDict
from uuid import UUID

import msgspec

from dragoman.agents.turns import Transfer
from dragoman.clock import Clock
from dragoman.conversations import native_queries, queries
from dragoman.conversations.policy import AUTOMATIC_TURNS, STATES
from dragoman.ids import new_id
from dragoman.store.batcher import Batcher
from dragoman.store.database import Database, Row

DUE = "dragoman_due"
Name = tuple[UUID, UUID]  # organisation and conversation
OUTBOX_LIMIT = 20


class Turns(TypedDict):
    """Who holds how many places already, and up to how many each may hold (see `shares`)."""

    holders: list[UUID]
    holding: list[int]
    few: int


class Reply(msgspec.Struct):
    """A message on its way into the outbox."""

    id: UUID
    type: str
    content: Any
    author: str = "agent"
    reply_to_wamid: str | None = None


class Recorded(msgspec.Struct, kw_only=True):
    """What came of asking an agent once. `n` is its place in the batch."""

    n: int = 0
    organisation_id: UUID
    conversation_id: UUID
    fence: int
    epoch: int
    turn_id: UUID
    agent_id: UUID
    delivery_id: UUID
    attempt: int
    url: str
    started_at: datetime
    duration_ms: float
    outcome: str
    status: int | None
    response_head: str | None
    cause: str | None
    turn_state: str  # 'open' when it will be tried again
    through_seq: int
    known_seq: int
    retry_at: datetime | None
    replies: list[Reply]
    first_attempt: UUID | None = None  # the first reply goes out now, under this attempt
    pair_tokens: float | None = None
    pair_at: datetime | None = None
    release: bool = False
    # Of native agents only:
    transfer: Transfer | None = None
    session_id: UUID | None = None
    close_at: datetime | None = None
    citations: list[dict[str, Any]] | None = None
    wakeup_id: UUID | None = None


class RecordResult(msgspec.Struct):
    held: bool
    current: bool  # false: the thread changed hands meanwhile, and the replies are discarded
    goes: bool  # the first reply is marked as sending; false: others were queued before it
    first_seq: int
    free: bool  # given back, and due again at once


class Settled(msgspec.Struct, kw_only=True):
    """What came of handing one message to WhatsApp, and what goes next. `n` is its place in the batch."""

    n: int = 0
    organisation_id: UUID
    conversation_id: UUID
    fence: int
    through_seq: int | None = None  # the outbox is settled up to this message; None leaves its schedule alone
    message_id: UUID | None = None
    attempt_id: UUID | None = None
    state: str | None = None
    wamid: str | None = None
    outcome: str | None = None
    http_status: int | None = None
    error_code: int | None = None
    cause: str | None = None
    response_head: str | None = None
    not_before: datetime | None = None
    next_message: UUID | None = None
    next_attempt: UUID | None = None
    pair_tokens: float | None = None
    pair_at: datetime | None = None
    send_at: datetime | None = None
    rest: bool = False  # nobody is there to answer: stop being due
    release: bool = False


class SettleResult(msgspec.Struct):
    held: bool
    proceed: bool  # the next message is marked; false: it was discarded meanwhile
    free: bool  # given back, and due again at once


class _Spare(NamedTuple):
    """A turn that no question has yet: its id, which is `text` too, and the hash of its callback token in hexadecimal."""

    turn_id: UUID
    text: str
    hash: str


class Journal:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._spare: deque[_Spare] = deque()
        self.record = Batcher(self._record)
        self.settle = Batcher(self._settle)

    async def claim(
        self,
        worker_id: UUID,
        limit: int,
        lease: float,
        hash_of: Callable[[UUID], bytes],
        callback_hours: int = 24,
        suspects: bool = True,
        turns: Turns | None = None,
    ) -> list[Row]:
        """Take up to `limit` due conversations for `worker_id`, with `suspects` a few of them, else none (see `policy.SUSPECT_AFTER`).

        Oldest first, or in `turns`. `hash_of(turn_id)` is what the callback token hashes to. A row says whether its turn is `new`: opened by
        this claim.
        """
        # Taken out first: when the answer to this statement is lost, nobody knows which of them are used.
        spare = [self._spare.popleft() for _ in range(min(limit, len(self._spare)))]
        while len(spare) < limit:
            turn_id = new_id()
            spare.append(_Spare(turn_id, str(turn_id), hash_of(turn_id).hex()))
        now = self._clock.now()
        rows = await self._db.hot(
            queries.CLAIM_FAIRLY if turns else queries.CLAIM,
            {
                **(turns or {}),
                "now": now,
                "limit": limit,
                "suspects": suspects,
                "worker_id": worker_id,
                "lease": lease,
                # As PostgreSQL writes arrays: most claims use a few of a hundred, and the driver would look at each, each time.
                "turn_ids": "{" + ",".join([one.text for one in spare]) + "}",
                "callback_hashes": "{" + ",".join([one.hash for one in spare]) + "}",
                "outbox": OUTBOX_LIMIT,
                "automatic": AUTOMATIC_TURNS,
                "callback_until": now + timedelta(hours=callback_hours),
            },
        )
        used, offered = {row["turn_id"] for row in rows}, {one.turn_id for one in spare}
        self._spare.extend(one for one in spare if one.turn_id not in used)
        for row in rows:
            row["new"] = row["turn_id"] in offered
        return rows

    async def _record(self, items: Sequence[Recorded]) -> list[RecordResult]:
        rows = await self._db.hot(queries.RECORD, {"rows": _json(items), "now": self._clock.now()})
        return [RecordResult(row["held"], row["current"], row["goes"], row["first_seq"], row["free"]) for row in rows]

    async def _settle(self, items: Sequence[Settled]) -> list[SettleResult]:
        rows = await self._db.hot(queries.SETTLE, {"rows": _json(items), "now": self._clock.now(), "states": list(STATES)})
        return [SettleResult(row["held"], row["proceed"], row["free"]) for row in rows]

    async def outbox(self, organisation_id: UUID, conversation_id: UUID) -> list[Row]:
        params = {"organisation_id": organisation_id, "conversation_id": conversation_id, "outbox": OUTBOX_LIMIT}
        return await self._db.fetch(queries.OUTBOX, params)

    async def next_due(self, suspects: bool = True) -> datetime | None:
        row = await self._db.fetch_one(queries.NEXT_DUE, {"suspects": suspects})
        return row["due_at"] if row else None

    async def beat(self, worker_id: UUID, seconds: float) -> int:
        """Say that this worker is alive; how many were within the last `seconds`, itself included."""
        await self._db.execute(queries.BEAT, {"worker_id": worker_id})
        row = await self._db.fetch_one(queries.ALIVE, {"seconds": seconds})
        return max(1, row["alive"]) if row else 1

    async def renew(self, worker_id: UUID, lease: float, held: Sequence[Name]) -> list[Row]:
        """Prolong the worker's leases on these conversations; those that are still its own."""
        return await self._db.fetch(queries.RENEW, {"worker_id": worker_id, "lease": lease, **_names(held)})

    async def news(self, held: Sequence[Name], seqs: Sequence[int]) -> list[Name]:
        """In which of these conversations the customer has said something after the message `seqs` names."""
        rows = await self._db.fetch(native_queries.NEWS, {**_names(held), "seqs": list(seqs)})
        return [(row["organisation_id"], row["id"]) for row in rows]

    async def forget(self, worker_id: UUID, held: Sequence[Name]) -> None:
        """The worker stops: what it still holds is free at once."""
        await self._db.execute(queries.FORGET_WORKER, {"worker_id": worker_id, **_names(held)})

    async def tidy(self) -> None:
        await self._db.execute(queries.TIDY, {"now": self._clock.now()})


def _json(items: Sequence[Recorded] | Sequence[Settled]) -> str:
    for n, item in enumerate(items):
        item.n = n  # type: ignore[attr-defined]  # mypy joins the two to msgspec.Struct
    return msgspec.json.encode(items).decode()


def _names(held: Sequence[Name]) -> dict[str, list[UUID]]:
    return {"organisations": [organisation for organisation, _ in held], "conversations": [conversation for _, conversation in held]}
