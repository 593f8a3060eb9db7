"""The OpenAPI document of a dialect, and a page made from it that needs nothing from elsewhere."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from dragoman.api.reference.operations import sections

HERE = Path(__file__).parent / "page"
# Nothing but our own two files: the page works offline, and a text in the document can never become a script.
ONLY_OURS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

_templates = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
_templates.filters["code"] = lambda text: Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped first


def pages(about: str) -> APIRouter:
    """`openapi.json` and `docs/`; `about` is the file in `page/` that says what the whole dialect has in common."""
    routes = APIRouter(include_in_schema=False)

    # No coroutines: FastAPI runs them in a thread, because the document takes a while to be made.
    @routes.get("/openapi.json")
    def openapi(request: Request) -> JSONResponse:
        document: dict[str, Any] = request.app.openapi()
        return JSONResponse(document)

    @routes.get("/docs/")
    def page(request: Request) -> HTMLResponse:
        return HTMLResponse(_page(request.app, about), headers=ONLY_OURS)

    @routes.get("/docs/docs.css")
    async def style() -> FileResponse:
        return FileResponse(HERE / "docs.css", media_type="text/css", headers=ONLY_OURS)

    @routes.get("/docs/docs.js")
    async def script() -> FileResponse:
        return FileResponse(HERE / "docs.js", media_type="text/javascript", headers=ONLY_OURS)

    return routes


@lru_cache(maxsize=2)
def _page(app: FastAPI, about: str) -> str:
    document = app.openapi()
    return _templates.get_template("docs.html").render(document=document, sections=sections(document), about=about)
