"""The journal of one turn: what the model said, and what became of each call it made.

Everything is on disk before it has an effect, so a turn that begins again (the process died) hears the same answers, and a call
that can change something is made once. Of one that had left when the process died, nobody knows what it did: the model is told so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog
from psycopg.types.json import Jsonb

from dragoman.agents.capability import Run
from dragoman.agents.kit import Kit
from dragoman.agents.llm import queries
from dragoman.agents.tools import Call, Json, Result, Tool
from dragoman.agents.turns import Transfer
from dragoman.ids import new_id
from dragoman.store.batcher import Batcher
from dragoman.store.database import Row
from dragoman.whatsapp.content import Outgoing

log = structlog.get_logger()

LOST = (
    "The server stopped while this call was under way, so nobody knows whether it took effect. Do not make it again; say so if it matters."
)
# The answer to a held call carries its id behind one of these words, for so long.
CONFIRM, DECLINE = "confirm:", "decline:"
HELD_FOR = timedelta(hours=24)


class Generation(msgspec.Struct, kw_only=True):
    """One answer of a model, or one use of another one (a transcription, a picture), with what it cost."""

    id: UUID = msgspec.field(default_factory=new_id)
    organisation_id: UUID
    agent_id: UUID
    turn_id: UUID | None = None
    conversation_id: UUID | None = None
    contact_id: UUID | None = None
    position: int = 0
    purpose: str = "answer"
    model: str
    prompt_tokens: int = 0
    response_tokens: int = 0
    cost: float | None = None
    paid_by: str
    response: Any = None
    duration_ms: float = 0.0
    fence: int | None = None  # of a step of a turn: see Scene.fence


class Ledger:
    """Writes generations down, those of one moment in one statement. `note` says whether this one was written: a step of a turn has one answer."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.note: Batcher[Generation, bool] = Batcher(self._note)

    async def _note(self, items: Sequence[Generation]) -> list[bool]:
        rows = msgspec.json.encode(items).decode()
        kept = await self.kit.db.fetch(queries.GENERATED, {"rows": rows, "now": self.kit.clock.now()})
        written = {row["id"] for row in kept}
        return [item.id in written for item in items]


