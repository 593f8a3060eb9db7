"""A batch: the next few recipients of one campaign on one number, put into the outbox in one transaction that also says so.

Each job sends one batch at most and leaves the next job behind, in the same transaction. So whatever dies, nobody is queued twice, and
there is always exactly one job that goes on. A batch holds what the number may send in a second at half of its rate, and none is
made while the last one waits: the other half is for conversations, and so is the first place. While those alone fill the rate, a
campaign takes a tenth of it.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import structlog

from dragoman.campaigns import batches_queries as queries
from dragoman.campaigns import personal
from dragoman.campaigns.campaign import Message
from dragoman.campaigns.queries import MOVE
from dragoman.campaigns.window import Window
from dragoman.conversations.services import Services
from dragoman.errors import Invalid
from dragoman.ids import new_id
from dragoman.store import jobs
from dragoman.store.database import Connection, Row
from dragoman.store.jobs import Attempt, Task

log = structlog.get_logger()

BATCH = "campaign.batch"
SHARE = 0.5  # of a number's rate; the rest is for conversations
PRESSED_SHARE = 0.1  # while those have more to say than the rate allows
PAUSE_SECONDS = 0.7  # between two batches; the queue is looked at every half second, so that it is a second in the end
# A batch leaves in slices, so that nobody who writes meanwhile finds all of it before him.
SLICES, SPREAD_SECONDS = 6, 0.6
# The longest wait. On the sandbox the clock may be moved at any time, and nothing tells the queue.
PATIENCE, SANDBOX_PATIENCE = 300.0, 1.0
PAUSED_NUMBER_SECONDS = 30.0
DELAYS = (1.0, 5.0, 30.0, 120.0, 600.0)

OPTED_OUT = "asked not to be written to (STOP)"
FORGOTTEN = "the customer was deleted"
AGAIN = "is the same person as another recipient"
NO_NUMBER = "the number that should write is not connected any more"
NO_AGENT = "The assistant that answers this campaign was deleted."
STUCK = "Sending failed several times for a reason of ours, which is in the log; resume the campaign to go on."
HANDED = "a campaign wrote to the customer, and its assistant answers the reply"


class Job(msgspec.Struct, frozen=True):
    organisation_id: UUID
    campaign_id: UUID
    number_id: UUID
    round: int


class _Ready(NamedTuple):
    row: Row
    content: str


class _Passed(NamedTuple):
    position: int
    state: str
    cause: str


def tasks(services: Services) -> list[Task]:
    return [Task(BATCH, partial(_work, services), DELAYS)]


async def begin(connection: Connection, job: Job, after: float | None = None) -> None:
    """The next job of a number's chain."""
    organisation, campaign, number = str(job.organisation_id), str(job.campaign_id), str(job.number_id)
    await jobs.defer(connection, BATCH, after=after, organisation_id=organisation, campaign_id=campaign, number_id=number, round=job.round)


async def _work(services: Services, attempt: Attempt, **args: Any) -> None:
    job = msgspec.convert(args, Job, strict=False)
    try:
        async with services.db.transaction() as connection:
            await _batch(services, connection, job)
    except Exception:
        if not attempt.last:
            raise
        log.exception("a campaign is paused, because its batches fail", campaign_id=str(job.campaign_id))
        await services.db.execute(MOVE, _params(services, job, state="paused", cause=STUCK))


async def _batch(services: Services, connection: Connection, job: Job) -> None:
    params = _params(services, job)
    await connection.execute(queries.NUMBER_LOCK, params)
    campaign = await (await connection.execute(queries.TURN, params)).fetchone()
    if campaign is None:  # stopped, or this job was done before
        return
    if not campaign["has_agent"]:
        await connection.execute(MOVE, {**params, "state": "paused", "cause": NO_AGENT})
        return
    sent = None
    if not campaign["has_number"]:
        await connection.execute(queries.NUMBER_GONE, {**params, "cause": NO_NUMBER})
    else:
        wait, most = await _pace(services, connection, campaign, params)
        if not most:
            longest = SANDBOX_PATIENCE if services.settings.sandbox else PATIENCE
            await _go_on(connection, job, params, None, min(wait, longest))
            return
        if campaign["state"] == "scheduled":
            await connection.execute(MOVE, {**params, "state": "running", "cause": None})
        sent = await _send(connection, campaign, params, most)
    left = await (await connection.execute(queries.LEFT, params)).fetchone()
    assert left is not None  # noqa: S101 - counts always come back
    if left["here"]:
        await _go_on(connection, job, params, sent, PAUSE_SECONDS if sent else 0.0)
        return
    if sent is not None:
        await connection.execute(queries.TAKEN, {**params, "batch": sent or None})
    if not left["anywhere"]:  # this number is through, and it was the last one
        await connection.execute(MOVE, {**params, "state": "completed", "cause": None})


