"""The OpenAPI document, and a page made from it that needs nothing from elsewhere."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

routes = APIRouter(include_in_schema=False)


@routes.get("/openapi.json")
async def openapi(request: Request) -> JSONResponse:
    document: dict[str, Any] = request.app.openapi()
    return JSONResponse(document)
