"""What native agents have done outside their turns, by jobs: a template in another conversation, the end of a session.

Each is said once: the key of an errand is taken in the transaction that says it.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import structlog

from dragoman.accounts import numbers
from dragoman.agents import records
from dragoman.agents.actions import linked, whatsapp
from dragoman.agents.llm import wrapping_up
from dragoman.agents.turns import Person, Scene, Session, Turn
from dragoman.conversations import errands_queries as queries
from dragoman.conversations import native_queries, outbox, sending
from dragoman.conversations.callback_queries import TAKE_KEY
from dragoman.conversations.history import lines
from dragoman.conversations.services import Services
from dragoman.errors import NotFound, Problem
from dragoman.store import jobs
from dragoman.store.database import Connection, Row
from dragoman.store.jobs import Attempt, Task
from dragoman.whatsapp.content import Outgoing, Template

log = structlog.get_logger()

WRAP_UP = "session.wrap_up"


def tasks(services: Services) -> list[Task]:
    return [Task(whatsapp.SEND, partial(_send, services)), Task(WRAP_UP, partial(_wrap_up, services))]


async def _send(services: Services, attempt: Attempt, organisation_id: str, key: str, to: str, sender: str, template: str) -> None:
    """Say a template to a number that the business has set, from one of its own."""
    organisation = UUID(organisation_id)
    content = msgspec.json.decode(template, type=Template)
    own = {number.phone_number_id: number for number in await numbers.listing(services.db, organisation)}
    if sender not in own:
        log.warning("a template was not sent: the number that should write is gone", phone_number_id=sender)
        return
    conversation_id = await sending.open_conversation(services, organisation, to, own[sender].display_number)
    await _say_once(services, organisation, conversation_id, [content], f"template {key}")


async def _say_once(services: Services, organisation_id: UUID, conversation_id: UUID, said: Sequence[Outgoing], key: str) -> None:
    values = {"organisation_id": organisation_id, "scope": "errand", "key": key, "body_hash": b"", "status": 201, "response": ""}
    try:
        saying = outbox.prepare(organisation_id, conversation_id, said, author="agent")
        async with services.db.transaction() as connection:
            cursor = await connection.execute(TAKE_KEY, {**values, "now": services.clock.now()})
            if await cursor.fetchone() is not None:
                await outbox.speak(services, saying, connection)
    except Problem as refusal:  # the person said STOP, or the template breaks a limit: again would not help
        note = {"organisation_id": organisation_id, "conversation_id": conversation_id, "now": services.clock.now()}
        await services.db.execute(queries.NOTE_REFUSED, {**note, "cause": refusal.message})


async def wrap_up_later(connection: Connection, organisation_id: UUID, agent_id: UUID, session_id: UUID) -> None:
    """Have the AFTER actions of a session made, if its agent has any, in the transaction that ends it."""
    if await linked.has_after(connection, organisation_id, agent_id):
        await jobs.defer(connection, WRAP_UP, organisation_id=str(organisation_id), session_id=str(session_id))


async def _wrap_up(services: Services, attempt: Attempt, organisation_id: str, session_id: str) -> None:
    scope = {"organisation_id": UUID(organisation_id), "session_id": UUID(session_id)}
    row = await services.db.fetch_one(queries.ENDED_SESSION, scope)
    if row is None:
        return
    try:
        agent = await records.get(services.db, row["organisation_id"], row["agent_id"])
    except NotFound:
        return
    scene = await _scene(services, row)
    said = await wrapping_up.wrap_up(services.kit, services.ledger, agent, scene)
    if said:
        await _say_once(services, row["organisation_id"], row["conversation_id"], said, f"session {session_id}")


async def _scene(services: Services, row: Row) -> Scene:
    """The whole session as the past of a turn that nobody asked for; it has the session's own id."""
    params = {
        "organisation_id": row["organisation_id"],
        "conversation_id": row["conversation_id"],
        "from_seq": row["from_seq"],
        "after": row["summary_through"],
        "turn_from": 0,
        "turn_through": 0,
    }
    told = [line for line in lines(reversed(await services.db.fetch(native_queries.HISTORY, params))) if line.at <= row["closed_at"]]
    fields: dict[str, Any] = {name: row[name] for name in ("agent_id", "conversation_id", "phone_number_id", "window_until")}
    person = Person(id=row["contact_id"], name=row["name"], phone=row["phone"], user_id=row["bsuid"], username=row["username"])
    turn = Turn(
        id=row["id"],
        business_number=row["display_number"],
        contact=person,
        said=[],
        callback_url=f"{services.settings.public_url}/api/callback/nobody",
        callback_until=row["closed_at"],
        **fields,
    )
    session = Session(
        id=row["id"],
        from_seq=row["from_seq"],
        opened_at=row["opened_at"],
        summary=row["summary"],
        summary_through=row["summary_through"],
        outside=row["outside"],
    )
    return Scene(
        organisation_id=row["organisation_id"], turn=turn, session=session, history=told, instruction=wrapping_up.INSTRUCTION, forced=False
    )
