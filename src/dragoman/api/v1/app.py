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

from fastapi import FastAPI

from dragoman.api.reference.pages import pages
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
    errors,
    memory,
    model_providers,
    phone_numbers,
    relations,
    sessions,
    wakeups,
)
from dragoman.api.v1.edge import Edge
from dragoman.api.v1.openapi import operation_id, served_document
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
]


def build(services: Services) -> FastAPI:
    """The app to mount at /api/v1."""
    app = FastAPI(
        title="Dragoman API",
        version="1.0.0",
        description="API for WhatsApp AI agents.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
    )
    app.state.services = services
    for routes in ROUTERS:
        app.include_router(routes)
    app.include_router(pages("v1.html"))
    app.openapi = lambda: served_document(app, services.settings.public_url)  # type: ignore[method-assign]
    errors.add_to(app)
    app.add_middleware(Edge)
    return app
