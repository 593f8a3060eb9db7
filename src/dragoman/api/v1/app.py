"""The first dialect, `/api/v1/`: camelCase JSON, an API key in `X-API-Key`, every address ends in a slash.

How to add routes. Make a module with a router and put it into `ROUTERS` below:

    from dragoman.api.v1.auth import Authenticated, Wired
    from dragoman.api.v1.models import Input, Shape
    from dragoman.api.v1.paging import Page, Paged
    from dragoman.api.v1.routing import router

    routes = router("Conversations")

    class Thing(Shape):           # what we show: made by field_name, shown as fieldName
        first_name: str

    class NewThing(Input):        # what is sent: unknown fields are a 400
        first_name: str

    @routes.get("/things/")
    async def list_things(caller: Authenticated, services: Wired, paged: Paged) -> Page[Thing]:
        rows, total = await things.listing(services.db, caller.organisation_id, paged.limit, paged.offset)
        return paged.page([Thing(...) for row in rows], total)

    @routes.post("/things/", status_code=201)
    async def create_thing(new: NewThing, caller: Authenticated, services: Wired) -> Thing: ...

Every route made by `router()` refuses callers without a key before anything else, limits their rate, reads the body
strictly, and honours `Idempotency-Key` on POST: nothing to do for these in a route. Raise from `dragoman.errors`;
`errors.py` makes the answer. A UUID path parameter that is no UUID is a 404. Write the row of each new route into the table of
`tests/api/reach.py`; the tenancy test fails until it is there.
"""

from functools import partial

from fastapi import FastAPI

from dragoman.api import dialect
from dragoman.api.v1 import (
    additions,
    agents,
    api_keys,
    api_tools,
    confirmations,
    connectors,
    contacts,
    conversation_acts,
    conversations,
    documents,
    erasures,
    errors,
    memory,
    model_providers,
    phone_numbers,
    relations,
    sessions,
    wakeups,
)
from dragoman.api.v1.edge import Edge
from dragoman.api.v1.openapi import document
from dragoman.conversations.services import Services

ROUTERS = [
    agents.routes,
    api_tools.routes,
    api_keys.routes,
    phone_numbers.routes,
    conversations.routes,
    conversation_acts.routes,
    contacts.routes,
    connectors.routes,
    memory.routes,
    documents.routes,
    documents.uploads,
    model_providers.routes,
    wakeups.routes,
    confirmations.routes,
    sessions.routes,
    relations.routes,
    additions.routes,
    erasures.routes,
]


def build(services: Services) -> FastAPI:
    """The app to mount at /api/v1."""
    info = {"title": "Dragoman API", "version": "1.0.0", "description": "API for WhatsApp AI agents."}
    app = dialect.build(services, ROUTERS, partial(document, public_url=services.settings.public_url), "v1.html", **info)
    errors.add_to(app)
    app.add_middleware(Edge)
    return app
