"""What a conversation of a native agent waits for beside messages: a hand-over once everything is said, a thought at a set time,
the end of its session. Each is a column of the conversation's row; a worker that claims it comes here.
"""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog

from dragoman.agents import records
from dragoman.agents.capabilities.wake_ups import planned_template
from dragoman.agents.turns import Transfer
from dragoman.conversations import callback, errands, outbox, ownership, policy
from dragoman.conversations import later_queries as queries
from dragoman.conversations.held import Held
from dragoman.conversations.reading import expect_conversation, no_conversation
from dragoman.conversations.services import Services
from dragoman.errors import Conflict, NotFound
from dragoman.ids import new_id
from dragoman.store.database import Row
from dragoman.whatsapp.content import Template

log = structlog.get_logger()

WELCOME = (
    "You take this customer over from another agent of the business ({reason}). What was agreed: {summary}. Go on with the conversation."
)


def due(held: Held, column: str, now: datetime) -> bool:
    return held.row[column] is not None and held.row[column] <= now


async def attend(services: Services, held: Held) -> bool:
    """Do what is due of all this; False when there was nothing. The conversation is still in our hands after."""
    now = services.clock.now()
    if due(held, "transfer_at", now):
        if held.row["send_at"] is None:
            await _hand_over(services, held)
            return True
        if held.row["send_at"] > now:  # what was said before the hand-over goes out first
            await services.db.execute(queries.POSTPONE_TRANSFER, {**_scope(held), "until": held.row["send_at"]})
            return True
        return False
    if due(held, "wake_at", now):
        return await _wake(services, held, now)
    if due(held, "close_at", now):
        await _close(services, held, now)
        return True
    return False


async def _hand_over(services: Services, held: Held) -> None:
    transfer = msgspec.convert(held.row["transfer"], Transfer, strict=False)
    organisation_id, now = held.organisation_id, services.clock.now()
    note = {**_scope(held), "reason": transfer.reason, "summary": transfer.summary, "now": now}
    if transfer.agent_id is None:
        async with services.db.transaction() as connection:
            await connection.execute(queries.NOTE_HAND_OVER, {**note, "kind": "handed_to_person"})
            await ownership.take_over(services, organisation_id, held.id, transfer.minutes, within=connection)
        return
    try:
        await records.get(services.db, organisation_id, transfer.agent_id)
    except NotFound:
        await services.db.execute(queries.NOTE_HAND_OVER, {**note, "kind": "hand_over_failed"})
        return
    welcome = WELCOME.format(reason=transfer.reason or "no reason given", summary=transfer.summary or "nothing yet")
    await plan(
        services, organisation_id, held.id, transfer.agent_id, now, welcome, source="handoff", key=f"handoff {held.id} {held.row['epoch']}"
    )
    async with services.db.transaction() as connection:
        await connection.execute(queries.NOTE_HAND_OVER, {**note, "kind": "handed_to_agent"})
        await ownership.route(services, organisation_id, held.id, "agent", transfer.agent_id, within=connection)


async def plan(
    services: Services,
    organisation_id: UUID,
    conversation_id: UUID,
    agent_id: UUID,
    at: datetime,
    instruction: str,
    *,
    source: str,
    forced: bool = True,
    key: str | None = None,
) -> UUID | None:
    """Let the agent think about `instruction` at a set time, also when nobody writes; None when `key` was planned before."""
    values = {
        "organisation_id": organisation_id,
        "conversation_id": conversation_id,
        "agent_id": agent_id,
        "id": new_id(),
        "at": at,
        "instruction": instruction,
        "source": source,
        "forced": forced,
        "key": key,
        "now": services.clock.now(),
    }
    row = await services.db.fetch_one(queries.PLAN, values)
    return row["id"] if row else None


