"""A turn: one question to the agent, and what came of it.

The turn was opened when the conversation was claimed, so its id, which is the delivery's `webhook-id`, and its callback
token are on disk before the agent hears of them. Asking may happen more than once; recording the answer happens once,
together with the replies it made and the first attempt to send them.
"""

from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import structlog

from dragoman.agents import byoa, records
from dragoman.agents.turns import Outcome, Person, Said, Turn
from dragoman.conversations import callback, media, native, outbox, policy, switching, turn_queries
from dragoman.conversations.held import Held, Outgoing
from dragoman.conversations.journal import Recorded, RecordResult, Reply
from dragoman.conversations.metrics import CRASHED, DELIVERIES, DELIVERY_SECONDS, DISCARDED, LEASES_LOST, PARKED
from dragoman.conversations.native import Native
from dragoman.conversations.presence import Presence
from dragoman.conversations.quoting import quoted
from dragoman.conversations.services import Services
from dragoman.errors import Conflict, NotFound
from dragoman.ids import new_id
from dragoman.whatsapp.content import Outgoing as Content
from dragoman.whatsapp.content import Text

log = structlog.get_logger()

MODEL = "model:"  # where a native agent was asked, in the place of a webhook's address

PARKED_CAUSE = (
    "The server ended {times} times while it worked on this message, and was started again each time. "
    "The message is not tried again by itself; replay it once the reason is found."
)

_STATE = {"answered": "answered", "silent": "silent", "unrecognised": "unrecognised", "refused": "failed", "failed": "failed"}


async def take_turn(services: Services, speaker: outbox.Speaker, presence: Presence, held: Held) -> None:
    """Ask the agent once, record what it said, send it. Gives the conversation back. Raises `outbox.LeaseLost`."""
    asked = _unasked(services, held) or await _think(services, presence, held)
    outcome = asked.outcome
    DELIVERIES.labels(outcome.kind).inc()
    DELIVERY_SECONDS.observe(outcome.duration_ms / 1000)
    recorded = await _recorded(services, speaker, held, asked)
    if asked.called:
        await switching.learn(services, held, outcome, over=recorded.turn_state != "open")
    result = await services.journal.record(recorded)
    held.free = result.free
    await _speak(services, speaker, held, recorded, result)


def _unasked(services: Services, held: Held) -> Native | None:
    """How the turn ends when its agent is not to be asked at all."""
    if held.parked:
        return _give_up(services, held)
    off = switching.refusal(services, held)
    return Native(outcome=off) if off else None


def _give_up(services: Services, held: Held) -> Native:
    PARKED.inc()
    log.error(
        "a question is given up: the server ended each time it worked on it", turn_id=str(held.row["turn_id"]), times=held.row["lost"]
    )
    cause = PARKED_CAUSE.format(times=held.row["lost"])
    return Native(outcome=Outcome(kind="failed", started_at=services.clock.now(), duration_ms=0.0, cause=cause))


async def _think(services: Services, presence: Presence, held: Held) -> Native:
    held.thinking = True
    presence.thinking(held)
    try:
        asked = await _ask(services, held)
    finally:
        held.thinking = False
    if held.flushing is not None:
        await held.flushing
    return asked


async def _ask(services: Services, held: Held) -> Native:
    try:
        if held.row["agent_kind"] == "llm":
            return await native.think(services, held, partial(question, services, held))
        turn = await question(services, held)
        endpoint = _endpoint(services, held)
        outbox.expect_ours(held)  # the agent may have been asked by another since, and about what came next, too
        outcome = await byoa.ask(services.guarded, services.clock, endpoint, f"turn_{turn.id}", byoa.payload(turn))
        return Native(outcome=outcome, called=True)
    except outbox.LeaseLost:
        raise
    except Exception as error:  # a message that cannot be put to the agent must not stop the conversation
        CRASHED.inc()
        log.exception("a turn could not be put to its agent", turn_id=str(held.row["turn_id"]))
        cause = f"Dragoman could not put this message to the agent ({type(error).__name__})."
        return Native(outcome=Outcome(kind="failed", started_at=services.clock.now(), duration_ms=0.0, cause=cause))


