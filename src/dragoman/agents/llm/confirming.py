"""A call that waited for the customer's word: the button that was tapped says yes or no to exactly that call, once."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from dragoman.agents.capability import Run
from dragoman.agents.llm import asking, queries
from dragoman.agents.llm.journal import CONFIRM, DECLINE, HELD_FOR, LOST, Journal, result_of
from dragoman.agents.tools import Call, Json, Result, Tool


@dataclass(frozen=True)
class Confirmed:
    messages: list[Any] = field(default_factory=list)
    result: Result = field(default_factory=lambda: Result(text=""))
    declined: bool = False


async def answered(run: Run, journal: Journal, tools: dict[str, Tool]) -> Confirmed | None:
    """Make the call that the customer has just confirmed; None when this turn is about something else."""
    choice = _choice(run)
    if choice is None:
        return None
    held_id, yes = choice
    scope = {
        "organisation_id": run.organisation_id,
        "id": held_id,
        "conversation_id": run.turn.conversation_id,
        "agent_id": run.agent.id,
        "since": run.kit.clock.now() - HELD_FOR,
        "asked": "person" if run.scene.instruction else "customer",
        "now": run.kit.clock.now(),
    }
    row = await run.kit.db.fetch_one(queries.TAKE_HELD, {**scope, "state": "started" if yes else "declined"})
    if row is None:
        return await _again(run, scope)
    if not yes:
        return Confirmed(declined=True)
    tool = tools.get(row["tool"])
    if tool is None:
        return _told(row, Result(text="This tool is not there any more.", error="the tool is not there any more"))
    journal.acted = True
    result = await journal.run_call(tool, Call(row["id"], f"{row['turn_id']}-{row['position']}-{row['call_id']}"[:200], row["args"]))
    return _told(row, result)


async def _again(run: Run, scope: Json) -> Confirmed | None:
    """A second tap, an old button, or this turn begun again after it took the call."""
    row = await run.kit.db.fetch_one(queries.HELD_CALL, scope)
    if row is None or row["state"] == "held":
        return _told(row, Result(text="The time to confirm this has run out; ask again.", error="too late")) if row else None
    if row["state"] == "declined":
        return Confirmed(declined=True)
    if row["state"] == "started":
        return _told(row, Result(text=LOST, error=LOST))
    return _told(row, result_of(row))


def _choice(run: Run) -> tuple[UUID, bool] | None:
    if run.scene.instruction and run.scene.instruction.startswith((CONFIRM, DECLINE)):
        chosen = run.scene.instruction.partition("\n")[0]
    else:
        reply = run.turn.said[-1].content.get("reply") if run.turn.said else None
        chosen = str((reply or {}).get("id") or "")
    for start, yes in ((CONFIRM, True), (DECLINE, False)):
        if chosen.startswith(start):
            try:
                return UUID(chosen.removeprefix(start)), yes
            except ValueError:
                return None
    return None


def _told(row: Any, result: Result) -> Confirmed:
    text = f"[from the system, not from the customer] {row['tool']} was confirmed and called. Result: {result.text}. Tell the customer briefly."
    return Confirmed([asking.correction(text)], result)