async def _wake(services: Services, held: Held, now: datetime) -> bool:
    """Open a turn for what is due. A turn that is open already goes first."""
    if held.row["turn_id"] is not None:
        if held.row["think_at"] is not None and held.row["think_at"] > now:
            await services.db.execute(queries.POSTPONE_WAKE, {**_scope(held), "until": held.row["think_at"]})
            return True
        return False
    late = (now - held.row["wake_at"]).total_seconds()
    if late > policy.LATE_SECONDS:
        log.warning("what was due at a set time runs late", conversation_id=str(held.id), seconds=round(late))
    if not policy.window_open(held.row["window_until"], now):
        await _send_templates(services, held, now)
    turn_id = new_id()
    values = {
        **_scope(held),
        "turn_id": turn_id,
        "callback_hash": callback.digest(services.vault, turn_id),
        "callback_until": now + callback.LIFETIME,
        "open": policy.window_open(held.row["window_until"], now),
        "now": now,
    }
    await services.db.execute(queries.WAKE, values)
    return True


async def _send_templates(services: Services, held: Held, now: datetime) -> None:
    """After the 24 hours a follow-up can only be a template: sent and settled in one commit, so that it goes out once."""
    for row in await services.db.fetch(queries.TEMPLATES_DUE, {**_scope(held), "now": now}):
        planned = planned_template(row["config"])
        if planned is None:
            continue
        template = Template(name=planned[0], language=planned[1])
        saying = outbox.prepare(held.organisation_id, held.id, [template], author="agent")
        async with services.db.transaction() as connection:
            scope = {"organisation_id": held.organisation_id, "id": row["id"], "now": now}
            if await (await connection.execute(queries.TEMPLATE_SENT, scope)).fetchone():
                await outbox.speak(services, saying, connection)


async def prompt(services: Services, organisation_id: UUID, conversation_id: UUID, text: str) -> Row:
    """Let the conversation's native agent think about `text` now. Raises NotFound, Conflict (says why it cannot)."""
    row = await services.db.fetch_one(queries.ASKABLE, {"organisation_id": organisation_id, "conversation_id": conversation_id})
    if row is None:
        raise no_conversation()
    if row["owner"] != "agent" or row["kind"] != "llm":
        raise Conflict("no native agent answers in this conversation; connect one, or hand it back first", code="not_with_agent")
    if row["opted_out_at"] is not None:
        raise Conflict("this person asked not to be written to (STOP)", code="opted_out")
    if not policy.window_open(row["window_until"], services.clock.now()):
        raise Conflict("the customer wrote last more than 24 hours ago: WhatsApp only takes a template now", code="window_closed")
    planned = await plan(services, organisation_id, conversation_id, row["agent_id"], services.clock.now(), text, source="prompt")
    made = await services.db.fetch_one(queries.WAKEUP, {"organisation_id": organisation_id, "id": planned})
    assert made is not None  # noqa: S101
    return made


async def wakeups(services: Services, organisation_id: UUID, conversation_id: UUID, limit: int, offset: int) -> tuple[list[Row], int]:
    """Newest first, and how many there are. Raises NotFound."""
    await expect_conversation(services.db, organisation_id, conversation_id)
    scope = {"organisation_id": organisation_id, "conversation_id": conversation_id}
    rows = await services.db.fetch(queries.WAKEUPS, {**scope, "limit": limit, "offset": offset})
    return [{key: value for key, value in row.items() if key != "total"} for row in rows], rows[0]["total"] if rows else 0


async def cancel(services: Services, organisation_id: UUID, conversation_id: UUID, wakeup_id: UUID) -> None:
    scope = {"organisation_id": organisation_id, "conversation_id": conversation_id, "id": wakeup_id}
    if await services.db.fetch_one(queries.CANCEL, {**scope, "now": services.clock.now()}) is None:
        raise NotFound("there is no such follow-up that could still be cancelled")


async def _close(services: Services, held: Held, now: datetime) -> None:
    """End the session when nothing was said for as long as its agent allows; else look again when that time is over."""
    hours = 24.0
    if held.row["agent_id"] is not None:
        agent = await records.get(services.db, held.organisation_id, held.row["agent_id"])
        hours = agent.options.idle_hours
    idle = timedelta(hours=hours)
    async with services.db.transaction() as connection:
        cursor = await connection.execute(queries.CLOSE_IDLE, {**_scope(held), "before": now - idle, "idle": idle, "now": now})
        ended = await cursor.fetchone()
        if ended and ended["session_id"]:
            await errands.wrap_up_later(connection, held.organisation_id, ended["agent_id"], ended["session_id"])


def _scope(held: Held) -> dict[str, UUID]:
    return {"organisation_id": held.organisation_id, "conversation_id": held.id}
