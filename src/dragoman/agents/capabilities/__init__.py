"""The registry: every kind of thing that a native agent can be given. To add one, write a file and put its line here."""

from typing import Any

from dragoman.agents.capabilities import api_tools, handoff, images, mcp, memory, support, triggers, wake_ups, website
from dragoman.agents.capability import Capability

REGISTRY: tuple[Capability[Any], ...] = (
    handoff.CAPABILITY,
    images.CAPABILITY,
    mcp.CAPABILITY,
    memory.CAPABILITY,
    support.CAPABILITY,
    api_tools.CAPABILITY,
    triggers.CAPABILITY,
    wake_ups.CAPABILITY,
    website.CAPABILITY,
)
