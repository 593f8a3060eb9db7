"""Knowledge bases: named sets of files, addresses and questions with their answers, which assistants answer from."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Request
from pydantic import BeforeValidator, Field

from dragoman.accounts.callers import Caller
from dragoman.agents.knowledge import bases, documents
from dragoman.agents.knowledge.bases import Shelf
from dragoman.agents.knowledge.documents import Document
from dragoman.api.v2.auth import Authenticated, Wired
from dragoman.api.v2.envelope import Deleted, Got, Made, got, made
from dragoman.api.v2.knowledge_forms import FORM, Sources, read_form
from dragoman.api.v2.models import Input, Shape
from dragoman.api.v2.paging import Listed, Paged
from dragoman.api.v2.routing import router
from dragoman.conversations.services import Services
from dragoman.errors import NotFound

routes = router("Knowledge bases")
forms = router("Knowledge bases", form=True)

MOST_SHOWN = 100  # documents in one answer
Status = Literal["empty", "processing", "ready", "error"]


def _as_list(value: Any) -> Any:
    """One text, several with commas or on lines of their own, or a list of them."""
    if isinstance(value, str):
        return [part.strip() for part in value.replace("\n", ",").split(",") if part.strip()]
    return [] if value is None else value


Addresses = Annotated[
    list[Annotated[str, Field(max_length=2000)]],
    Field(max_length=100),
    BeforeValidator(_as_list, json_schema_input_type=str | list[str] | None),
]


class NewKnowledge(Input):
    name: Annotated[str, Field(min_length=1, max_length=255)]
    description: Annotated[str, Field(max_length=5000)] = ""
    urls: Annotated[Addresses, Field(description="Pages to read")] = Field(default_factory=list)
    files: Annotated[Addresses, Field(description="Addresses of files to read; files themselves are sent with the update")] = Field(
        default_factory=list
    )


class KnowledgeRef(Shape):
    id: UUID
    name: str


class Updated(KnowledgeRef):
    document_count: int


class KnownDocument(Shape):
    id: UUID
    name: str
    type: Literal["file", "url", "faq", "page"]
    status: Literal["pending", "processing", "ready", "error"]
    cause: str | None = Field(description="What went wrong, or what is missing although it is ready")
    url: str | None
    created_at: datetime

    @classmethod
    def of(cls, document: Document) -> "KnownDocument":
        return cls(
            id=document.id,
            name=document.name,
            type=document.kind,
            status=document.state,
            cause=document.cause,
            url=document.url,
            created_at=document.created_at,
        )


class Knowledge(Updated):
    description: str
    status: Status = Field(description="processing: something is still read; error: something could not be; else ready, or empty")
    created_at: datetime
    updated_at: datetime


class KnowledgeWhole(Knowledge):
    documents: list[KnownDocument] = Field(description=f"The first {MOST_SHOWN}; `documents` below this address lists all")


@routes.post("/_knowledge_base", status_code=201, summary="Create a knowledge base")
async def create_knowledge_base(new: NewKnowledge, caller: Authenticated, services: Wired) -> Made[KnowledgeRef]:
    base = await bases.create(services.db, services.clock, caller.organisation_id, new.name, new.description)
    for field, urls in (("urls", new.urls), ("files", new.files)):
        await _add_urls(services, caller, base.id, urls, field)
    return made(KnowledgeRef(id=base.id, name=base.name))


@routes.get("/_knowledge_base", summary="List knowledge bases")
async def list_knowledge_bases(caller: Authenticated, services: Wired, paged: Paged) -> Got[Listed[Knowledge]]:
    """Oldest first. What an agent of the other dialect knows for itself alone is not shown."""
    found = [base for base in await bases.listing(services.db, caller.organisation_id) if base.agent_id is None]
    shown = found[paged.offset : paged.offset + paged.limit]
    states = await bases.states(services.db, caller.organisation_id, [base.id for base in shown])
    return paged.listed([Knowledge(**_shown(base, states[base.id])) for base in shown], len(found))


@routes.get("/_knowledge_base/{kb_id}", summary="Read a knowledge base")
async def read_knowledge_base(kb_id: UUID, caller: Authenticated, services: Wired) -> Got[KnowledgeWhole]:
    base = await _find(services, caller, kb_id)
    states = await bases.states(services.db, caller.organisation_id, [kb_id])
    found = await documents.listing(services.db, caller.organisation_id, [kb_id], limit=MOST_SHOWN)
    return got(KnowledgeWhole(**_shown(base, states[kb_id]), documents=[KnownDocument.of(document) for document in found]))


@forms.put("/_knowledge_base/{kb_id}", summary="Add to a knowledge base, or rename it", openapi_extra={"requestBody": FORM})
async def update_knowledge_base(kb_id: UUID, request: Request, caller: Authenticated, services: Wired) -> Got[Updated]:
    """A form, or the same as JSON without files. What is sent is added to what is there. Files: PDF, DOCX, XLSX, PPTX, HTML, Markdown,
    text, CSV; what one is, its bytes say. It is read in a moment: see `status`."""
    await _find(services, caller, kb_id)
    sources = await read_form(request)
    if sources.name:
        await bases.rename(services.db, services.clock, caller.organisation_id, kb_id, sources.name)
    await _add(services, caller, kb_id, sources)
    base = await bases.get(services.db, caller.organisation_id, kb_id)
    return got(Updated(id=base.id, name=base.name, document_count=base.documents))


@routes.get("/_knowledge_base/{kb_id}/documents", summary="List what is in a knowledge base")
async def list_known_documents(kb_id: UUID, caller: Authenticated, services: Wired, paged: Paged) -> Got[Listed[KnownDocument]]:
    """Our addition. Oldest first."""
    base = await _find(services, caller, kb_id)
    found = await documents.listing(services.db, caller.organisation_id, [kb_id], limit=paged.limit, offset=paged.offset)
    return paged.listed([KnownDocument.of(document) for document in found], base.documents)


@routes.delete("/_knowledge_base/{kb_id}/documents/{document_id}", summary="Take something out of a knowledge base")
async def delete_known_document(kb_id: UUID, document_id: UUID, caller: Authenticated, services: Wired) -> Got[Deleted]:
    """Our addition."""
    await _find(services, caller, kb_id)
    document = await documents.of_base(services.db, caller.organisation_id, kb_id, document_id)
    await documents.delete(services.db, services.clock, caller.organisation_id, document.id)
    return got(Deleted(id=str(document_id)))


@routes.delete("/_knowledge_base/{kb_id}", summary="Delete a knowledge base")
async def delete_knowledge_base(kb_id: UUID, caller: Authenticated, services: Wired) -> Got[Deleted]:
    """With everything in it, for every assistant that answers from it."""
    await _find(services, caller, kb_id)
    async with services.db.transaction() as connection:
        await bases.delete(connection, services.db, services.clock, caller.organisation_id, kb_id)
    return got(Deleted(id=str(kb_id)))


async def _find(services: Services, caller: Caller, kb_id: UUID) -> Shelf:
    base = await bases.get(services.db, caller.organisation_id, kb_id)
    if base.agent_id is not None:
        raise NotFound("there is no such knowledge base")
    return base


async def _add(services: Services, caller: Caller, kb_id: UUID, sources: Sources) -> None:
    where = (services.db, services.clock)
    for n, (name, data) in enumerate(sources.files):
        await documents.add_file(*where, services.objects, caller.organisation_id, kb_id, name, data, at=f"files[{n}]")
    await _add_urls(services, caller, kb_id, sources.urls, "urls")
    for n, (question, answer) in enumerate(sources.faqs):
        await documents.add_faq(*where, caller.organisation_id, kb_id, question, answer, at=f"faqs[{n}]")


async def _add_urls(services: Services, caller: Caller, kb_id: UUID, urls: list[str], field: str) -> None:
    allow = services.settings.allow_private_urls
    for n, url in enumerate(urls):
        await documents.add_url(services.db, services.clock, caller.organisation_id, kb_id, url, allow=allow, at=f"{field}[{n}]")


def _shown(base: Shelf, states: set[str]) -> dict[str, Any]:
    status: Status = "empty"
    if states & {"pending", "processing"}:
        status = "processing"
    elif states:
        status = "error" if "error" in states else "ready"
    return {
        "id": base.id,
        "name": base.name,
        "description": base.description,
        "document_count": base.documents,
        "status": status,
        "created_at": base.created_at,
        "updated_at": base.updated_at,
    }
