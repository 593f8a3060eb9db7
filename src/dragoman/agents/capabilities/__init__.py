"""The registry: every kind of thing that a native agent can be given. To add one, write a file and put its line here."""

from typing import Any

from dragoman.agents.capabilities import handoff, images, support, website
from dragoman.agents.capability import Capability

REGISTRY: tuple[Capability[Any], ...] = (
    handoff.CAPABILITY,
    images.CAPABILITY,
    support.CAPABILITY,
    website.CAPABILITY,
)
