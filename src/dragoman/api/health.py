"""For load balancers and Prometheus."""

import psycopg
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dragoman.conversations.services import Services


class HealthDoor:
    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        return [Route("/healthz", self.alive), Route("/readyz", self.ready), Route("/metrics", self.metrics)]

    async def alive(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """Ready is: the database takes statements."""
        try:
            await self._services.db.fetch_one("select 1 as one")
        except (psycopg.Error, OSError, TimeoutError) as error:
            return JSONResponse({"status": "not ready", "cause": f"the database does not answer ({type(error).__name__})"}, 503)
        return JSONResponse({"status": "ready"})

    async def metrics(self, request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
