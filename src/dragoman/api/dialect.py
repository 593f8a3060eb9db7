"""What the two dialects' apps and documents have in common."""

import re
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.routing import Match, Mount

from dragoman.api.reference.pages import pages
from dragoman.conversations.services import Services

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# FastAPI's own shapes for an answer that is never given.
UNUSED = ("HTTPValidationError", "ValidationError")
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of up to 255 printable ASCII characters. The same request with the same key is done once, and answered alike for 48 hours",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}


def refusals(words: Mapping[int | str, str], shape: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """What the routes of a router say of their answers that are no success.

    They name the shape, and `described` gives it once: FastAPI would make a validator of it for each answer of each route, for a
    quarter of the time that a server takes to start, and never use it.
    """
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape.__name__}"}}}
    return {status: {"description": text, "content": content} for status, text in words.items()}


def build(
    services: Services,
    routers: Iterable[APIRouter],
    document: Callable[[FastAPI], dict[str, Any]],
    about: str,
    **info: Any,
) -> FastAPI:
    """A dialect's app, to be mounted. `document` makes its OpenAPI document, once; `about` is the page that says what is common to it all."""
    app = FastAPI(**info, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.services = services
    app.state.in_words = {}
    for routes in (*routers, pages(about)):
        # As they are. FastAPI makes the routes of an included router a second time when the first request comes, and everything
        # else in this process waits for that: a quarter of a second.
        app.router.routes += routes.routes
        for route in routes.routes:
            if isinstance(route, APIRoute) and "{" not in route.path:
                app.state.in_words.setdefault(route.path, set()).update(route.methods)

    making = Lock()

    def served() -> dict[str, Any]:
        """Made when it is first asked for, which takes most of a second: to be called in a thread, beside which the others are served."""
        with making:
            if app.openapi_schema is None:
                app.openapi_schema = document(app)
            return app.openapi_schema

    app.openapi = served  # type: ignore[method-assign]
    return app


def mounted(path: str, app: FastAPI) -> Mount:
    """The app at its place, for every address below it: Starlette's own pattern ends at a line break, and what has one would be answered by nobody."""
    mount = Mount(path, app=app)
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount


def described(app: FastAPI, public_url: str, address: Callable[[str], str], refusal: type[BaseModel]) -> dict[str, Any]:
    """The document with full addresses, without what FastAPI adds by itself; a POST that is done once says so. `refusal` is as in `refusals`."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    document["servers"] = [{"url": public_url}]
    document["paths"] = {address(path): operations for path, operations in document["paths"].items()}
    for operation in once(document):
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
    schemas = document["components"]["schemas"]
    for name in UNUSED:
        schemas.pop(name, None)
    shape = refusal.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    schemas |= {**shape.pop("$defs", {}), refusal.__name__: shape}
    for schema in schemas.values():
        for part in schema.get("properties", {}).values():
            part.pop("title", None)  # "Systemprompt" for systemPrompt tells nobody anything
    return document


def once(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The operations that honour an `Idempotency-Key`: every POST of somebody who is known, but for forms."""
    posts = (operations["post"] for operations in document["paths"].values() if "post" in operations)
    return [one for one in posts if "security" in one and "multipart/form-data" not in one.get("requestBody", {}).get("content", {})]


def methods_of(request: Request) -> list[str]:
    """Every method of this address; the router itself names those of the first route that fits."""
    fitting = [m for m in METHODS if any(route.matches({**request.scope, "method": m})[0] is Match.FULL for route in request.app.routes)]
    # An address in words, such as `agents/byoa/`, is not that of a thing with this id.
    address = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    in_words = request.app.state.in_words.get(address, ())
    return [m for m in METHODS if m in in_words] or fitting