async def _pace(services: Services, connection: Connection, campaign: Row, params: Row) -> tuple[float, int]:
    """How many seconds to wait, or how many may go now."""
    now: datetime = services.clock.now()
    fits = {"time_zone": campaign["time_zone"], "start_hour": campaign["start_hour"], "end_hour": campaign["end_hour"]}
    opens = Window(days=tuple(campaign["days"]), **fits).opens(max(now, campaign["start_at"]))
    if campaign["delay"] and campaign["sent_at"]:
        opens = max(opens, campaign["sent_at"] + timedelta(seconds=campaign["delay"]))
    if opens > now:
        return (opens - now).total_seconds(), 0
    pressing = int(campaign["per_second"] * PRESSED_SHARE)
    pace = await (await connection.execute(queries.PACE, {**params, "pressing": pressing})).fetchone()
    assert pace is not None  # noqa: S101
    if campaign["paused_reason"]:
        # Only a message finds out whether the number works again. When none waits, this campaign gives one.
        tries = not pace["waiting"] and (campaign["paused_until"] is None or campaign["paused_until"] <= now)
        return PAUSED_NUMBER_SECONDS, int(tries)
    # What WhatsApp puts off is tried again by the outbox. A few such messages hold up nothing; most of a batch says that it is too much.
    if pace["busy"] or 2 * pace["waiting"] > pace["size"]:
        return PAUSE_SECONDS, 0
    share = PRESSED_SHARE if pace["pressed"] else SHARE
    return PAUSE_SECONDS, _most(campaign["per_second"] * share, pace["idle"], bool(campaign["delay"]))


def _most(rate: float, idle: float | None, one_by_one: bool) -> int:
    """How many a number that has been idle for so long may send now, at `rate` per second; a slow one saves up for its next."""
    saved = 1.0 if idle is None else idle if rate < 1 else min(1.0, idle)
    most = min(int(rate * saved), max(1, int(rate))) if idle is not None else max(1, int(rate))
    return min(most, 1) if one_by_one else most


async def _send(connection: Connection, campaign: Row, params: Row, most: int) -> list[UUID]:
    """Put the next `most` into the outbox, less those who are passed by; the ids of their messages."""
    rows = await (await connection.execute(queries.NEXT, {**params, "limit": most})).fetchall()
    message = msgspec.convert(campaign["template"], Message)
    ready: list[_Ready] = []
    passed: list[_Passed] = []
    seen: set[UUID] = set()
    for row in rows:
        verdict = _passed(row, campaign["ignore_suppression"]) or (AGAIN if row["contact_id"] in seen else None)
        seen.add(row["contact_id"])
        one = _Passed(row["position"], "skipped", verdict) if verdict else _written(message, row)
        if isinstance(one, _Passed):
            passed.append(one)
        else:
            ready.append(one)
    if passed:
        columns = {"positions": [p.position for p in passed], "states": [p.state for p in passed], "causes": [p.cause for p in passed]}
        await connection.execute(queries.LEAVE_OUT, {**params, **columns})
    return await _say(connection, campaign, params, ready) if ready else []


def _passed(row: Row, ignore_suppression: bool) -> str | None:
    """Why nothing is sent to this person. STOP is the person's own word, and nothing overrules it."""
    if row["opted_out"]:
        return OPTED_OUT
    if row["forgotten"]:
        return FORGOTTEN
    if row["again"]:
        return AGAIN
    if row["suppressed"] is not None and not ignore_suppression:
        return f"is on the suppression list: {row['suppressed']}" if row["suppressed"] else "is on the suppression list"
    return None


def _written(message: Message, row: Row) -> _Ready | _Passed:
    try:
        template = personal.template(message, personal.known(row))
    except (personal.Lacking, Invalid) as error:
        return _Passed(row["position"], "failed", str(error))
    return _Ready(row, msgspec.json.encode(template).decode())


async def _say(connection: Connection, campaign: Row, params: Row, ready: list[_Ready]) -> list[UUID]:
    ids = [new_id() for _ in ready]
    columns = {
        "positions": [one.row["position"] for one in ready],
        "contact_ids": [one.row["contact_id"] for one in ready],
        "conversation_ids": [new_id() for _ in ready],
        "message_ids": ids,
        "contents": [one.content for one in ready],
        "after": [SPREAD_SECONDS * (n * SLICES // len(ready)) / SLICES for n in range(len(ready))],
    }
    values = {**params, **columns, "agent_id": campaign["agent_id"], "reason": HANDED}
    await connection.execute(queries.OPEN, values)
    await connection.execute(queries.SAY, values)
    return ids


async def _go_on(connection: Connection, job: Job, params: Row, sent: list[UUID] | None, after: float) -> None:
    await connection.execute(queries.TAKEN, {**params, "batch": sent or None})
    await begin(connection, msgspec.structs.replace(job, round=job.round + 1), after)


def _params(services: Services, job: Job, **more: Any) -> Row:
    return {**msgspec.structs.asdict(job), "now": services.clock.now(), **more}
