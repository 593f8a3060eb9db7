"""What the rooms above the store need to do their work, made once at start and passed down."""

from dataclasses import dataclass

from dragoman.accounts.secrets import Vault
from dragoman.agents.kit import Kit
from dragoman.agents.llm.journal import Ledger
from dragoman.clock import Clock
from dragoman.conversations.journal import Journal
from dragoman.http.guarded import Guarded
from dragoman.http.trusted import Trusted
from dragoman.settings import META_GRAPH_URL, Settings
from dragoman.store.database import Database
from dragoman.store.objects import Objects
from dragoman.whatsapp.client import Graph


@dataclass(frozen=True)
class Services:
    settings: Settings
    clock: Clock
    db: Database
    vault: Vault
    trusted: Trusted
    guarded: Guarded
    graph: Graph
    objects: Objects
    journal: Journal
    ledger: Ledger

    @property
    def kit(self) -> Kit:
        """What agents that run inside are given of all this."""
        return self.ledger.kit

    @classmethod
    def make(cls, settings: Settings, clock: Clock, db: Database, secret_key: str) -> "Services":
        """Wire the parts together; nothing is opened yet."""
        trusted = Trusted()
        graph_url = f"{settings.public_url}/sandbox/graph" if settings.sandbox else settings.graph_url or META_GRAPH_URL
        media_url = settings.media_url or (settings.data_dir.resolve() / "media").as_uri()
        vault, guarded, objects = Vault(secret_key), Guarded(list(settings.allow_private_urls)), Objects(media_url)
        kit = Kit(settings=settings, clock=clock, db=db, vault=vault, trusted=trusted, guarded=guarded, objects=objects)
        return cls(
            settings=settings,
            clock=clock,
            db=db,
            vault=vault,
            trusted=trusted,
            guarded=guarded,
            graph=Graph(trusted, graph_url, settings.graph_version),
            objects=objects,
            journal=Journal(db, clock),
            ledger=Ledger(kit),
        )

    async def open(self) -> None:
        await self.trusted.open()
        await self.guarded.open()

    async def close(self) -> None:
        await self.guarded.close()
        await self.trusted.close()
