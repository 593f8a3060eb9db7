"""The one checker: what must hold after any run, whatever was killed. Numbers are those of the reliability bar.

I-01  what was acknowledged is there, exactly once: webhooks, callbacks, API calls
I-02  everything came to its end: no question without its turn, no turn open, nothing due, nothing queued
I-03  one copy at most of each message at WhatsApp; no blind resend; an answer is made once
I-04  no phantom: what WhatsApp has, we have, with its attempt on disk, word for word
I-05  order within a conversation, at WhatsApp as in the outbox
I-06  the agent hears of messages in order, and of each under one webhook-id
I-07  nothing that an agent began goes out after the thread changed hands
I-08  a set time has one effect
I-12  nothing is `sending` for ever; what nobody can tell is shown as unknown, and only that
I-13  the books agree: no gap in a conversation, counters as they should be
I-14  states never go back; a message keeps its wamid; fences and epochs only grow
I-15  an acting tool is called once at most, and a lost call is shown as lost
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from dragoman.conversations.policy import STATES

TAKEN = ("accepted", "sent", "delivered", "read", "played", "failed")
RANK = {state: n for n, state in enumerate(STATES)}


@dataclass
class Evidence:
    """What a run left behind: our books, and what the others saw.

    `ledger` as the sandbox gives it; `inbound` are the wamids of what customers said; `promised` the ids of messages whose caller
    got a 2xx; `heard` what the agent's webhook got, as (webhook-id, [ids of messages]); `acts` the keys of acting calls as their
    receiver got them.
    """

    database: Any
    ledger: list[dict[str, Any]]
    inbound: list[str]
    promised: list[str] = field(default_factory=list)
    heard: list[tuple[str, list[str]]] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)


async def check(evidence):
    """Every violation as a line that begins with the invariant's name; none is what we want."""
    books = await Books.of(evidence.database)
    found = []
    for rule in RULES:
        found += rule(books, evidence)
    return found


@dataclass
class Books:
    messages: dict[UUID, Any]
    conversations: dict[UUID, Any]
    turns: dict[UUID, Any]
    attempts: dict[UUID, Any]
    wakeups: list[Any]
    calls: list[Any]
    media: list[Any]
    jobs: list[Any]
    witness: list[Any]

    @classmethod
    async def of(cls, database):
        """All of it as it was at one moment: a server that never comes to rest writes on while this is read."""
        seq = "select *, due_at <= now() + interval '5 seconds' as due from conversations"
        jobs = "select * from procrastinate_jobs where status in ('todo', 'doing') and coalesce(scheduled_at, now()) <= now() + interval '5 seconds'"
        async with database.transaction() as connection:
            await connection.execute("set transaction isolation level repeatable read")

            async def rows(query):
                return await (await connection.execute(query)).fetchall()

            async def by_id(table):
                return {row["id"]: row for row in await rows(f"select * from {table}")}

            return cls(
                messages=await by_id("messages"),
                conversations={row["id"]: row for row in await rows(seq)},
                turns=await by_id("turns"),
                attempts=await by_id("send_attempts"),
                wakeups=await rows("select * from wakeups"),
                calls=await rows("select * from tool_calls"),
                media=await rows("select * from media"),
                jobs=await rows(jobs),
                witness=await rows("select * from witness order by n"),
            )

    def said(self):
        """Our own messages, in order."""
        out = [m for m in self.messages.values() if m["direction"] == "out" and m["author"] != "phone_app"]
        return sorted(out, key=lambda m: (m["conversation_id"], m["seq"]))


def nothing_is_lost(books, evidence):
    stored = Counter(m["wamid"] for m in books.messages.values() if m["direction"] == "in")
    for wamid in evidence.inbound:
        if stored[wamid] != 1:
            yield f"I-01 a customer's message is stored {stored[wamid]} times: {wamid}"
    for message_id in evidence.promised:
        if UUID(message_id) not in books.messages:
            yield f"I-01 a message that was promised is not there: {message_id}"


