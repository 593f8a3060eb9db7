"""Two programs that answer each other: noticed where their messages are stored, and stopped where the agent would be asked.

The count lives in the conversation's row (see `inbox_queries`) and comes with the claim, so that it costs no statement and is right with any
number of workers. When it is over the agent's limit the thread is nobody's for a while, as after a change of hands: what comes is
stored, a person or the API may hand back at once, and it ends by itself.
"""

from datetime import timedelta

import structlog

from dragoman.conversations import ownership, policy
from dragoman.conversations import ownership_queries as queries
from dragoman.conversations.held import Held
from dragoman.conversations.metrics import LOOPS
from dragoman.conversations.services import Services

SHORTEST = timedelta(minutes=10)
LONGEST = timedelta(hours=12)

log = structlog.get_logger()


async def stopped(services: Services, held: Held) -> bool:
    """Quiet the agent when the one who asks it is a program; true when nobody is to be asked any more."""
    row = held.row
    if not row["questions"] or not policy.is_program(row["echoes"], row["automatic_turns"]):
        return False
    params = {
        "organisation_id": held.organisation_id,
        "conversation_id": held.id,
        "fence": held.fence,
        "reason": policy.TOO_FAST,
        "shortest": SHORTEST.total_seconds(),
        "longest": LONGEST.total_seconds(),
        "now": services.clock.now(),
    }
    muted = await ownership.change(services, queries.MUTE, params)
    if muted is not None:
        LOOPS.inc()
        until = muted["handback_at"].isoformat()
        log.warning("a customer answers like a program; its agent keeps quiet for a while", conversation_id=str(held.id), until=until)
    return True
