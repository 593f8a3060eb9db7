"""One turn of a native agent without a model: what its capabilities offer, and what comes of a call, on the real database."""

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.api.story import Story

from dragoman.accounts import organisations
from dragoman.agents import configured, records
from dragoman.agents.capability import Run
from dragoman.agents.kit import Kit
from dragoman.agents.tools import Call
from dragoman.agents.turns import Person, Said, Scene, Session, Turn
from dragoman.conversations.services import Services
from dragoman.ids import new_id
from dragoman.settings import Settings

SECRET_KEY = "a secret key for tests, of more than 32 characters"


@dataclass
class Bakery:
    """Bakery Lumen (or Rival) with its native agent, and Dana."""

    kit: Kit
    story: Story
    organisation_id: UUID
    agent: Any
    dana: UUID

    async def give(self, capability, *items, ids=None):
        """Configure the agent through the same door as the API; the items as a turn gets them."""
        sent = [(given, capability.parse(item)) for given, item in zip(ids or [None] * len(items), items, strict=True)]
        async with self.kit.db.transaction() as connection:
            await configured.replace(self.kit, connection, self.organisation_id, self.agent.id, capability, sent, capability.field)
        return (await configured.listing(self.kit, self.organisation_id, [self.agent.id], capability))[self.agent.id]

    def run(self, contact_id=None, text="Hello"):
        """A turn in which this contact has said one thing."""
        now = self.kit.clock.now()
        said = Said(id=new_id(), wamid=f"wamid.{new_id()}", at=now, content={"type": "text", "text": text}, files=[])
        turn = Turn(
            id=new_id(),
            agent_id=self.agent.id,
            conversation_id=new_id(),
            phone_number_id="106540352242922",
            business_number="15550001234",
            contact=Person(contact_id or self.dana, "Dana", "15550007890", None, None),
            said=[said],
            callback_url="",
            callback_until=now,
            window_until=None,
        )
        session = Session(id=new_id(), from_seq=1, opened_at=now)
        return Run(self.kit, self.agent, Scene(organisation_id=self.organisation_id, turn=turn, session=session, history=[]))


def call(args, key=None):
    return Call(id=new_id(), key=key or str(new_id()), args=args)


@asynccontextmanager
async def services_on(database, clock, folder, allow="127.0.0.0/8"):
    settings = Settings(data_dir=folder, public_url="https://dragoman.example", allow_private_urls=allow)
    services = Services.make(settings, clock, database, SECRET_KEY)
    await services.open()
    yield services
    await services.close()


async def bakery_on(kit, name="Bakery Lumen"):
    organisation_id = await organisations.create(kit.db, kit.clock, name)
    agent, _ = await records.create(kit.db, kit.vault, kit.clock, organisation_id, "Baker")
    story = Story(kit.db, kit.clock, organisation_id)
    return Bakery(kit, story, organisation_id, agent, await story.contact("Dana"))
