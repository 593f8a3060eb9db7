"""SINGLEDATAEXTRACTION: one thing that the agent finds out about the customer, written to the customer's record if so wished."""

import re
from typing import Annotated, Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb
from pydantic import BeforeValidator, Field

from dragoman.agents.actions import queries
from dragoman.agents.actions.action import Action, ActionType, mandatory_words
from dragoman.agents.capability import Run
from dragoman.agents.kit import Kit
from dragoman.agents.schema import Flag, Form
from dragoman.agents.tools import Call, Json, Result, Tool, failure
from dragoman.errors import Invalid

LONGEST = 4000
# Who somebody is, is settled by WhatsApp and by the business, never by what is said in a chat.
_NOT_WRITTEN = frozenset(["id", "phone", "tags", "created_at", "updated_at"])
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,62}")
_FORMS: dict[str, Json] = {
    "yes/no": {"type": "string", "enum": ["yes", "no"]},
    "boolean": {"type": "boolean"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "date": {"type": "string", "description": "A date, YYYY-MM-DD", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
}


class Block(Form):
    mandatory: Flag = False
    name: Annotated[str, Field(max_length=255)] = ""
    description: Annotated[str, Field(max_length=10_000, description="What to find out")] = ""
    type: Annotated[str, Field(max_length=64, description="Form of the answer: yes/no, number, integer, boolean, date, or text")] = "text"
    sync_data: Flag = False
    sync_module: Annotated[Literal["customers"], BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)] = (
        "customers"
    )
    sync_field: Annotated[str, Field(max_length=63, description="Column of the customer")] = ""


class Extraction(Form):
    webhook: Block


async def _tools(run: Run, action: Action, name: str) -> list[Tool]:
    block: Block = action.config.webhook

    async def note(call: Call) -> Result:
        return await _note(run, block, call.args["value"])

    about = " ".join(filter(None, [action.description, block.description])) or f"Note the customer's {block.name or action.name}."
    value = _FORMS.get(block.type.lower(), {"type": "string", "maxLength": LONGEST})
    return [
        Tool(
            name=name,
            description=about + mandatory_words(block.mandatory),
            parameters={"type": "object", "properties": {"value": value}, "required": ["value"], "additionalProperties": False},
            run=note,
            capability_id=action.id,
            # As with memory: only our own record of this very customer changes, and a second call changes nothing more.
            acts=False,
            confirm="never",
        )
    ]


async def _note(run: Run, block: Block, value: Any) -> Result:
    if not block.sync_data or not block.sync_field:
        return Result(text="Noted.")
    params: Json = {"organisation_id": run.organisation_id, "contact_id": run.contact_id, "now": run.kit.clock.now()}
    statement = {"name": queries.WRITE_NAME, "email": queries.WRITE_EMAIL}.get(block.sync_field)
    if statement:
        row = await run.kit.db.fetch_one(statement, {**params, "value": str(value)[:255]})
    else:
        row = await run.kit.db.fetch_one(queries.WRITE_COLUMN, {**params, "column": block.sync_field, "value": Jsonb(value)})
    return Result(text="Noted in the customer's record.") if row else failure("this customer has no record any more")


async def _check(kit: Kit, organisation_id: UUID, config: Extraction) -> None:
    block = config.webhook
    if block.sync_data and (not _COLUMN.fullmatch(block.sync_field) or block.sync_field in _NOT_WRITTEN):
        why = "with sync_data it names a column of the customer that may be written: small letters, digits and _, such as customer_timezone"
        raise Invalid(f"webhook.sync_field: {why}", field="webhook.sync_field")


TYPE = ActionType(name="SINGLEDATAEXTRACTION", schema=Extraction, tools=_tools, check=_check, description_required=False)
