"""What only a telephone call can do. Kept as it was sent, so that nothing is lost to whoever brings it; no agent on WhatsApp is offered it."""

from typing import Annotated

from pydantic import Field

from dragoman.agents.actions.action import ActionType
from dragoman.agents.schema import Flag, Form

Digits = Annotated[str, Field(pattern=r"^\+?[0-9]{5,20}$")]


class TransferBlock(Form):
    extension_enabled: Flag = False


class CallTransfer(Form):
    phone_number: Digits
    webhook: TransferBlock = TransferBlock()
    speech: Annotated[str, Field(max_length=5000)] = ""
    run_before_call: Annotated[bool, Field(strict=True, alias="runBeforeCall")] = False


class DtmfBlock(Form):
    mandatory: Flag = False
    description: Annotated[str, Field(max_length=10_000)] = ""


class Dtmf(Form):
    webhook: DtmfBlock


class AircallBlock(Form):
    from_: Annotated[int, Field(alias="from")]
    to: int
    mandatory: Flag = False


class Aircall(Form):
    webhook: AircallBlock
    tags: Annotated[list[Annotated[str, Field(max_length=255)]], Field(max_length=100)] = Field(default_factory=list)


CALL_TRANSFER = ActionType(name="CALL_TRANSFER", schema=CallTransfer, voice=True)
DTMF = ActionType(name="DTMF_ACTION", schema=Dtmf, voice=True)
AIRCALL = ActionType(name="AIRCALL", schema=Aircall, voice=True, description_required=False)
