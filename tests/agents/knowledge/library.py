"""What the tests of the knowledge have in common: Lumen's library, and a small web."""

import asyncio

from aiohttp import web

from dragoman.agents.knowledge import documents
from dragoman.agents.knowledge.searching import search


class Library:
    embedder = None

    def open(self, shelves, organisation_id, base_id):
        self.shelves, self.organisation_id, self.base_id = shelves, organisation_id, base_id
        self.db, self.clock, self.objects = shelves.db, shelves.clock, shelves.objects

    def other(self, organisation_id, base_id):
        other = Library()
        other.open(self.shelves, organisation_id, base_id)
        return other

    async def embedder_for(self, organisation_id, base_id):
        return self.embedder

    async def add(self, data, name="Handbook", wait=True):
        data = data.encode() if isinstance(data, str) else data
        document = await documents.add_file(self.db, self.clock, self.objects, self.organisation_id, self.base_id, name, data)
        return await self.read(document) if wait else document

    async def add_url(self, url, **more):
        allow = self.shelves.guarded._allow
        return await self.read(await documents.add_url(self.db, self.clock, self.organisation_id, self.base_id, url, allow=allow, **more))

    async def add_faq(self, question, answer):
        return await self.read(await documents.add_faq(self.db, self.clock, self.organisation_id, self.base_id, question, answer))

    async def reindex(self, document):
        return await self.read(await documents.reindex(self.db, self.clock, self.organisation_id, document.id))

    async def read(self, document):
        """The document once its newest version was read, or could not be."""
        for _ in range(2000):
            document = await documents.get(self.db, self.organisation_id, document.id)
            if document.state in ("ready", "error"):
                return document
            await asyncio.sleep(0.02)
        raise AssertionError(f"still {document.state} after 40 s: {document.cause}")

    async def find(self, question, limit=6):
        embedding = (await self.embedder.embed([question]))[0] if self.embedder else None
        return await search(self.db, self.organisation_id, [self.base_id], question, embedding=embedding, limit=limit)

    async def best(self, question):
        found = await self.find(question, 1)
        return found[0] if found else None

    async def rows(self, query, **params):
        return await self.db.fetch(query, {"organisation_id": self.organisation_id, "base": self.base_id, **params})


class Web:
    """Sites on ports of their own. A page is text (HTML), bytes, a status, a response, or a function of the request."""

    def __init__(self):
        self.runners = []
        self.asked = []

    async def site(self, pages):
        async def handle(request):
            self.asked.append(request.path_qs)
            page = pages.get(request.path_qs, 404)
            return _response(page(request) if callable(page) else page)

        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.runners.append(runner)
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def close(self):
        for runner in self.runners:
            await runner.cleanup()


def _response(page):
    if isinstance(page, web.StreamResponse):
        return page
    if isinstance(page, int):
        return web.Response(status=page)
    if isinstance(page, bytes):
        return web.Response(body=page, content_type="application/octet-stream")
    return web.Response(text=page, content_type="text/plain" if page.startswith("User-agent") else "text/html")


def page(title, *paragraphs, links=()):
    """A page as websites have them: a menu, the text, a footer."""
    anchors = "".join(f'<li><a href="{link}">{link}</a></li>' for link in links)
    text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return (
        f"<!doctype html><html><head><title>{title}</title></head><body><nav><ul>{anchors}</ul></nav>"
        f"<main><article><h1>{title}</h1>{text}</article></main><footer>All rights reserved. Imprint. Privacy.</footer></body></html>"
    )
