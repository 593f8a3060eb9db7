"""Agents that are not asked any more."""

from uuid import UUID

from dragoman.agents import records
from dragoman.cli.doctor.finding import Finding, wrong
from dragoman.store.database import Database


async def switched_off(db: Database, organisations: list[UUID]) -> list[Finding]:
    """One line for each webhook that is switched off; nothing when none is."""
    return [
        wrong("agents", name, f"its webhook was {why}", f'mend it, then PATCH /api/v1/agents/{agent_id}/ {{"byoa": {{"enabled": true}}}}')
        for agent_id, name, why in await records.switched_off(db, organisations)
    ]
