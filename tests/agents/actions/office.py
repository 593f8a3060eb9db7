"""An office of Bakery Lumen's whose calendars an action books in, without a model, on the real database.

It is Monday, 30 November 2026, eight in the morning in Berlin; the office is open from Monday to Friday, 09:00 to 17:00.
"""

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from calendars import ANNA, calendars_of
from tests.agents.one_turn import bakery_on, call, services_on

from dragoman.agents import integrations
from dragoman.agents.actions import TYPES, records
from dragoman.agents.actions.action import Action
from dragoman.agents.actions.records import NewAction

BERLIN = ZoneInfo("Europe/Berlin")
TUESDAY = "2026-12-01T10:00"


def at(text):
    """A time in Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def set_to(clock, text):
    clock.offset = at(text) - datetime.now(UTC)


@dataclass
class Office:
    lumen: Any
    calendars: Any
    action: Action

    async def configure(self, **block):
        wanted = {"email": ANNA, "type": self.calendars.kind, "timezone": "Europe/Berlin", **block}
        config = TYPES["APPOINTMENT"].schema.model_validate({"webhook": wanted})
        new = NewAction(
            name="Tasting", description="When they want to taste.", type="APPOINTMENT", timing="DURING", is_active=True, config=config
        )
        self.action = await records.put(self.lumen.kit, self.lumen.organisation_id, new)

    async def tools(self, run=None):
        return await TYPES["APPOINTMENT"].tools(run or self.lumen.run(), self.action, "tasting")

    async def book(self, start=TUESDAY, key=None, run=None, name="Dana", **args):
        [tool, _] = await self.tools(run)
        return await tool.run(call({"start": start, "customer_name": name, **args}, key))

    async def look(self, **args):
        [_, tool] = await self.tools()
        return await tool.run(call(args))

    async def visit(self, phone=15550004711):
        """A turn of somebody else: Zoë, or whoever has this number."""
        return self.lumen.run(await self.lumen.story.contact("Zoë", phone=str(phone)))

    async def rows(self):
        return await self.lumen.kit.db.fetch("select * from appointments order by created_at")


@asynccontextmanager
async def office_of(kind, database, clock, folder):
    set_to(clock, "2026-11-30T08:00")
    async with services_on(database, clock, folder) as services, calendars_of(kind) as calendars:
        lumen = await bakery_on(services.kit)
        settings = integrations.SCHEMAS[kind].model_validate(calendars.settings)
        await integrations.add(services.kit, lumen.organisation_id, kind, "Office", settings)
        office = Office(lumen, calendars, None)
        await office.configure()
        yield office
