"""The checker is worth something: each bug that is put into the product on purpose is found by it."""

import asyncio

from tests.crash import places
from tests.crash.native_scenarios import SCENARIOS
from tests.crash.planted import PLANTED
from tests.crash.scenarios import MainJob


class NoStatuses(MainJob):
    """WhatsApp takes messages and never says what became of them."""

    name = "no statuses"

    async def furnish(self, place):
        await super().furnish(place)
        for status in ("sent", "delivered"):
            await place.lumen.fault(on="webhook", action="drop", status=status)


BY_NAME = {make.name: make for make in [*SCENARIOS, NoStatuses]}


async def test_every_planted_bug_is_found(stage, monkeypatch):
    monkeypatch.setattr(places, "SETTLES", 12.0)  # much of this never comes to rest
    results = await asyncio.gather(*(stage.run(BY_NAME[bug.scenario](), bug.point, bug=name) for name, bug in PLANTED.items()))
    missed = {
        name: [*result.violations, f"died there: {result.reached}", result.log]
        for (name, bug), result in zip(PLANTED.items(), results, strict=True)
        if not any(violation.startswith(bug.hurts) for violation in result.violations)
    }
    assert missed == {}
