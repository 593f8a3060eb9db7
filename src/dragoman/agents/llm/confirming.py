"""Calls that waited for somebody's word: the button that was tapped says yes or no to exactly one call, once."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from dragoman.agents.capability import Run
from dragoman.agents.llm import asking, calling, fitting, queries
from dragoman.agents.llm.journal import CONFIRM, DECLINE, HELD_FOR, Journal, result_of
from dragoman.agents.tools import Call, Json, Result, Tool
from dragoman.store.database import Row

TOO_LATE = Result(text="The time to confirm this has run out; ask again.", error="too late")
GONE = Result(text="This tool is not there any more.", error="the tool is not there any more")


@dataclass
class Confirmed:
    """What the model is told of the calls, and what they bring. `declined`: the customer said no, and nothing else."""

    messages: list[Any] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    declined: bool = False


async def answered(run: Run, journal: Journal, tools: dict[str, Tool]) -> Confirmed | None:
    """Make the calls that have just been confirmed; None when this turn is about something else."""
    confirmed, refusals, found = Confirmed(), 0, 0
    for held_id, yes in _choices(run):
        told = await _one(run, journal, tools, held_id, yes)
        if told is None:
            continue
        found += 1
        words, result = told
        confirmed.messages.append(asking.correction(words))
        if result is None:
            refusals += 1
        else:
            confirmed.results.append(result)
    confirmed.declined = 0 < refusals == len(run.turn.said)
    return confirmed if found else None


async def _one(run: Run, journal: Journal, tools: dict[str, Tool], held_id: UUID, yes: bool) -> tuple[str, Result | None] | None:
    """What the model is told of one answer, and the result of the call when the answer was yes; None for an id that is none of ours."""
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
        return await _again(run, journal, scope)
    if not yes:
        return _no(row), None
    tool = tools.get(row["tool"])
    if tool is None or fitting.misfit(tool, row["args"]):
        tool = Tool(name=row["tool"], description="", parameters={}, run=_gone)
    journal.acted = True
    call = Call(row["id"], f"{row['turn_id']}-{row['position']}-{row['call_id']}"[:200], row["args"])
    return _yes(row, await journal.run_call(tool, call))


async def _again(run: Run, journal: Journal, scope: Json) -> tuple[str, Result | None] | None:
    """A second tap, an old button, or this turn begun again after it took the call."""
    row = await run.kit.db.fetch_one(queries.HELD_CALL, scope)
    if row is None:
        return None
    if row["state"] == "declined":
        return _no(row), None
    if row["state"] == "held":
        return _yes(row, TOO_LATE)
    journal.outside |= row["outside"]
    return _yes(row, await journal.lost(row["id"]) if row["state"] == "started" else result_of(row))


async def _gone(call: Call) -> Result:
    return GONE


def _choices(run: Run) -> list[tuple[UUID, bool]]:
    """Each button that was tapped, in order: its call, and whether it says yes."""
    if run.scene.instruction:
        chosen = [run.scene.instruction.partition("\n")[0]]
    else:
        chosen = [str((said.content.get("reply") or {}).get("id") or "") for said in run.turn.said]
    choices = []
    for text in chosen:
        for start, yes in ((CONFIRM, True), (DECLINE, False)):
            if text.startswith(start) and (held_id := _uuid(text.removeprefix(start))):
                choices.append((held_id, yes))
    return choices


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _no(row: Row) -> str:
    return f"{row['tool']} was not agreed to and is not done."


def _yes(row: Row, result: Result) -> tuple[str, Result]:
    happened = "was not called" if result in (TOO_LATE, GONE) else "was confirmed and called"
    return f"{row['tool']} {happened}. Tell the customer briefly. What came of it: {calling.marked(result)}", result