def everything_ends(books, evidence):
    for conversation in books.conversations.values():
        if conversation["due"]:
            yield f"I-02 a conversation is still due: {conversation['id']}"
        if conversation["owner"] == "agent" and conversation["wanted_seq"] > conversation["answered_seq"]:
            yield f"I-02 a question has no answer: {conversation['id']} {conversation['wanted_seq']}"
    for turn in books.turns.values():
        if turn["state"] == "open" or turn["closed_at"] is None:
            yield f"I-02 a turn is {turn['state']}: {turn['id']}"
        if turn["state"] == "answered" and not any(m["turn_id"] == turn["id"] for m in books.messages.values()):
            yield f"I-02 an answered turn said nothing: {turn['id']}"
    for message in books.messages.values():
        if message["wants_answer"] and not _turns_of(books, message):
            yield f"I-02 a question was never put to the agent: {message['id']}"
        if message["state"] == "queued":
            yield f"I-02 a message is still queued: {message['id']}"
    for file in books.media:
        if file["state"] == "pending":
            yield f"I-02 a file was not fetched: {file['id']}"
    for job in books.jobs:
        yield f"I-02 a job is not done: {job['task_name']} ({job['status']})"


def _turns_of(books, message):
    return [
        t
        for t in books.turns.values()
        if t["conversation_id"] == message["conversation_id"] and t["from_seq"] <= message["seq"] <= t["through_seq"]
    ]


def nothing_is_doubled(books, evidence):
    copies = Counter(_message_of(books, entry) for entry in evidence.ledger)
    for message_id, count in copies.items():
        if message_id is not None and count > 1:
            yield f"I-03 WhatsApp has {count} copies of {message_id}"
    for row in books.witness:
        if row["what"] == "message" and (row["was"], row["became"]) == ("unknown", "sending"):
            yield f"I-03 a message was sent again blindly: {row['id']}"
    for message in books.messages.values():
        if message["wants_answer"]:
            answered = [t for t in _turns_of(books, message) if t["state"] == "answered" and not t["replay_of"]]
            if len(answered) > 1:
                yield f"I-03 a question was answered {len(answered)} times: {message['id']}"


def _message_of(books, entry):
    attempt = books.attempts.get(UUID(entry["attempt"])) if entry["attempt"] else None
    return attempt and attempt["message_id"]


def no_phantom(books, evidence):
    for entry in evidence.ledger:
        message = books.messages.get(_message_of(books, entry))
        if message is None:
            yield f"I-04 WhatsApp has a message whose attempt is not on disk: {entry['wamid']}"
            continue
        if message["wamid"] is not None and message["wamid"] != entry["wamid"]:
            yield f"I-04 {message['id']} has the wamid of something else"
        if entry["type"] == "text" and entry["body"]["text"]["body"] != message["content"].get("body"):
            yield f"I-04 WhatsApp has other words than we do: {message['id']}"


def in_order(books, evidence):
    last = {}
    for entry in evidence.ledger:
        message = books.messages.get(_message_of(books, entry))
        if message is None:
            continue
        if message["seq"] < last.get(message["conversation_id"], 0):
            yield f"I-05 {message['id']} ({message['seq']}) went out after {last[message['conversation_id']]}"
        last[message["conversation_id"]] = message["seq"]


def agents_hear_in_order(books, evidence):
    events, last = defaultdict(set), {}
    for event, messages in evidence.heard:
        turn = books.turns.get(UUID(event.removeprefix("turn_")))
        if turn is None:
            yield f"I-06 the agent heard of a turn that is not on disk: {event}"
            continue
        if turn["replay_of"]:
            continue
        for message in messages:
            events[message].add(event)
        if turn["from_seq"] < last.get(turn["conversation_id"], 0):
            yield f"I-06 the agent heard {turn['from_seq']} after {last[turn['conversation_id']]}"
        last[turn["conversation_id"]] = turn["from_seq"]
    yield from (f"I-06 one message under {len(ids)} webhook-ids: {message}" for message, ids in events.items() if len(ids) > 1)


