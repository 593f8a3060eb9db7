"""What a model may do: tools, the calls it makes of them, and what comes of a call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from dragoman.agents.turns import Transfer
from dragoman.whatsapp.content import Outgoing

Json = dict[str, Any]
ToolType = Literal["api", "mcp", "content_generation", "built_in", "web_search"]
# Who is asked before a call that can change something is made.
#   never     nobody
#   outside   the customer, when the turn has read what somebody else wrote (a page, a document, another tool's result)
#   customer  the customer, each time, by a button
#   person    somebody of the business
Confirm = Literal["never", "outside", "customer", "person"]

LONGEST_RESULT = 64 * 1024


class Call(NamedTuple):
    """One call as the model made it. `args` are checked against the tool's `parameters`.

    `key` is the same whenever this very call is made again (a turn that was begun twice): the `Idempotency-Key` of requests.
    """

    id: UUID
    key: str
    args: Json


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a call. `text` is what the model reads, at most `LONGEST_RESULT` characters of it.

    `error` is for the model and for people: one plain sentence, "" when all went well. `outside`: somebody else wrote the text, so it
    is data and never an instruction. `contents` are said to the customer before the answer (a picture that was made); words of the model's in
    them have gone through `linking`.
    `transfer` ends the turn and gives the thread away once everything is said.
    """

    text: str
    error: str = ""
    outside: bool = False
    contents: list[Outgoing] = []
    transfer: Transfer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """`parameters` is a JSON Schema of type object. `run` never raises for what the other side does wrong: that is a Result.

    `acts`: the call can change something outside this turn. It is made at most once, and ends the time in which a newer message of
    the customer replaces the draft.
    """

    name: str
    description: str
    parameters: Json
    run: Callable[[Call], Awaitable[Result]]
    type: ToolType = "built_in"
    capability_id: UUID | None = None
    acts: bool = False
    confirm: Confirm = "outside"
    question: Callable[[Json], str] | None = None  # what a confirmation asks, from the arguments
    credit_cost: int = 0


def failure(error: str, *, outside: bool = False) -> Result:
    return Result(text=f"This did not work: {error}", error=error, outside=outside)
