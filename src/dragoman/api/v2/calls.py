"""Telephone calls, which are not served here: the addresses are known, and say so."""

from typing import Annotated

from pydantic import Field

from dragoman.accounts import keys
from dragoman.api.dialect import refusals
from dragoman.api.v2.auth import Authenticated, Wired
from dragoman.api.v2.envelope import Failed, Got
from dragoman.api.v2.errors import NotServed
from dragoman.api.v2.models import Decimal, Input, Shape
from dragoman.api.v2.paging import Listed, Paged
from dragoman.api.v2.routing import router

MISSING = (
    "Dragoman serves WhatsApp conversations and has no telephone: for calls it lacks a voice channel (a SIP trunk or Twilio Voice, "
    "speech in and out). Nothing was done"
)
NOT_SERVED = refusals({501: "Calls are not served; the message says what is missing"}, Failed)
STARTS_PER_MINUTE, LISTS_PER_MINUTE = 10, 30

routes = router("Calls")


class CallInput(Input):
    version: Annotated[str, Field(pattern=r"^v[12]$")] = "v1"
    phone_number: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", description="E.164")]
    agent_id: Decimal
    customer_name: Annotated[str, Field(max_length=255)] = ""
    call_purpose: Annotated[str, Field(max_length=5000)] = ""


class Call(Shape):
    id: str
    customer_name: str
    status: str
    duration: int


@routes.post("/_call", summary="Start a call (not served)", responses=NOT_SERVED)
async def start_call(sent: CallInput, caller: Authenticated, services: Wired) -> Got[Call]:
    """Always 501. 10 a minute."""
    await keys.expect_few(services.db, services.clock, f"call:{caller.organisation_id}", STARTS_PER_MINUTE)
    raise NotServed(MISSING)


@routes.get("/_calls", summary="List calls (not served)", responses=NOT_SERVED)
async def list_calls(caller: Authenticated, services: Wired, paged: Paged) -> Got[Listed[Call]]:
    """Always 501. 30 a minute."""
    await keys.expect_few(services.db, services.clock, f"calls:{caller.organisation_id}", LISTS_PER_MINUTE)
    raise NotServed(MISSING)