def silent_after_a_change_of_hands(books, evidence):
    epochs = defaultdict(int)
    for row in books.witness:
        if row["what"] == "transfer":
            epochs[row["conversation_id"]] = row["epoch"]
        elif row["what"] == "attempt":
            message = books.messages.get(row["id"])  # none: made while the books were read, by a run that did not come to rest
            turn = books.turns.get(message["turn_id"]) if message else None
            if turn and message["author"] == "agent" and turn["epoch"] < epochs[row["conversation_id"]]:
                yield f"I-07 an agent's message went out after the thread changed hands: {row['id']}"


def a_time_has_one_effect(books, evidence):
    for wakeup in books.wakeups:
        if wakeup["state"] in ("pending", "thinking"):
            yield f"I-08 a planned thought is {wakeup['state']} for ever: {wakeup['id']}"
        turns = [t for t in books.turns.values() if t["wakeup_id"] == wakeup["id"]]
        if len(turns) > 1:
            yield f"I-08 a planned thought had {len(turns)} turns: {wakeup['id']}"


def the_unknown_is_shown(books, evidence):
    at_whatsapp = {_message_of(books, entry) for entry in evidence.ledger}
    for message in books.said():
        known, state = message["id"] in at_whatsapp, message["state"]
        if state == "sending" or (state == "unknown" and message["not_before"] is not None):
            yield f"I-12 a message is {state} for ever: {message['id']}"
        elif known and state not in TAKEN:
            yield f"I-12 WhatsApp has {message['id']}, and it is shown as {state}"
        elif not known and state in TAKEN:
            yield f"I-12 WhatsApp does not have {message['id']}, and it is shown as {state}"
        elif state in ("unknown", "discarded", "rejected") and not message["cause"]:
            yield f"I-12 {message['id']} is {state} and nobody is told why"


def the_books_agree(books, evidence):
    seqs = defaultdict(list)
    for message in books.messages.values():
        seqs[message["conversation_id"]].append(message["seq"])
    for conversation in books.conversations.values():
        if sorted(seqs[conversation["id"]]) != list(range(1, conversation["last_seq"] + 1)):
            yield f"I-13 the messages of {conversation['id']} are not numbered 1 to {conversation['last_seq']}"
    for attempt in books.attempts.values():
        if attempt["message_id"] not in books.messages:
            yield f"I-13 an attempt of no message: {attempt['id']}"


def nothing_goes_back(books, evidence):
    for row in books.witness:
        was, became = row["was"], row["became"]
        if row["what"] == "message" and was in TAKEN and RANK[became] < RANK[was]:
            yield f"I-14 {row['id']} went back from {was} to {became}"
        elif row["what"] == "turn" and was != "open":
            yield f"I-14 the turn {row['id']} was {was} and became {became}"
        elif row["what"] in ("wamid", "back"):
            yield f"I-14 {row['what']}: {row['id']} was {was} and became {became}"


def a_tool_acts_once(books, evidence):
    yield from (f"I-15 an acting call was made {count} times: {key}" for key, count in Counter(evidence.acts).items() if count > 1)
    acting = [call for call in books.calls if call["acts"]]
    if len(evidence.acts) > len(acting):
        yield f"I-15 {len(evidence.acts)} acting calls arrived and {len(acting)} are in the journal"
    for call in acting:
        if call["state"] in ("started", "running"):
            yield f"I-15 an acting call is {call['state']} for ever: {call['id']}"


RULES = [
    nothing_is_lost,
    everything_ends,
    nothing_is_doubled,
    no_phantom,
    in_order,
    agents_hear_in_order,
    silent_after_a_change_of_hands,
    a_time_has_one_effect,
    the_unknown_is_shown,
    the_books_agree,
    nothing_goes_back,
    a_tool_acts_once,
]