def _endpoint(services: Services, held: Held) -> byoa.Endpoint:
    row = held.row
    place = records.secret_place(held.organisation_id, row["agent_id"])
    sealed = [row["webhook_secret"]]
    if row["previous_secret_until"] is not None and row["previous_secret_until"] > services.clock.now():
        sealed.append(row["previous_secret"])
    secrets = [records.open_secret(services.vault, place, value) for value in sealed if value is not None]
    return byoa.Endpoint(row["webhook_url"], secrets, row["timeout_seconds"])


async def question(services: Services, held: Held) -> Turn:
    """The turn as every kind of agent gets it."""
    row = held.row
    messages = row["questions"] or []
    files = await media.files(services, held.organisation_id, messages)
    quotes = await quoted(services, held, messages)
    return Turn(
        id=row["turn_id"],
        agent_id=row["agent_id"],
        conversation_id=held.id,
        phone_number_id=row["phone_number_id"],
        business_number=row["display_number"],
        contact=Person(row["contact_id"], row["contact_name"], row["phone"], row["bsuid"], row["username"]),
        said=[
            Said(
                id=UUID(m["id"]),
                wamid=m["wamid"],
                at=datetime.fromisoformat(m["said_at"]),
                content=m["content"],
                files=files.get(UUID(m["id"]), []),
                quoted=quotes.get(UUID(m["id"])),
            )
            for m in messages
        ],
        callback_url=callback.url(services, row["turn_id"]),
        callback_until=row["callback_until"],
        window_until=row["window_until"],
    )


async def _recorded(services: Services, speaker: outbox.Speaker, held: Held, asked: Native) -> Recorded:
    row, outcome = held.row, asked.outcome
    attempt = row["turn_attempts"] + 1
    retry_at = None
    if outcome.kind == "failed" and not held.parked:
        retry_at = policy.next_agent_attempt(attempt, row["retry_delays"], outcome.retry_after, services.clock.now())
    replies = _replies(outcome, row["fallback_message"] if attempt == 1 else None)
    first_attempt = None
    if replies and not held.outbox and await outbox.blocked(services, speaker, held, _outgoing(replies[0], 0)) is None:
        first_attempt = new_id()
    return Recorded(
        organisation_id=held.organisation_id,
        conversation_id=held.id,
        fence=held.fence,
        epoch=row["epoch"],
        turn_id=row["turn_id"],
        agent_id=row["agent_id"],
        delivery_id=new_id(),
        attempt=attempt,
        url=row["webhook_url"] or MODEL,
        started_at=outcome.started_at,
        duration_ms=outcome.duration_ms,
        outcome=outcome.kind,
        status=outcome.status,
        response_head=_without_token(services, row["turn_id"], outcome.head),
        cause=outcome.cause,
        turn_state="open" if retry_at else _STATE[outcome.kind],
        through_seq=row["through_seq"],
        known_seq=held.through_seq,
        retry_at=retry_at,
        replies=replies,
        first_attempt=first_attempt,
        pair_tokens=held.pair.tokens,
        pair_at=held.pair.at,
        release=not replies,
        transfer=outcome.transfer,
        session_id=asked.session_id,
        close_at=asked.close_at,
        citations=outcome.citations or None,
        wakeup_id=row["wakeup_id"],
    )


def _without_token(services: Services, turn_id: UUID, head: str | None) -> str | None:
    """Error pages show the request they are about, with the callback's address in it."""
    return head.replace(callback.token(services.vault, turn_id), "…") if head else head


