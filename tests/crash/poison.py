"""A bug that ends the process whenever the agent is about to be asked about a certain word, as a crash in a C library would.

`PLANTED` says by name how each is put in; unlike those of `planted`, none of them is there to be found by the checker.
"""

import os
import signal

from dragoman.agents import byoa
from dragoman.conversations import outbox, policy

WORD = "arsenic"


def asking():
    ask = byoa.ask

    async def dies(guarded, clock, endpoint, event_id, body):
        if WORD.encode() in body:
            os.kill(os.getpid(), signal.SIGKILL)
        return await ask(guarded, clock, endpoint, event_id, body)

    byoa.ask = dies


def asking_for_ever():
    """The same, and nothing is ever given up."""
    asking()
    policy.PARKED_AFTER = 1 << 30


def sending():
    wire = outbox._wire

    def dies(held, message):
        if WORD in str(message.content):
            os.kill(os.getpid(), signal.SIGKILL)
        return wire(held, message)

    outbox._wire = dies


PLANTED = {"asking kills": asking, "asking kills for ever": asking_for_ever, "sending kills": sending}
