"""Bugs that somebody might write one day, put into the product while a run lasts. Some seed must find each.

A list of what: how it is put in, which invariants may be hurt, and the seed that found it last (others are tried after it).
"""

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dragoman.conversations import callback_queries, inbox, outbox, outbox_queries, ownership_queries, queries


@dataclass(frozen=True)
class Bug:
    changes: tuple[tuple[Any, str, Any], ...]
    hurts: tuple[str, ...]
    seed: int = 0

    @contextmanager
    def put_in(self):
        before = [(where, name, getattr(where, name)) for where, name, _ in self.changes]
        for where, name, value in self.changes:
            setattr(where, name, value)
        try:
            yield
        finally:
            for where, name, value in before:
                setattr(where, name, value)


def _sql(module, constant, right, wrong):
    text = getattr(module, constant)
    assert right in text, f"{constant} has changed"
    return module, constant, text.replace(right, wrong)


_step, _receive = outbox._next_step, inbox.Inbox.receive
_running = []


async def _send_again(services, speaker, held):
    if held.outbox and held.outbox[0].state == "sending":
        held.outbox[0].state = "queued"
    return await _step(services, speaker, held)


async def _receive_later(self, app_id, events):
    """Answered 200 while it is still on its way into the database."""
    _running.append(asyncio.ensure_future(_receive(self, app_id, events)))


PLANTED = {
    "answered before it is on disk": Bug(((inbox.Inbox, "receive", _receive_later),), ("I-01",), seed=6),
    "blind resend": Bug(
        (
            (outbox, "_next_step", _send_again),
            _sql(queries, "SETTLE", "m.state in ('queued', 'unknown')", "m.state in ('queued', 'unknown', 'sending')"),
        ),
        ("I-03", "I-05"),
        seed=31,
    ),
    "the agent goes on after a take-over": Bug(
        (_sql(queries, "RECORD", "c.epoch = r.epoch as current", "true as current"),), ("I-07",), seed=8
    ),
    "a refused reply is tried again after a take-over": Bug(
        (_sql(queries, "SETTLE", "t.epoch <> l.epoch as late", "false as late"),), ("I-07",), seed=66
    ),
    "a take-over leaves what waits": Bug(
        (_sql(ownership_queries, "END", "and m.state = 'queued' and m.author = 'agent'", "and false"),),
        ("I-07",),
        seed=3,
    ),
    "a window that never closes": Bug(((outbox, "_in_window", lambda held, message, now: True),), ("I-09",), seed=145),
    "a STOP that nobody hears": Bug((_sql(outbox_queries, "SAY", "and k.opted_out_at is null", ""),), ("I-07",)),
    "a key that opens twice": Bug(
        (_sql(callback_queries, "TAKE_KEY", "%(scope)s, %(key)s,", "%(scope)s, %(key)s || gen_random_uuid(),"),), ("I-01",), seed=4
    ),
    "an unknown message is shown as sent": Bug(
        (
            _sql(
                queries,
                "SETTLE",
                "coalesce(h.status, r.state) end,",
                "coalesce(h.status, case r.state when 'unknown' then 'sent' else r.state end) end,",
            ),
        ),
        ("I-12",),
        seed=16,
    ),
    "a question is forgotten when the agent fails": Bug(
        (_sql(queries, "RECORD", "when r.turn_state = 'open' then r.retry_at", "when r.turn_state = 'open' then null"),), ("I-02",), seed=6
    ),
}
