"""What goes out to customers: `say` puts messages into the outbox, `flush` hands them to WhatsApp, one after the other.

    queued ──► sending ──► accepted ──► sent ──► delivered ──► read ──► played      (statuses move it on, never back)
       ▲          │  ├───► rejected                    a refusal that will not change
       └──────────┤  └───► unknown                     nobody can tell whether WhatsApp has it
        refused,  │           │ a status with our attempt id tells; or the time to wait for one runs out
        try later └───────────┘ resend_once only

The attempt is written before the call and its outcome after, each in the same statement as whatever comes next in this
conversation. A `sending` message without an owner therefore means: the process died around the call. It is treated as
`unknown`, never sent again blindly.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec
import structlog

from dragoman.accounts import numbers
from dragoman.conversations import outbox_queries as queries
from dragoman.conversations import policy
from dragoman.conversations.held import Held, Outgoing
from dragoman.conversations.journal import Settled
from dragoman.conversations.metrics import EXPIRED, LEASES_LOST, SENDS
from dragoman.conversations.services import Services
from dragoman.errors import Conflict, NotFound
from dragoman.ids import new_id
from dragoman.store.database import Connection
from dragoman.whatsapp import content as contents
from dragoman.whatsapp import messages
from dragoman.whatsapp.errors import Verdict, given_up

log = structlog.get_logger()

UNKNOWN_CAUSE = (
    "The connection to WhatsApp broke after the message had left and before the answer came. "
    "It is not sent again by itself, because the customer may have it."
)
DIED_CAUSE = "The server stopped while it was sending this message. It is not sent again by itself, because the customer may have it."
BEFORE_CAUSE = "An earlier attempt may have reached the customer; nobody can tell. The last one did not:"
EXPIRED_CAUSE = "WhatsApp's 24-hour window had closed before this message could go out. Only a template can be sent now."


class Speaker(Protocol):
    """What `flush` needs of the worker: how fast a number may speak, in this process."""

    def pace(self, number_id: UUID, per_second: float) -> float: ...


class Saying(msgspec.Struct, frozen=True):
    """Messages on their way into the outbox, with their ids."""

    organisation_id: UUID
    conversation_id: UUID
    ids: list[UUID]
    rows: str
    templates_only: bool
    turn_id: UUID | None
    epoch: int | None


def prepare(
    organisation_id: UUID,
    conversation_id: UUID,
    said: Sequence[contents.Outgoing],
    *,
    author: str,
    turn_id: UUID | None = None,
    epoch: int | None = None,
    reply_to_wamid: str | None = None,
) -> Saying:
    """Check messages against WhatsApp's limits (raises `Invalid`) and give them ids.

    With an `epoch`, they are only said while the thread has not changed hands since.
    """
    for content in said:
        messages.check(content)
    rows = [
        {"id": new_id(), "type": content_type(content), "content": content, "author": author, "reply_to_wamid": reply_to_wamid}
        for content in said
    ]
    templates_only = all(isinstance(content, contents.Template) for content in said)
    ids: list[UUID] = [row["id"] for row in rows]  # type: ignore[misc]
    return Saying(organisation_id, conversation_id, ids, msgspec.json.encode(rows).decode(), templates_only, turn_id, epoch)


async def say(
    services: Services,
    organisation_id: UUID,
    conversation_id: UUID,
    said: Sequence[contents.Outgoing],
    *,
    author: str,
    reply_to_wamid: str | None = None,
) -> list[UUID]:
    """Put messages into the outbox; they are durable when this returns their ids, in the order given.

    Raises `Invalid` (a limit of WhatsApp's), `NotFound`, `Conflict("window_closed")`.
    """
    return await speak(services, prepare(organisation_id, conversation_id, said, author=author, reply_to_wamid=reply_to_wamid))


async def speak(services: Services, saying: Saying, connection: Connection | None = None) -> list[UUID]:
    """`say` for messages that are prepared, inside the caller's transaction if there is one.

    Raises also `Conflict("handed_off")` when the saying's epoch has passed.
    """
    now = services.clock.now()
    params = {**msgspec.structs.asdict(saying), "window": now + policy.WINDOW_MARGIN, "now": now}
    if connection is None:
        row = await services.db.fetch_one(queries.SAY, params)
    else:
        row = await (await connection.execute(queries.SAY, params)).fetchone()
    if row is None:
        raise NotFound("no such conversation")
    if not row["current"]:
        raise Conflict("the conversation was handed to somebody else after this turn began; nothing was sent", code="handed_off")
    if not row["open"]:
        raise Conflict(
            "the customer wrote last more than 24 hours ago: WhatsApp only takes a template now; nothing was sent", code="window_closed"
        )
    if not row["willing"]:
        raise Conflict("this person asked not to be written to (STOP); nothing was sent", code="opted_out")
    return saying.ids


def content_type(content: contents.Outgoing) -> str:
    return content.kind if isinstance(content, contents.Media) else str(type(content).__struct_config__.tag)


class LeaseLost(Exception):
    """Another worker may own the conversation by now; whatever was about to leave must not."""


def expect_ours(held: Held) -> None:
    """Right before anything leaves: raises `LeaseLost` when the conversation may be in other hands."""
    if not held.still_ours():
        held.lost = True
        LEASES_LOST.inc()
        raise LeaseLost


async def flush(services: Services, speaker: Speaker, held: Held, sending: Outgoing | None = None, *, release: bool = True) -> None:
    """Send what waits, in order, until the outbox is empty or its first message has to wait.

    `sending` is a message whose attempt is already written down. With `release`, the last statement also gives the
    conversation back. Raises `LeaseLost`.
    """
    outcome = await _attempt(services, held, sending) if sending else None
    while True:
        step = await _next_step(services, speaker, held)
        if isinstance(step, Settled):
            if outcome is not None:
                await _settle(services, held, outcome)
            outcome = step
            continue
        if isinstance(step, Outgoing) and outcome is not None and (outcome.message_id == step.id or not held.still_ours()):
            # Two changes of one message, whose pause is over already, take two statements; and what became of the last one is
            # told even by who may not go on.
            await _settle(services, held, outcome)
            outcome = None
        row = outcome or _row(held)
        row.pair_tokens, row.pair_at = held.pair
        if isinstance(step, Outgoing):
            expect_ours(held)
            row.next_message, row.next_attempt = step.id, new_id()
            proceed = await _settle(services, held, row)
            step.attempt_id = row.next_attempt
            step.attempts += 1
            outcome = await _attempt(services, held, step) if proceed else None
            continue
        row.send_at, row.through_seq, row.release = step, held.through_seq, release
        await _settle(services, held, row)
        return


async def _settle(services: Services, held: Held, row: Settled) -> bool:
    answer = await services.journal.settle(row)
    held.free = answer.free
    if not answer.held:
        LEASES_LOST.inc()
        raise LeaseLost
    return answer.proceed


async def _next_step(services: Services, speaker: Speaker, held: Held) -> Outgoing | Settled | datetime | None:
    """A message to send, a message that ends without being sent, a time to wait for, or None when all is said."""
    if not held.outbox:
        return None
    first, now = held.outbox[0], services.clock.now()
    if first.state == "sending":
        first.state, first.not_before = "unknown", now + _patience(services)
        died = _row(held, first, cause=DIED_CAUSE, not_before=first.not_before)
        died.outcome = "unknown"
        return died
    if first.not_before is not None and first.not_before > now:
        return first.not_before
    if first.state == "unknown" and not _goes_once_more(held, first, now):
        held.outbox.popleft()
        return _row(held, first, cause=UNKNOWN_CAUSE)
    return await blocked(services, speaker, held, first) or held.outbox.popleft()


def _goes_once_more(held: Held, message: Outgoing, now: datetime) -> bool:
    """No status came in time: may it be sent again, because the agent's owner prefers a double to a gap?"""
    return message.once_more and held.row["resend"] == "resend_once" and _in_window(held, message, now)


def _in_window(held: Held, message: Outgoing, now: datetime) -> bool:
    return message.content.get("type") == "template" or policy.window_open(held.row["window_until"], now)


async def blocked(services: Services, speaker: Speaker, held: Held, message: Outgoing) -> Settled | datetime | None:
    """What keeps a message from going out now: an end, a time to wait for, or nothing. Takes its share of the rates."""
    now = services.clock.now()
    if not _in_window(held, message, now):
        EXPIRED.inc()
        if held.outbox and held.outbox[0] is message:
            held.outbox.popleft()
        message.state = "expired_window"
        return _row(held, message, cause=EXPIRED_CAUSE)
    if held.row["paused_reason"] and (until := await _paused(services, held, now)):
        return until
    pair, wait = held.pair.take(now)
    if wait is not None:
        return wait
    if seconds := speaker.pace(held.row["number_id"], held.row["per_second"]):
        return now + timedelta(seconds=seconds)
    held.pair = pair
    return None


async def _paused(services: Services, held: Held, now: datetime) -> datetime | None:
    """A paused number lets one message through each minute, to find out whether it works again."""
    params = {
        "organisation_id": held.organisation_id,
        "number_id": held.row["number_id"],
        "now": now,
        "until": now + timedelta(seconds=policy.PROBE_SECONDS),
    }
    if await services.db.fetch_one(queries.PROBE, params):
        return None
    row = await services.db.fetch_one(queries.PAUSED_UNTIL, params)
    return row["paused_until"] if row and row["paused_reason"] else None


async def _attempt(services: Services, held: Held, message: Outgoing) -> Settled:
    """Hand one message to WhatsApp; its attempt is on disk already. Returns what to write down about it."""
    expect_ours(held)
    row = held.row
    try:
        body = _wire(held, message)
    except Exception as error:  # one message that cannot be written must not stop the conversation
        log.exception("a message could not be written for WhatsApp", message_id=str(message.id))
        return _outcome(services, held, message, Verdict(outcome="final", cause=f"This message could not be sent as it is ({error})."))
    token = numbers.open_token(services.vault, held.organisation_id, row["phone_number_id"], row["access_token"])
    verdict = await services.graph.send(row["phone_number_id"], token, body)
    SENDS.labels(verdict.outcome).inc()
    if verdict.outcome == "pause_number":
        await _pause(services, held, verdict)
    elif row["paused_reason"] and verdict.outcome == "accepted":
        await services.db.execute(queries.RESUME_NUMBER, {"organisation_id": held.organisation_id, "number_id": row["number_id"]})
        row["paused_reason"] = None
    return _outcome(services, held, message, verdict)


def _wire(held: Held, message: Outgoing) -> bytes:
    return messages.wire(
        contents.load(message.content),
        to=held.row["phone"],
        recipient=held.row["bsuid"],
        attempt=str(message.attempt_id),
        reply_to=message.reply_to_wamid,
    )


def _outcome(services: Services, held: Held, message: Outgoing, verdict: Verdict) -> Settled:
    now, cause = services.clock.now(), verdict.cause
    message.state, message.not_before = "accepted" if verdict.outcome == "accepted" else "rejected", None
    if verdict.outcome == "unknown":
        message.state, message.not_before = "unknown", now + _patience(services)
    elif verdict.outcome == "pause_number":
        message.state, message.not_before = "queued", held.row["paused_until"]
    elif verdict.outcome == "retry":
        again = policy.next_send_attempt(message.attempts, verdict, now)
        message.state, message.not_before = ("queued", again) if again else ("rejected", None)
        cause = cause if again else given_up(cause, message.attempts)
    if message.once_more and message.state in ("queued", "rejected"):
        message.state, cause = "unknown", f"{BEFORE_CAUSE} {cause}"
    if message.not_before is not None:
        held.outbox.appendleft(message)
    row = _row(held, message, cause=None if verdict.outcome == "accepted" else cause, not_before=message.not_before)
    row.outcome = _ATTEMPT_OUTCOME.get(verdict.outcome, "refused" if verdict.status else "not_sent")
    row.wamid, row.http_status, row.error_code, row.response_head = verdict.wamid, verdict.status, verdict.code, verdict.head
    return row


_ATTEMPT_OUTCOME = {"accepted": "accepted", "unknown": "unknown"}


async def _pause(services: Services, held: Held, verdict: Verdict) -> None:
    """Stop the whole number: what is wrong with it (a dead token, a missing permission) would refuse every message."""
    held.row["paused_reason"] = verdict.cause
    held.row["paused_until"] = services.clock.now() + timedelta(seconds=policy.PROBE_SECONDS)
    await services.db.execute(
        queries.PAUSE,
        {
            "organisation_id": held.organisation_id,
            "number_id": held.row["number_id"],
            "until": held.row["paused_until"],
            "reason": verdict.cause,
        },
    )
    log.warning("a number is paused", phone_number_id=held.row["phone_number_id"], error_code=verdict.code)


def _patience(services: Services) -> timedelta:
    return timedelta(seconds=services.settings.unknown_wait_seconds)


def _row(held: Held, message: Outgoing | None = None, *, cause: str | None = None, not_before: datetime | None = None) -> Settled:
    row = Settled(organisation_id=held.organisation_id, conversation_id=held.id, fence=held.fence)
    if message is not None:
        row.message_id, row.attempt_id, row.state = message.id, message.attempt_id, message.state
        row.cause, row.not_before = cause, not_before
    return row
