"""A capability: one kind of thing that a native agent can be given, such as an API tool or a memory key.

Each kind is one file in `agents.capabilities`, which makes one `Capability`, and one line of the registry there. A kind says what
is configured (`schema`), and what an agent that has some of it is offered in a turn (`tools`) and told (`prompt`).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from dragoman.agents.kit import Kit
from dragoman.agents.records import Agent
from dragoman.agents.schema import Schema
from dragoman.agents.tools import Json, Tool
from dragoman.agents.turns import Said, Scene, Turn

Config = TypeVar("Config", bound=Schema)


class Configured(msgspec.Struct, Generic[Config], frozen=True):
    """One thing that an agent was given. `config` holds its secrets in clear; it never leaves the process like that."""

    id: UUID
    config: Config


@dataclass(frozen=True, slots=True)
class Run:
    """One turn of one native agent, as its capabilities see it. Who the customer is, and in whose name, is settled here: no tool
    takes an organisation, a contact or a conversation from the model."""

    kit: Kit
    agent: Agent
    scene: Scene

    @property
    def organisation_id(self) -> UUID:
        return self.scene.organisation_id

    @property
    def turn(self) -> Turn:
        return self.scene.turn

    @property
    def contact_id(self) -> UUID:
        return self.scene.turn.contact.id

    @property
    def question(self) -> str:
        """The customer's words of this turn, written or spoken, one message a line."""
        return "\n".join(text for said in self.scene.turn.said for text in (said.content.get("text"), *_spoken(said)) if text)


def _spoken(said: Said) -> list[str | None]:
    return [file.transcript for file in said.files if file.voice]


class Told(NamedTuple):
    """What a capability adds to the prompt; `outside`: there are words in it that somebody else may have written."""

    text: str
    outside: bool = False


async def _no_tools(run: Run, items: Sequence[Configured[Any]]) -> list[Tool]:
    return []


async def _no_prompt(run: Run, items: Sequence[Configured[Any]]) -> Told | None:
    return None


async def _all_right(kit: Kit, organisation_id: UUID, agent_id: UUID, config: Any, at: str) -> None:
    return None


def _no_secrets(config: Json) -> list[tuple[str | int, ...]]:
    return []


async def _nothing_more(kit: Kit, organisation_id: UUID, agent_id: UUID, item: Configured[Any]) -> Json:
    return {}


@dataclass(frozen=True, kw_only=True)
class Capability(Generic[Config]):
    """`field` is the list's name on the agent, in snake_case: "website_tools". Only active items reach `tools` and `prompt`.

    check    raises Invalid with `at` in front of the field ("tools[2].apiSchema.url") for what a schema cannot see, such as
             the id of an agent that does not exist
    secrets  the paths of secret texts in the stored JSON, as they are sent; shown masked and kept when a mask is sent back
    bound_to the host that the secrets are for: when it changes, a mask is refused and the secret must be sent again
    shown    read-only fields beside the configured ones, in camelCase
    """

    field: str
    schema: type[Config]
    tools: Callable[[Run, Sequence[Configured[Config]]], Awaitable[list[Tool]]] = _no_tools
    prompt: Callable[[Run, Sequence[Configured[Config]]], Awaitable[Told | None]] = _no_prompt
    check: Callable[[Kit, UUID, UUID, Config, str], Awaitable[None]] = _all_right
    secrets: Callable[[Json], list[tuple[str | int, ...]]] = _no_secrets
    bound_to: Callable[[Json], str] | None = None
    shown: Callable[[Kit, UUID, UUID, Configured[Config]], Awaitable[Json]] = _nothing_more
    read_only: tuple[str, ...] = ()  # camelCase names of `shown`, left out when they are sent back
    most: int = 50  # items one agent may have
    unique: str | None = None  # the field, in snake_case, that no two items of an agent share

    def parse(self, stored: Json) -> Config:
        return self.schema.model_validate(stored)
