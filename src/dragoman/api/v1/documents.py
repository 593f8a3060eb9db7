"""What a native agent knows: files, pages on the web, texts, questions with their answers."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import Field, model_validator
from starlette.datastructures import UploadFile

from dragoman.agents import records
from dragoman.agents.knowledge import bases, documents
from dragoman.agents.knowledge.documents import Document
from dragoman.api.body import read_body
from dragoman.api.v1.auth import Authenticated, Wired
from dragoman.api.v1.models import Input, Shape
from dragoman.api.v1.paging import Page, Paged
from dragoman.api.v1.routing import router
from dragoman.conversations.services import Services
from dragoman.errors import Invalid

routes = router("Knowledge")
uploads = router("Knowledge", form=True)

FRAME = 64 * 1024  # what a form adds to its file


class FaqPair(Input):
    question: Annotated[str, Field(min_length=1, max_length=documents.LONGEST_QUESTION)]
    answer: Annotated[str, Field(min_length=1, max_length=documents.LONGEST_ANSWER)]


class DocumentInput(Input):
    """One of `url`, `text` and `faqs`. A file goes to `files/`."""

    name: Annotated[str, Field(max_length=255)] = ""
    url: Annotated[str | None, Field(max_length=2000, description="A page; with `depth`, the pages of its host that it leads to")] = None
    depth: Annotated[int, Field(ge=0, le=documents.DEEPEST, strict=True)] = 0
    text: Annotated[str | None, Field(max_length=documents.LONGEST_PAGE, description="Plain text or Markdown")] = None
    faqs: Annotated[list[FaqPair] | None, Field(min_length=1, max_length=500)] = None

    @model_validator(mode="after")
    def _one(self) -> "DocumentInput":
        if sum(part is not None for part in (self.url, self.text, self.faqs)) != 1:
            raise ValueError("send one of url, text and faqs; a file goes to files/")
        return self


class StoredFile(Shape):
    name: str
    path: str
    size: int
    url: str = Field(description="Empty: what an agent knows is not given out")


class KnownDocument(Shape):
    """`status` error says why in `cause`; ready may, too: what is missing although it can be used."""

    id: UUID
    name: str
    kind: Literal["file", "url", "faq", "page"]
    status: Literal["pending", "processing", "ready", "error"]
    cause: str | None
    url: str | None
    file: StoredFile
    passages: int
    created_at: datetime
    updated_at: datetime
    indexed_at: datetime | None


def shown(document: Document) -> KnownDocument:
    file = StoredFile(name=document.name, path=document.object_key or "", size=document.size, url="")
    return KnownDocument(
        id=document.id,
        name=document.name,
        kind=document.kind,
        status=document.state,
        cause=document.cause,
        url=document.url,
        file=file,
        passages=document.passages,
        created_at=document.created_at,
        updated_at=document.updated_at,
        indexed_at=document.indexed_at,
    )


async def _own(services: Services, organisation_id: UUID, agent_id: UUID) -> UUID:
    agent = await records.get(services.db, organisation_id, agent_id)
    return await bases.own(services.db, services.clock, organisation_id, agent.id)


async def _of(services: Services, organisation_id: UUID, agent_id: UUID, document_id: UUID) -> Document:
    """A document of this agent's own. Raises NotFound."""
    base_id = await _own(services, organisation_id, agent_id)
    return await documents.of_base(services.db, organisation_id, base_id, document_id)


@routes.post("/agents/{agent_id}/documents/", status_code=201, summary="Let an agent know something")
async def add_documents(agent_id: UUID, sent: DocumentInput, caller: Authenticated, services: Wired) -> list[KnownDocument]:
    """Our addition. It is read in a moment: `status` goes from pending to ready. Each question with its answer is a document of its own."""
    base_id = await _own(services, caller.organisation_id, agent_id)
    where = (services.db, services.clock)
    if sent.url is not None:
        allow = services.settings.allow_private_urls
        made = await documents.add_url(*where, caller.organisation_id, base_id, sent.url, depth=sent.depth, name=sent.name, allow=allow)
        return [shown(made)]
    if sent.text is not None:
        made = await documents.add_page(*where, services.objects, caller.organisation_id, base_id, sent.name or "Page", sent.text)
        return [shown(made)]
    pairs = enumerate(sent.faqs or [])
    return [
        shown(await documents.add_faq(*where, caller.organisation_id, base_id, faq.question, faq.answer, at=f"faqs[{n}]"))
        for n, faq in pairs
    ]


@uploads.post(
    "/agents/{agent_id}/files/",
    status_code=201,
    summary="Let an agent know a file",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
                }
            },
        }
    },
)
async def add_file(agent_id: UUID, request: Request, caller: Authenticated, services: Wired) -> list[KnownDocument]:
    """Our addition. PDF, DOCX, XLSX, PPTX, HTML, Markdown, text or CSV, at most 20 MB, as `file` of a form. What it is, its bytes say."""
    base_id = await _own(services, caller.organisation_id, agent_id)
    name, data = await _uploaded(request)
    made = await documents.add_file(services.db, services.clock, services.objects, caller.organisation_id, base_id, name, data)
    return [shown(made)]


async def _uploaded(request: Request) -> tuple[str, bytes]:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Invalid("send the file as multipart/form-data, in a part named file", field="file")
    request._body = await read_body(request, documents.LARGEST_FILE + FRAME)  # the form is read from what is here, not from the wire
    async with request.form(max_files=1, max_fields=4) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Invalid("file is missing; send it as a part named file", field="file")
        return file.filename or "File", await file.read()


@routes.get("/agents/{agent_id}/documents/", summary="List what an agent knows")
async def list_documents(
    agent_id: UUID,
    caller: Authenticated,
    services: Wired,
    paged: Paged,
    shared: Annotated[bool, Query(description="With what it reads in shared knowledge bases")] = False,
) -> Page[KnownDocument]:
    """Our addition. Oldest first."""
    own = await _own(services, caller.organisation_id, agent_id)
    read = await bases.of_agent(services.db, caller.organisation_id, agent_id) if shared else [own]
    found = await documents.listing(services.db, caller.organisation_id, read, limit=paged.limit, offset=paged.offset)
    return paged.page([shown(document) for document in found], await documents.count(services.db, caller.organisation_id, read))


@routes.get("/agents/{agent_id}/documents/{document_id}/", summary="Read a document's status")
async def read_document(agent_id: UUID, document_id: UUID, caller: Authenticated, services: Wired) -> KnownDocument:
    return shown(await _of(services, caller.organisation_id, agent_id, document_id))


@routes.delete("/agents/{agent_id}/documents/{document_id}/", status_code=204, response_class=Response, summary="Forget a document")
async def delete_document(agent_id: UUID, document_id: UUID, caller: Authenticated, services: Wired) -> None:
    document = await _of(services, caller.organisation_id, agent_id, document_id)
    await documents.delete(services.db, services.clock, caller.organisation_id, document.id)


@routes.post("/agents/{agent_id}/documents/{document_id}/reindex/", status_code=202, summary="Read a document again")
async def reindex_document(agent_id: UUID, document_id: UUID, caller: Authenticated, services: Wired) -> KnownDocument:
    """Until that is done, answers come from what was read before."""
    document = await _of(services, caller.organisation_id, agent_id, document_id)
    return shown(await documents.reindex(services.db, services.clock, caller.organisation_id, document.id))
