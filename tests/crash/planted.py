"""Bugs that somebody might write one day. Each is put into the server alone, and a kill at a named point must make the checker speak.

A list of what: its name, how it is put in, which scenario is played, where the server is killed (None: nowhere), which invariant is hurt.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from dragoman.agents.llm.journal import Journal
from dragoman.conversations import inbox_queries, outbox, outbox_queries, queries
from dragoman.conversations.inbox import Inbox


@dataclass(frozen=True)
class Bug:
    patch: Callable[[], None]
    scenario: str
    point: str | None
    hurts: str


def _in(module, constant, right, wrong):
    def patch():
        text = getattr(module, constant)
        assert right in text, f"{constant} has changed"
        setattr(module, constant, text.replace(right, wrong))

    return patch


def _answer_before_it_is_on_disk():
    """The webhook is answered 200 while its messages are still on their way into the database."""
    store = Inbox.receive
    waiting = set()

    async def receive(self, app_id, events):
        waiting.add(asyncio.ensure_future(store(self, app_id, events)))

    Inbox.receive = receive


def _send_again_blindly():
    """A message that was being sent when the process died is simply sent again."""
    step = outbox._next_step

    async def next_step(services, speaker, held):
        if held.outbox and held.outbox[0].state == "sending":
            held.outbox[0].state = "queued"
        return await step(services, speaker, held)

    outbox._next_step = next_step
    queries.SETTLE = queries.SETTLE.replace("m.state in ('queued', 'unknown')", "m.state in ('queued', 'unknown', 'sending')")


def _make_lost_calls_again():
    """An acting call that had left when the process died is made again."""
    made = Journal.made

    async def again(self, tool, position, call_id, args):
        return await made(self, replace(tool, acts=False), position, call_id, args)

    Journal.made = again


def _forget_the_journal():
    """A turn that begins again asks the model and the tools as if for the first time."""

    async def of(cls, run, ledger, *, unasked=False):
        return cls(run, ledger)

    async def said(self, generation):
        await self.ledger.note(generation)
        return generation.response

    Journal.of, Journal.said = classmethod(of), said


PLANTED = {
    "ack before commit": Bug(_answer_before_it_is_on_disk, "main job", "before:inbox_queries.RECEIVE#1", "I-01"),
    "blind resend": Bug(_send_again_blindly, "no statuses", "after:graph.send#1", "I-03"),
    "a copy is a message": Bug(
        _in(inbox_queries, "RECEIVE", "where contact_id is not null and not seen", "where contact_id is not null and n < 0"),
        "main job",
        None,
        "I-0",
    ),
    "an answer without its question": Bug(
        _in(
            queries, "RECORD", "when l.current and r.turn_state <> 'open' then greatest(c.answered_seq, r.through_seq)", "when false then 0"
        ),
        "main job",
        None,
        "I-0",
    ),
    "a lost call is made again": Bug(_make_lost_calls_again, "native turn", "during:tool.act#1", "I-15"),
    "a turn that begins again knows nothing": Bug(_forget_the_journal, "native turn", "after:agents.llm.queries.END_CALL#1", "I-15"),
    "the attempt is not written down": Bug(
        _in(queries, "RECORD", "where l.held and l.current and l.goes\n)\nselect", "where false\n)\nselect"), "main job", None, "I-04"
    ),
    "an unknown message is shown as sent": Bug(
        _in(
            queries,
            "SETTLE",
            "coalesce(h.status, r.state) end,",
            "coalesce(h.status, case r.state when 'unknown' then 'sent' else r.state end) end,",
        ),
        "main job",
        "before:graph.send#1",
        "I-12",
    ),
    "the agent goes on after a take-over": Bug(
        _in(queries, "RECORD", "c.epoch = r.epoch as current", "true as current"), "take-over", None, "I-07"
    ),
    "a planned thought has no end": Bug(
        _in(queries, "RECORD", "w.id = r.wakeup_id and w.state = 'thinking'", "w.id = r.wakeup_id and false"), "wake-up", None, "I-08"
    ),
    "a key without its message": Bug(
        _in(outbox_queries, "SAY", "where c.current and c.open and c.willing", "where c.current and c.open and c.willing and false"),
        "callback",
        None,
        "I-01",
    ),
}
