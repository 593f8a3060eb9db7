"""The rules that need no database: when to try again, what may be said now, which status wins. Pure functions."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from dragoman.whatsapp.errors import Verdict

# Meta: free-form messages for 24 h after the customer's last message (`window_until`, see `inbox_queries`). We stop a
# minute early, because the clock that decides is theirs.
WINDOW_MARGIN = timedelta(seconds=60)

# Meta: to one customer, a burst of 45, then one message each 6 seconds.
PAIR_BURST = 45
PAIR_SECONDS = 6.0

# A paused number is tried again with one message each minute.
PROBE_SECONDS = 60

# Refusals that WhatsApp calls its own fault and that are sometimes the message's: they may not hold up the others for long.
DOUBTFUL_CODES = frozenset({1, 131000})
DOUBTFUL_ATTEMPTS = 6
# Everything else passes without any change, however long it takes: a day at the slowest pace.
SLOWEST_SECONDS = 300.0
PATIENT_ATTEMPTS = 290

# A worker that dies loses hundreds of conversations, of which one at most is to blame. Those that were lost twice in a row are tried
# apart: a worker takes a few of these suspects and no other before it is done with them, and who was lost even then is tried without
# any other suspect. So an innocent one is lost beside the same culprit three times at most: twice in the crowd, and once among the few.
# An answer clears it. Few, because each of them may have to be tried alone; not one by one, because a crowd is many.
SUSPECT_AFTER = 2
SUSPECTS_TOGETHER = 16
# Who was lost this often ends as failed without being tried again. What lies between is for deaths that have nothing to do with it, an
# operator's kill or another culprit: two more would have to hit the very moments, a lease apart, in which this one is tried.
PARKED_AFTER = 5

# A status may only replace a state that stands left of it. `failed` ranks above `sent` and below `delivered`, because
# WhatsApp does deliver now and then what it had given up on. What we had given up on ourselves ranks lowest: a status
# proves that an earlier attempt got through.
GIVEN_UP = ("discarded", "expired_window", "rejected")
STATES = (*GIVEN_UP, "queued", "unknown", "sending", "accepted", "sent", "failed", "delivered", "read", "played")

# Kinds of customer message that call for no answer. WhatsApp shows them as marks or notes, not as something said.
SILENT_TYPES = frozenset({"reaction", "system", "edit", "revoke", "request_welcome", "errors"})


# Two programs that answer each other would never stop, and both businesses would pay. A person reads an answer and types: more than
# ten messages within a minute, each of which came no later than three seconds after an answer, are a program's. A tap on a button is a
# person's, and so is a pause. See `inbox_queries`, where it is counted, and `loops`.
QUICK_SECONDS = 3.0
AUTOMATIC_SECONDS = 60.0
AUTOMATIC_TURNS = 10  # where an agent says nothing else; on a sandbox number, whose customers are often a test's, none are too many
TOO_FAST = (
    "the customer's messages came faster after each answer than a person reads and types, again and again: "
    "this is most likely a program that answers by itself"
)

# What was due longer ago than this when it ran is marked as late.
LATE_SECONDS = 300

# A native agent's patience with a customer who writes one thought in several messages.
FRAGMENT_SECONDS = 1.5
BURST_SECONDS = 6.0


def quiet_until(last: Mapping[str, Any], first_at: datetime, last_at: datetime) -> datetime | None:
    """Until when to wait for more after the message `last`; None when it is complete by itself: a question, a tap, a captioned file.

    Never longer than `BURST_SECONDS` after the first message of the burst.
    """
    text = str(last.get("text") or "").rstrip()
    if last.get("reply") or (last.get("media") and text) or text.endswith(("?", "؟", "？")):
        return None
    return min(last_at + timedelta(seconds=FRAGMENT_SECONDS), first_at + timedelta(seconds=BURST_SECONDS))


def window_open(window_until: datetime | None, now: datetime) -> bool:
    return window_until is not None and now < window_until - WINDOW_MARGIN


def next_agent_attempt(failures: int, delays: Sequence[float], retry_after: float | None, now: datetime) -> datetime | None:
    """When to ask an agent again after its `failures`-th failure; None when the retries are used up."""
    if failures > len(delays):
        return None
    return now + timedelta(seconds=max(delays[failures - 1], retry_after or 0.0))


def next_send_attempt(attempts: int, verdict: Verdict, now: datetime) -> datetime | None:
    """When to hand a message to WhatsApp again after its `attempts`-th refusal; None when it is time to give up."""
    most = DOUBTFUL_ATTEMPTS if verdict.code in DOUBTFUL_CODES else PATIENT_ATTEMPTS
    if verdict.most_retries is not None:
        most = min(most, verdict.most_retries + 1)
    if attempts >= most:
        return None
    return now + timedelta(seconds=max(min(4.0 ** min(attempts - 1, 8), SLOWEST_SECONDS), verdict.retry_after or 0.0))


def is_program(echoes: int, most: int) -> bool:
    """Whether so many messages in a row that each followed an answer within a moment are a program's; `most` 0: nobody asks."""
    return 0 < most < echoes


class Pair(NamedTuple):
    """The token bucket of one customer at one number."""

    tokens: float
    at: datetime

    def take(self, now: datetime) -> "tuple[Pair, datetime | None]":
        """The bucket after one more message, and None; or the bucket as it is, and when the next message may go."""
        refilled = min(PAIR_BURST, self.tokens + max(0.0, (now - self.at).total_seconds()) / PAIR_SECONDS)
        if refilled >= 1:
            return Pair(refilled - 1, now), None
        return self, now + timedelta(seconds=(1 - refilled) * PAIR_SECONDS)


class Pace:
    """The token bucket of one number in one process: `per_second` messages, with a burst of one second.

    Several workers share a number's rate by each taking its part; an error of theirs is mended by Meta's own refusal.
    """

    def __init__(self) -> None:
        self._slots: dict[object, float] = {}

    def take(self, number: object, per_second: float, now: float) -> float:
        """Take one slot of `number`; how many seconds to wait until it, 0 for at once. Nothing is taken when waiting."""
        step = 1.0 / per_second
        earliest = max(self._slots.get(number, 0.0), now - 1.0)
        if earliest > now:
            return earliest - now
        self._slots[number] = earliest + step
        return 0.0