def _replies(outcome: Outcome, fallback: str | None) -> list[Reply]:
    if outcome.contents:
        replies = [_reply(content, "agent") for content in outcome.contents]
        spoken = next((reply for reply in replies if reply.type != "reaction"), None)  # an emoji quotes nothing
        if spoken is not None:
            spoken.reply_to_wamid = outcome.reply_to
        return replies
    if fallback and outcome.kind in ("failed", "refused"):
        return [_reply(Text(body=fallback), "system")]
    return []


def _reply(content: Content, author: str) -> Reply:
    return Reply(id=new_id(), type=outbox.content_type(content), content=content, author=author)


def _outgoing(reply: Reply, seq: int) -> Outgoing:
    content = msgspec.to_builtins(reply.content)
    return Outgoing(
        id=reply.id, seq=seq, state="queued", content=content, author=reply.author, attempts=0, reply_to_wamid=reply.reply_to_wamid
    )


async def _speak(services: Services, speaker: outbox.Speaker, held: Held, recorded: Recorded, result: RecordResult) -> None:
    if not result.held:
        LEASES_LOST.inc()
        raise outbox.LeaseLost
    if not result.current:
        DISCARDED.inc(len(recorded.replies))
        return
    if not recorded.replies:
        return
    if not result.goes:
        held.load(await services.journal.outbox(held.organisation_id, held.id))
        await outbox.flush(services, speaker, held)
        return
    replies = [_outgoing(reply, result.first_seq + i) for i, reply in enumerate(recorded.replies)]
    first, held.through_seq = replies[0], replies[-1].seq
    first.state, first.attempt_id, first.attempts = "sending", recorded.first_attempt, 1
    held.outbox.extend(replies[1:])
    await outbox.flush(services, speaker, held, first)


class Test(NamedTuple):
    """What an agent made of a test event; nothing of it reaches a customer."""

    delivery_id: UUID
    outcome: Outcome


async def replay(services: Services, organisation_id: UUID, agent_id: UUID, delivery_id: UUID) -> UUID:
    """Ask the agent again about the messages of an earlier turn, as a turn of its own; its id.

    Raises `NotFound`, or `Conflict` while the conversation has an open turn or is not with this agent.
    """
    turn_id = new_id()
    row = await services.db.fetch_one(
        turn_queries.REPLAY,
        {
            "organisation_id": organisation_id,
            "agent_id": agent_id,
            "delivery_id": delivery_id,
            "turn_id": turn_id,
            "callback_hash": callback.digest(services.vault, turn_id),
            "callback_until": services.clock.now() + callback.LIFETIME,
            "now": services.clock.now(),
        },
    )
    if row is None:
        raise NotFound("this agent has no such delivery")
    if not row["with_agent"]:
        raise Conflict("the conversation is not with this agent now; hand it back or connect it first", code="not_with_agent")
    if not row["opened"]:
        raise Conflict("the conversation is in the middle of another turn; try again when that is over", code="turn_open")
    return turn_id


async def send_test(services: Services, agent: records.Agent) -> Test:
    """Send a signed test event to the agent's webhook and keep what came of it in its deliveries."""
    delivery_id, event_id = new_id(), new_id()
    endpoint = byoa.Endpoint(agent.webhook_url or "", records.signing_secrets(services.vault, services.clock, agent), agent.timeout_seconds)
    outcome = await byoa.ask(
        services.guarded, services.clock, endpoint, f"test_{event_id}", byoa.test_payload(agent.id, services.clock.now())
    )
    values: dict[str, Any] = {
        "organisation_id": agent.organisation_id,
        "id": delivery_id,
        "turn_id": event_id,
        "agent_id": agent.id,
        "url": endpoint.url,
        "started_at": outcome.started_at,
        "duration_ms": outcome.duration_ms,
        "outcome": outcome.kind,
        "status": outcome.status,
        "response_head": outcome.head,
        "cause": outcome.cause,
    }
    await services.db.execute(turn_queries.NOTE_TEST, values)
    return Test(delivery_id, outcome)
