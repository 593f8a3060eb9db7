"""The second dialect, `/v2/`: snake_case JSON in an envelope, a bearer token, addresses with and without underscores.

How to add routes. Make a module with a router and put it into `ROUTERS` below (and its tag into `routing.Route.resources`, from
which its permission is made):

    from dragoman.api.v2.auth import Authenticated, Wired
    from dragoman.api.v2.envelope import Got, Made, got, made
    from dragoman.api.v2.models import Input, Shape
    from dragoman.api.v2.paging import Listed, Paged
    from dragoman.api.v2.routing import router

    routes = router("Customers")

    class Thing(Shape):           # what we show
        first_name: str

    class NewThing(Input):        # what is sent: unknown fields are a 400
        first_name: str

    @routes.get("/_things")
    async def list_things(caller: Authenticated, services: Wired, paged: Paged) -> Got[Listed[Thing]]:
        rows, total = await things.listing(services.db, caller.organisation_id, paged.limit, paged.offset)
        return paged.listed([Thing(...) for row in rows], total)

    @routes.post("/_things", status_code=201)
    async def create_thing(new: NewThing, caller: Authenticated, services: Wired) -> Made[Thing]:
        return made(Thing(...))

Every route made by `router()` refuses callers without a token or the permission before anything else, limits their rate, reads the
body strictly, and honours `Idempotency-Key` on POST: nothing to do for these in a route. Raise from `dragoman.errors`, with the
field's whole path; `errors.py` makes the answer. Addresses are written as in the reference of the other service, without a last
slash; `edge.py` knows their other spellings. Write the row of each new route into the table of `tests/api/v2/reach.py`.
"""

from functools import partial

from fastapi import FastAPI
from fastapi.routing import APIRoute

from dragoman.api import dialect
from dragoman.api.v2 import (
    actions,
    api_keys,
    assistants,
    calls,
    campaigns,
    customers,
    errors,
    integrations,
    knowledge_bases,
    login,
    phone_numbers,
    token_activity,
)
from dragoman.api.v2.edge import Edge
from dragoman.api.v2.openapi import document
from dragoman.conversations.services import Services

ROUTERS = [
    assistants.routes,
    actions.routes,
    knowledge_bases.routes,
    knowledge_bases.forms,
    customers.routes,
    campaigns.lists,
    campaigns.routes,
    calls.routes,
    api_keys.routes,
    token_activity.routes,
    integrations.routes,
    phone_numbers.routes,
]
# The first word of every address.
WORDS = sorted(
    {str(route.path).split("/")[1] for routes in [*ROUTERS, login.routes] for route in routes.routes if isinstance(route, APIRoute)}
)


def build(services: Services) -> FastAPI:
    """The app to mount at /v2."""
    info = {"title": "Dragoman API v2", "version": "2.0.0", "description": "Assistants on WhatsApp, as ContactSwing's clients know them."}
    app = dialect.build(services, [*ROUTERS, login.routes], partial(document, public_url=services.settings.public_url), "v2.html", **info)
    errors.add_to(app)
    app.add_middleware(Edge, words=WORDS)
    return app
