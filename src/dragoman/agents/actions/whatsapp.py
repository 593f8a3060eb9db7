"""SEND_WHATSAPP: a template to the customer of the conversation, or to a number that the business has set."""

from typing import Annotated
from uuid import UUID

import msgspec
from pydantic import Field

from dragoman.accounts import numbers
from dragoman.agents.actions import values
from dragoman.agents.actions.action import Action, ActionType, mandatory_words
from dragoman.agents.capability import Run
from dragoman.agents.kit import Kit
from dragoman.agents.linking import Strict
from dragoman.agents.schema import Flag, Form
from dragoman.agents.tools import Call, Result, Tool, failure
from dragoman.errors import Invalid
from dragoman.store import jobs
from dragoman.whatsapp import filling, limits
from dragoman.whatsapp.content import Template

SEND = "whatsapp.send"  # a task of `conversations.elsewhere`
CUSTOMER = ("customer", values.PHONE)

Value = Annotated[str, Field(min_length=1, max_length=limits.TEMPLATE_PARAMETER)]
Params = Annotated[list[Value], Field(max_length=20)]


class Block(Form):
    to: Annotated[str, Field(description=f"Digits with country code, or {' or '.join(CUSTOMER)} for whoever is in the conversation")]
    from_: Annotated[str, Field(alias="from", pattern=r"^[0-9]{5,20}$", description="Id of your WhatsApp number")]
    template_name: Annotated[str, Field(min_length=1, max_length=512)]
    body_params: Params = Field(default_factory=list)
    header_params: Params = Field(default_factory=list)
    button_params: Params = Field(default_factory=list)
    language_code: Annotated[str, Field(min_length=2, max_length=15)] = "en"
    mandatory: Flag = False


class SendWhatsApp(Form):
    phone_number: Annotated[
        str | None, Field(pattern=r"^[0-9]{5,20}$", description="Id of the number that writes, before webhook.from")
    ] = None
    webhook: Block


async def _tools(run: Run, action: Action, name: str) -> list[Tool]:
    block: Block = action.config.webhook
    sender = action.config.phone_number or block.from_
    wanted = values.places([*block.header_params, *block.body_params, *block.button_params])

    async def send(call: Call) -> Result:
        template = _template(run, block, values.given(wanted, call.args))
        if block.to in CUSTOMER and sender == run.turn.phone_number_id:
            return Result(text="The message goes out with your answer.", contents=[template])
        to = run.turn.contact.phone if block.to in CUSTOMER else block.to
        if not to:
            return failure("this customer hides the phone number, so another number cannot write to him")
        await _send_later(run, call, to.lstrip("+"), sender, template)
        return Result(text="The message is on its way.")

    return [
        Tool(
            name=name,
            description=action.description + mandatory_words(block.mandatory),
            parameters=values.parameters(wanted, "%s, for the message"),
            run=send,
            capability_id=action.id,
            acts=True,
        )
    ]


def _template(run: Run, block: Block, found: dict[str, str]) -> Template:
    """With a model's values in it each text is looked through as a whole; without any it is the business's own."""
    strict = Strict(run.agent.options.link_domains if found else None)
    parts = {"header": block.header_params, "body": block.body_params, "buttons": block.button_params}
    texts = {
        part: [strict.text(values.filled(text, found, run)[: limits.TEMPLATE_PARAMETER], limits.TEMPLATE_PARAMETER) for text in given]
        for part, given in parts.items()
        if given
    }
    return filling.fill(block.template_name, block.language_code, texts, dict(texts))


async def _send_later(run: Run, call: Call, to: str, sender: str, template: Template) -> None:
    """Into another conversation, which is another unit of work: a job opens it and says the template there, once for each call."""
    said = msgspec.json.encode(template).decode()
    organisation, key = str(run.organisation_id), str(call.id)
    async with run.kit.db.transaction() as connection:
        await jobs.defer(connection, SEND, organisation_id=organisation, key=key, to=to, sender=sender, template=said)


async def _check(kit: Kit, organisation_id: UUID, config: SendWhatsApp) -> None:
    block = config.webhook
    if block.to not in CUSTOMER and not (block.to.lstrip("+").isdecimal() and 7 <= len(block.to.lstrip("+")) <= 15):
        raise Invalid(
            f"webhook.to: give the digits of a phone number, or {CUSTOMER[0]!r} for whoever is in the conversation", field="webhook.to"
        )
    field, sender = ("phone_number", config.phone_number) if config.phone_number else ("webhook.from", block.from_)
    if sender not in {number.phone_number_id for number in await numbers.listing(kit.db, organisation_id)}:
        raise Invalid(f"{field}: you have no WhatsApp number with the id {sender}", field=field)


TYPE = ActionType(name="SEND_WHATSAPP", schema=SendWhatsApp, tools=_tools, check=_check)
