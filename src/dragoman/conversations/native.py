"""A turn of an agent that thinks inside Dragoman: what it is told, when it begins to think, and when it begins again.

A customer rarely says everything in one message. The agent waits a moment after a fragment, and when more comes while it thinks, the
unsent draft is thrown away and all of it is thought about together; unless something has been done that cannot be undone.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from dragoman.agents import records
from dragoman.agents.llm import given, loop
from dragoman.agents.relations import records as relations
from dragoman.agents.relations.settings import Credits
from dragoman.agents.turns import Outcome, Scene, Session, Turn
from dragoman.conversations import errands, gates, media, policy
from dragoman.conversations import native_queries as queries
from dragoman.conversations.held import Held
from dragoman.conversations.history import lines
from dragoman.conversations.outbox import LeaseLost
from dragoman.conversations.services import Services
from dragoman.errors import NotFound
from dragoman.ids import new_id
from dragoman.store.database import Row

DRAFTS = 5  # a customer who never stops writing is answered all the same


class Native(msgspec.Struct, frozen=True, kw_only=True):
    """What came of thinking, and what a record of it needs beside the outcome."""

    outcome: Outcome
    session_id: UUID | None = None
    close_at: datetime | None = None
    called: bool = False  # the outcome is what came of calling the agent's webhook


async def think(services: Services, held: Held, question: Any) -> Native:
    """Ask the native agent about the turn in our hands. `question()` makes the Turn from what `held.row` says."""
    if held.row["instruction"] is None:
        if held.row["wanted_seq"] > held.row["through_seq"]:  # the turn begins again, and more was said meanwhile
            held.news.set()
        await _wait_for_more(services, held)
    for _ in range(DRAFTS):
        if held.news.is_set():
            await _extend(services, held)
        if any(message["content"].get("media") for message in held.row["questions"] or ()):
            await media.fetch_new(services, held)  # of what came since the conversation was claimed
        turn: Turn = await question()
        has = await given.to_agent(services.kit, held.organisation_id, held.row["agent_id"])
        agent = has.agent
        scene = await _scene(services, held, turn, relations.credits_of(agent.config))
        if (canned := await gates.before(services, agent, scene)) is not None:
            return Native(outcome=canned, session_id=scene.session.id, close_at=_close_at(services, agent))
        outcome = await loop.answer(services.kit, services.ledger, has, scene)
        if outcome.kind != "superseded":
            break
        await _forget_draft(services, held, turn.id)
    else:
        scene = msgspec.structs.replace(scene, news=None)
        outcome = await loop.answer(services.kit, services.ledger, has, scene)
    await gates.charge(services, agent, scene, outcome)
    dressed = await gates.around(services, agent, scene, outcome)
    return Native(outcome=dressed, session_id=scene.session.id, close_at=_close_at(services, agent))


async def _forget_draft(services: Services, held: Held, turn_id: UUID) -> None:
    scope = {"organisation_id": held.organisation_id, "conversation_id": held.id, "turn_id": turn_id, "fence": held.fence}
    if await services.db.fetch_one(queries.FORGET_DRAFT, scope) is None:
        raise LeaseLost


def _close_at(services: Services, agent: records.Agent) -> datetime:
    return services.clock.now() + timedelta(hours=agent.options.idle_hours)


async def _wait_for_more(services: Services, held: Held) -> None:
    """Give the customer a moment to finish; typing is shown meanwhile."""
    while True:
        questions = held.row["questions"] or []
        if not questions:
            return
        first, last = (datetime.fromisoformat(questions[n]["said_at"]) for n in (0, -1))
        until = policy.quiet_until(questions[-1]["content"], first, last)
        if until is None or until <= services.clock.now():
            return
        woken = asyncio.ensure_future(held.news.wait())
        sleeping = asyncio.ensure_future(services.clock.sleep_until(until))
        try:
            await asyncio.wait((woken, sleeping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            sleeping.cancel()
        if not held.news.is_set():
            return
        await _extend(services, held)


async def _extend(services: Services, held: Held) -> None:
    held.news.clear()
    params = {
        "organisation_id": held.organisation_id,
        "conversation_id": held.id,
        "fence": held.fence,
        "epoch": held.row["epoch"],
        "turn_id": held.row["turn_id"],
    }
    if (row := await services.db.fetch_one(queries.EXTEND, params)) is not None:
        held.row |= {"from_seq": row["from_seq"], "through_seq": row["through_seq"], "questions": row["questions"]}


async def _session(services: Services, held: Held) -> Row:
    """The session that this turn belongs to, with the past that is told in it."""
    values = {
        "organisation_id": held.organisation_id,
        "conversation_id": held.id,
        "id": new_id(),
        "agent_id": held.row["agent_id"],
        "contact_id": held.row["contact_id"],
        "from_seq": held.row["from_seq"] if held.row["questions"] else held.row["known_seq"] + 1,
        "turn_from": held.row["from_seq"],
        "turn_through": held.row["through_seq"],
        "now": services.clock.now(),
    }
    return await services.db.fetch_one(queries.SESSION, values) or await _session_after_another(services, values)


async def _session_after_another(services: Services, values: Row) -> Row:
    """A conversation has one session at a time: another agent's ends here, and what is to be done after it is put into the queue."""
    async with services.db.transaction() as connection:
        for ended in await (await connection.execute(queries.END_OTHERS, values)).fetchall():
            await errands.wrap_up_later(connection, values["organisation_id"], ended["agent_id"], ended["id"])
        row = await (await connection.execute(queries.SESSION, values)).fetchone()
    if row is None:  # the customer was erased a moment ago
        raise LeaseLost
    return row


async def _scene(services: Services, held: Held, turn: Turn, password: Credits | None) -> Scene:
    row = await _session(services, held)
    past = [one | {"said_at": datetime.fromisoformat(one["said_at"])} for one in row.pop("history") or ()]
    source = None
    if held.row["wakeup_id"]:
        source = await services.db.fetch_one(queries.SOURCE, {"organisation_id": held.organisation_id, "wakeup_id": held.row["wakeup_id"]})
    return Scene(
        organisation_id=held.organisation_id,
        turn=turn,
        session=Session(**row),
        history=[line for line in lines(past) if not relations.is_password(services.vault, password, line.text)],
        instruction=held.row["instruction"],
        forced=held.row["forced"] is not False,
        outside=source is not None and source["source"] in ("agent", "handoff"),
        news=held.news if held.row["instruction"] is None else None,
        fence=held.fence,
        new=held.row["new"],
    )


async def session(services: Services, organisation_id: UUID, session_id: UUID) -> Row:
    """One run of one agent with one person. Raises NotFound."""
    row = await services.db.fetch_one(queries.SESSION_BY_ID, {"organisation_id": organisation_id, "id": session_id})
    if row is None:
        raise NotFound("there is no such session")
    return row
