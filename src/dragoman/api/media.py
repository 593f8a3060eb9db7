"""Files at signed addresses: what customers sent, for their agents; what agents made, for WhatsApp.

Always downloads, never pages: their content is a stranger's.
"""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dragoman.agents import files
from dragoman.conversations import media
from dragoman.conversations.services import Services
from dragoman.errors import NotFound

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, max-age=3600",
}
# Shown as what they are; everything else is bytes to save.
SHOWN = frozenset({"image/jpeg", "image/png", "image/webp", "audio/ogg", "audio/mpeg", "audio/aac", "audio/amr", "audio/mp4", "video/mp4"})


class MediaDoor:
    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        return [
            Route("/media/{token}", self.show, methods=["GET"]),
            Route(f"/{files.PLACE}/{{name}}", self.made, methods=["GET"]),
        ]

    async def show(self, request: Request) -> Response:
        row = await media.open_link(self._services, request.path_params["token"])
        if row is None or row["state"] == "failed":
            return PlainTextResponse("no such file, or its link has expired", 404, HEADERS)
        if row["state"] == "pending":
            return PlainTextResponse(
                "the file is still on its way from WhatsApp", 503, {**HEADERS, "Retry-After": "2", "Cache-Control": "no-store"}
            )
        kind = row["mime_type"].partition(";")[0].strip().lower()
        return await self._file(row["object_key"], kind, row["filename"] or f"{row['kind']}-{row['id']}")

    async def made(self, request: Request) -> Response:
        file = files.opened(self._services.vault, self._services.clock, request.path_params["name"])
        if file is None:
            return PlainTextResponse("no such file, or its link has expired", 404, HEADERS)
        return await self._file(file.object_key, file.mime_type, file.name)

    async def _file(self, key: str, kind: str, name: str) -> Response:
        try:
            data = await self._services.objects.get(key)
        except NotFound:
            return PlainTextResponse("the file is gone", 404, HEADERS)
        headers = {**HEADERS, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(data, media_type=kind if kind in SHOWN else "application/octet-stream", headers=headers)
