"""What must hold after a run: the crash tests' invariants, less what the outside itself has hidden, and a few that only virtual time shows."""

import json
from collections import Counter
from uuid import UUID

from tests.crash import invariants
from tests.crash.invariants import Books

UNSETTLED = """
select (select count(*) from conversations where due_at <= now() + interval '10 seconds') as due,
       (select count(*) from conversations where owner = 'agent' and wanted_seq > answered_seq) as wanted,
       (select count(*) from messages where state in ('queued', 'sending') or (state = 'unknown' and not_before is not null)) as waiting,
       (select count(*) from turns where state = 'open') as open
"""


def encoded(value):
    return json.dumps(value).encode()


def at_rest(store):
    [row] = store.look(UNSETTLED)
    return not any(row.values())


async def check(evidence, town):
    books = await Books.of(evidence.database)
    found = [line for rule in invariants.RULES for line in rule(books, evidence)]
    excused = {*_silent(books, town), *_taken_over(books, town.store)}
    if town.story.agent["resend"] == "resend_once":
        excused |= set(_once_more(books, evidence))
    found += _each_key_once(books, town)
    return [line for line in found if line not in excused] + town.wrong + town.whatsapp.wrong


def _each_key_once(books, town):
    said = Counter(message["content"].get("body") for message in books.said())
    for words, keys in town.late.items():
        if said[words] > len(keys):
            yield f"I-01 a late answer was taken {said[words]} times: {words!r}"


def _silent(books, town):
    """WhatsApp has it and never said so: then nobody can know."""
    for attempt in town.whatsapp.silent:
        message = books.attempts[UUID(attempt)]["message_id"] if UUID(attempt) in books.attempts else None
        yield f"I-12 WhatsApp has {message}, and it is shown as unknown"


def _taken_over(books, store):
    """What waits when somebody takes the thread is answered by him, or was seen by him; the agent is not asked."""
    hands = {row["id"] for row in store.look("select id from transfers where owner <> 'agent'")}
    last = {row["conversation_id"]: row["n"] for row in books.witness if row["what"] == "transfer" and row["id"] in hands}
    for row in books.witness:
        if row["what"] == "message" and row["was"] is None and row["n"] < last.get(row["conversation_id"], 0):
            yield f"I-02 a question was never put to the agent: {row['id']}"


def _once_more(books, evidence):
    """The agent's owner wished it: a message that nobody could tell the fate of goes out a second time, and no third."""
    for message in books.said():
        outcomes = [a["outcome"] for a in books.attempts.values() if a["message_id"] == message["id"]]
        if outcomes.count("unknown") + outcomes.count(None) + outcomes.count("accepted") >= 1:
            yield f"I-03 a message was sent again blindly: {message['id']}"
            yield f"I-03 WhatsApp has 2 copies of {message['id']}"
            yield f"I-04 {message['id']} has the wamid of something else"  # of its other copy


async def summary(store):
    rows = store.look("select direction, state, content ->> 'body' as body, seq from messages order by conversation_id, seq")
    return "; ".join(f"{row['seq']} {row['state']} {row['body'] or ''}" for row in rows if row["direction"] == "out")
