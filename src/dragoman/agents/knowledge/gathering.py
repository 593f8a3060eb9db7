"""The pieces of a document, wherever they come from: a stored file, pages on the web, a question and its answer."""

import asyncio
import hashlib
from typing import NamedTuple
from uuid import UUID

from dragoman.agents.knowledge import crawling, reading
from dragoman.agents.knowledge.chunking import Piece, chunk, clean
from dragoman.agents.knowledge.shelves import Shelves
from dragoman.agents.knowledge.text import Told, Unfit
from dragoman.errors import NotFound
from dragoman.store.database import Row

NO_TEXT = "There is no text in it."


class Gathered(NamedTuple):
    """`name` is a better one than the document has, or None; `note`, what somebody should know although all went well."""

    pieces: list[Piece]
    size: int
    mime_type: str | None = None
    sha256: str | None = None
    name: str | None = None
    note: str = ""


async def gather(shelves: Shelves, organisation_id: UUID, document: Row) -> Gathered:
    """Raises Unfit, Later, Unavailable."""
    match document["kind"]:
        case "url":
            gathered = await _site(shelves, document)
        case "faq":
            gathered = _faq(document)
        case _:
            gathered = await _file(shelves, document)
    if not gathered.pieces:
        raise Unfit(NO_TEXT)
    return gathered


async def _file(shelves: Shelves, document: Row) -> Gathered:
    told = Told(name=document["name"])
    try:
        text = await reading.read(shelves.children, shelves.objects.stream(document["object_key"]), told)
    except NotFound:
        raise Unfit("The file is not kept any more. Add it again.") from None
    note = "It is longer than is taken; the end of it is missing." if text.cut else ""
    pieces = await asyncio.to_thread(lambda: list(chunk(text.title, text.blocks)))
    return Gathered(pieces, document["size"], text.mime_type, note=note)


async def _site(shelves: Shelves, document: Row) -> Gathered:
    settings = document["settings"]
    site = await crawling.crawl(shelves.guarded, shelves.clock, shelves.children, document["url"], settings.get("depth", 0))
    pieces = await asyncio.to_thread(_pieces, site)
    first = site.pages[0]
    name = clean(first.text.title)[:255] if "named" in settings else ""
    sha256 = hashlib.sha256("".join(piece.text for piece in pieces).encode()).hexdigest()
    return Gathered(pieces, site.size, first.text.mime_type, sha256, name or None, site.note)


def _pieces(site: crawling.Site) -> list[Piece]:
    return [piece for page in site.pages for piece in chunk(page.text.title, page.text.blocks, page.url)]


def _faq(document: Row) -> Gathered:
    settings = document["settings"]
    return Gathered([Piece(settings["question"], settings["answer"])], len((settings["question"] + settings["answer"]).encode()))
