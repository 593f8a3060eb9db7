"""Erasing a person, and the report of it: our addition."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from dragoman.api.v1.auth import Authenticated, Wired
from dragoman.api.v1.models import Shape
from dragoman.api.v1.paging import Page, Paged
from dragoman.api.v1.routing import router
from dragoman.conversations import erasing

routes = router("Contacts")


class Erasure(Shape):
    id: UUID
    contact_id: UUID = Field(description="By which it was asked for; it leads to nobody any more")
    erased: dict[str, int] = Field(description="Of what, how much", examples=[{"messages": 12, "files": 1, "memories": 2}])
    asked_at: datetime
    finished_at: datetime | None = Field(description="null while the files are still to be taken away, which takes a moment")

    @classmethod
    def of(cls, erasure: erasing.Erasure) -> "Erasure":
        return cls(
            id=erasure.id,
            contact_id=erasure.contact_id,
            erased=erasure.counts,
            asked_at=erasure.asked_at,
            finished_at=erasure.finished_at,
        )


@routes.post("/contacts/{contact_id}/erase/", status_code=202, summary="Erase a person")
async def erase_contact(contact_id: UUID, caller: Authenticated, services: Wired) -> Erasure:
    """Our addition. The person, all that was said, the files, what agents remember: none of it can be read once this answers, the files
    go a moment later. There is no way back. A STOP is kept as a hash; who writes again is somebody new. Asked again, the report of then.
    """
    return Erasure.of(await erasing.erase(services.db, services.vault, services.clock, caller.organisation_id, contact_id))


@routes.get("/erasures/", summary="List erasures")
async def list_erasures(caller: Authenticated, services: Wired, paged: Paged) -> Page[Erasure]:
    """Our addition: who was erased, by an id that leads to nobody, when, and how much there was. Newest first."""
    found = await erasing.listing(services.db, caller.organisation_id, paged.limit, paged.offset)
    return paged.page([Erasure.of(one) for one in found.items], found.total)


@routes.get("/erasures/{erasure_id}/", summary="Read the report of an erasure")
async def read_erasure(erasure_id: UUID, caller: Authenticated, services: Wired) -> Erasure:
    return Erasure.of(await erasing.read(services.db, caller.organisation_id, erasure_id))