@dataclass
class Journal:
    """What is on disk of this turn. `acted`: a call that can change something has been made."""

    run: Run
    ledger: Ledger
    answers: dict[int, Any] = field(default_factory=dict)
    calls: dict[tuple[int, str], Row] = field(default_factory=dict)
    acted: bool = False
    outside: bool = False

    @classmethod
    async def of(cls, run: Run, ledger: Ledger, *, unasked: bool = False) -> "Journal":
        """`unasked`: there may be calls although no model was asked."""
        journal = cls(run, ledger)
        if run.scene.new:
            return journal
        scope = {"organisation_id": run.organisation_id, "turn_id": run.turn.id}
        for row in await run.kit.db.fetch(queries.GENERATIONS, scope):
            journal.answers[row["position"]] = row["response"]
        if not journal.answers and not unasked:
            return journal
        for row in await run.kit.db.fetch(queries.CALLS, scope):
            journal.calls[row["position"], row["call_id"]] = row
            journal.acted |= row["acts"] and row["state"] in ("started", "done", "failed")
            journal.outside |= row["outside"]
        return journal

    async def said(self, generation: Generation) -> Any:
        """The answer that counts for this step: what is on disk. Who lost the turn for a moment may find that another was answered first.

        A call is known by the answer that asked for it. One that went out under an answer which nobody wrote down would be made again.
        """
        if not await self.ledger.note(generation):
            scope = {"organisation_id": self.run.organisation_id, "turn_id": self.run.turn.id}
            for row in await self.run.kit.db.fetch(queries.GENERATIONS, scope):
                if row["position"] == generation.position:
                    return row["response"]
        return generation.response

    async def made(self, tool: Tool, position: int, call_id: str, args: Json) -> Result:
        """Make a call, or hear what came of it when it was made before."""
        before = self.calls.get((position, call_id))
        if before is not None and before["state"] != "started":
            return result_of(before)
        if before is not None and tool.acts:
            return await self.lost(before["id"])
        call = Call(before["id"] if before else new_id(), f"{self.run.turn.id}-{position}-{call_id}"[:200], args)
        if before is None and not await self._write(tool, position, call_id, call.id, args, "started"):
            return Result(text=LOST, error=LOST)  # the turn is in other hands; what comes of this one is not recorded
        self.acted |= tool.acts
        return await self.run_call(tool, call)

    def was_made(self, position: int, call_id: str) -> bool:
        """Had this call left before the turn began again?"""
        before = self.calls.get((position, call_id))
        return before is not None and before["state"] in ("started", "done", "failed")

    async def lost(self, call_id: UUID) -> Result:
        """A call that can change something had left when the process died: nobody knows what it did."""
        result = Result(text=LOST, error=LOST)
        await self._ended(call_id, result, 0.0)
        return result

    async def run_call(self, tool: Tool, call: Call) -> Result:
        started = self.run.kit.clock.now()
        try:
            result = await tool.run(call)
        except Exception as error:  # a fault of ours in one tool must not take the answer away
            log.exception("a tool failed", tool=tool.name, agent_id=str(self.run.agent.id))
            result = Result(text="This did not work.", error=f"Dragoman could not make this call ({type(error).__name__}).")
        duration = (self.run.kit.clock.now() - started).total_seconds() * 1000
        self.outside |= result.outside
        await self._ended(call.id, result, duration)
        return result

    async def hold(self, tool: Tool, position: int, call_id: str, args: Json, asked: str) -> UUID:
        """Keep a call until somebody agrees to it; its id, by which the answer finds it."""
        before = self.calls.get((position, call_id))
        if before is not None:
            held_id: UUID = before["id"]
            return held_id
        new = new_id()
        await self._write(tool, position, call_id, new, args, "held", asked)
        return new

    async def refuse(self, name: str, position: int, call_id: str, args: Json, error: str) -> None:
        """Note a call that is not made: of a tool that does not exist, or with arguments that do not fit."""
        if (position, call_id) in self.calls:
            return
        new = new_id()
        tool = Tool(name=name[:128], description="", parameters={}, run=_never)
        await self._write(tool, position, call_id, new, args, "refused")
        await self._ended(new, Result(text=error, error=error), 0.0, "refused")

    async def _write(self, tool: Tool, position: int, call_id: str, new: UUID, args: Json, state: str, asked: str | None = None) -> bool:
        """False when the conversation is in other hands by now."""
        run = self.run
        values = {
            "organisation_id": run.organisation_id,
            "id": new,
            "turn_id": run.turn.id,
            "conversation_id": run.turn.conversation_id,
            "agent_id": run.agent.id,
            "contact_id": run.contact_id,
            "position": position,
            "call_id": call_id,
            "tool": tool.name,
            "type": tool.type,
            "capability_id": tool.capability_id,
            "args": Jsonb(args),
            "acts": tool.acts,
            "state": state,
            "asked": asked,
            "now": run.kit.clock.now(),
        }
        return await run.kit.db.execute(queries.START_CALL, {**values, "fence": run.scene.fence}) > 0

    async def _ended(self, call_id: UUID, result: Result, duration: float, state: str | None = None) -> None:
        values = {
            "organisation_id": self.run.organisation_id,
            "id": call_id,
            "state": state or ("failed" if result.error else "done"),
            "result": result.text.replace("\0", ""),
            "error": result.error.replace("\0", "")[:2000],
            "outside": result.outside,
            "effects": Jsonb(_Effects(result.contents, result.transfer)) if result.contents or result.transfer else None,
            "duration_ms": duration,
            "now": self.run.kit.clock.now(),
        }
        await self.run.kit.db.execute(queries.END_CALL, values)


async def _never(call: Call) -> Result:
    raise AssertionError("a refused call is not made")


class _Effects(msgspec.Struct):
    contents: list[Outgoing] = []
    transfer: Transfer | None = None


def result_of(row: Row) -> Result:
    """What came of a call that was made before, with all that it does to the turn."""
    if row["state"] == "held":
        return Result(text="This call waits for a confirmation.")
    effects = msgspec.convert(row["effects"] or {}, _Effects, strict=False)
    return Result(
        text=row["result"] or "", error=row["error"], outside=row["outside"], contents=effects.contents, transfer=effects.transfer
    )
