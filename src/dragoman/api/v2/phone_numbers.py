"""The organisation's WhatsApp numbers, by the id that assistants and campaigns name them with."""

from pydantic import Field

from dragoman.accounts import numbers
from dragoman.agents import records
from dragoman.api.v2.auth import Authenticated, Wired
from dragoman.api.v2.envelope import Got
from dragoman.api.v2.models import Shape
from dragoman.api.v2.paging import Listed, Paged
from dragoman.api.v2.routing import router

routes = router("Phone numbers")


class PhoneNumber(Shape):
    id: str = Field(description="The number's id at WhatsApp: what `phone_number` of an assistant is")
    phone: str
    name: str
    assistant_id: str | None = Field(description="Who answers on it")


@routes.get("/_phone_numbers", summary="List phone numbers")
async def list_phone_numbers(caller: Authenticated, services: Wired, paged: Paged) -> Got[Listed[PhoneNumber]]:
    """Our addition. `dragoman numbers add` adds one."""
    found = await numbers.listing(services.db, caller.organisation_id)
    agents = await records.some(services.db, caller.organisation_id, {n.agent_id for n in found if n.agent_id})
    shown = [
        PhoneNumber(
            id=number.phone_number_id,
            phone=f"+{number.display_number}",
            name=number.name,
            assistant_id=str(agents[number.agent_id].number) if number.agent_id in agents else None,
        )
        for number in found[paged.offset : paged.offset + paged.limit]
    ]
    return paged.listed(shown, len(found))
