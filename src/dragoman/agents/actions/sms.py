"""SEND_SMS: a text message through Twilio, or a service with its API, to numbers that the business has set."""

import base64
import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from pydantic import BeforeValidator, Field

from dragoman.agents import integrations
from dragoman.agents.actions import recipients, values
from dragoman.agents.actions.action import Action, ActionType, asked
from dragoman.agents.actions.mail import Asking
from dragoman.agents.capability import Run
from dragoman.agents.kit import Kit
from dragoman.agents.schema import Form
from dragoman.agents.tools import Call, Result, Tool, failure
from dragoman.errors import Invalid
from dragoman.http.answers import NoAnswer, Refused

LONGEST = 1600  # Twilio: a message of more characters is refused
SECONDS = 15.0

Numbers = Annotated[list[str], Field(max_length=recipients.MOST), BeforeValidator(recipients.listed)]
Number = Annotated[str, Field(pattern=r"^\+?[0-9]{3,15}$")]


def _value(sent: Any) -> Any:
    return {"value": sent} if isinstance(sent, str | list) else sent


class To(Form):
    value: Annotated[Numbers, Field(min_length=1, description="E.164, or `customer`")]


class Body(Form):
    value: Annotated[str, Field(max_length=LONGEST)] = ""


class Block(Form):
    to: Annotated[To, BeforeValidator(_value)]
    provider: Annotated[Literal["TWILIO"], BeforeValidator(lambda sent: sent.upper() if isinstance(sent, str) else sent)] = "TWILIO"
    from_: Annotated[Number | None, Field(alias="from", description="Left out, the sender of the integration")] = None
    cc: Numbers = Field(default_factory=list)
    body: Annotated[Body, BeforeValidator(_value)] = Body()
    response_message_context: Annotated[str, Field(max_length=10_000, description="What to say once it went out")] = ""


class SendSms(Form):
    webhook: Asking = Asking()
    sms: Block


async def _tools(run: Run, action: Action, name: str) -> list[Tool]:
    block: Block = action.config.sms
    wanted = values.places([block.body.value])

    async def send(call: Call) -> Result:
        text = values.filled(block.body.value, values.given(wanted, call.args), run) or str(call.args.get("text", ""))
        return await _send(run, block, text[:LONGEST])

    parameters = values.parameters(wanted, "%s, for the text message")
    if not block.body.value:
        parameters["properties"]["text"] = {"type": "string", "minLength": 1, "maxLength": LONGEST, "description": "What the message says"}
        parameters["required"].append("text")
    return [
        Tool(
            name=name,
            description=action.description,
            parameters=parameters,
            run=send,
            capability_id=action.id,
            acts=True,
            confirm=asked(action.config.webhook.mandatory),
        )
    ]


async def _send(run: Run, block: Block, text: str) -> Result:
    account = await integrations.find(run.kit, run.organisation_id, "twilio")
    if account is None:
        return failure("the business has no service for text messages connected")
    sender = block.from_ or account.config.sender
    to = recipients.phones(run, [*block.to.value, *block.cc])
    if not sender or not to:
        return failure("it is not set from which number to send" if to else "this customer hides the phone number")
    outcomes = [await _one(run, account.config, sender, number, text) for number in to]
    if all(outcomes):
        return failure(outcomes[0])
    return Result(text=f"{_told(to, outcomes)} {block.response_message_context}".strip())


def _told(to: Sequence[str], outcomes: Sequence[str]) -> str:
    """To whom it went, by the ends of the numbers: the customer need not learn the rest."""
    if not any(outcomes):
        return "The message was sent."
    went = ", ".join(f"…{number[-4:]}" for number, problem in zip(to, outcomes, strict=True) if not problem)
    missed = " ".join(f"Not to …{number[-4:]}: {problem}" for number, problem in zip(to, outcomes, strict=True) if problem)
    return f"The message went to {went}. {missed}"


async def _one(run: Run, account: integrations.Twilio, sender: str, to: str, text: str) -> str:
    """Send one; what went wrong, in a sentence."""
    url = f"{account.base_url.rstrip('/')}/2010-04-01/Accounts/{account.account_sid}/Messages.json"
    credentials = base64.b64encode(f"{account.account_sid}:{account.auth_token}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    body = urlencode({"From": sender, "To": to, "Body": text}).encode()
    try:
        answer = await run.kit.guarded.request("POST", url, headers=headers, body=body, timeout=SECONDS)
    except Refused as refused:
        return f"The message was not sent: {refused.reason}"
    except NoAnswer as nothing:
        return f"{nothing.reason}" + (" Nobody knows whether the message was sent." if nothing.body_sent else "")
    if answer.status in (200, 201):
        return ""
    return f"The service for text messages refused it with status {answer.status}{_code(answer.body)}."


def _code(body: bytes) -> str:
    """Twilio's number for the error, which its documentation explains."""
    try:
        code = json.loads(body).get("code")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return f" (code {code})" if isinstance(code, int) else ""


async def _check(kit: Kit, organisation_id: UUID, config: SendSms) -> None:
    recipients.check_number({"sms.to.value": config.sms.to.value, "sms.cc": config.sms.cc})
    recipients.check_phones(config.sms.to.value, "sms.to.value")
    recipients.check_phones(config.sms.cc, "sms.cc")
    if not config.sms.to.value:
        raise Invalid("sms.to.value: give at least one number, or customer", field="sms.to.value")


TYPE = ActionType(name="SEND_SMS", schema=SendSms, tools=_tools, check=_check)
