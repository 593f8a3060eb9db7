"""Model providers of the organisation: whose key is used for a model's name, and where it is sent."""

from typing import Annotated, Literal

from fastapi import Path, Response
from pydantic import Field

from dragoman.agents.llm import providers
from dragoman.api.v1.auth import Authenticated, Wired
from dragoman.api.v1.models import Input, Shape
from dragoman.api.v1.routing import router

routes = router("Model providers")

Name = Annotated[
    str, Path(pattern=r"^[a-z][a-z0-9_-]{0,62}$", description="What stands before the slash in a model's name, such as openai")
]


class ProviderInput(Input):
    """An `apiKey` that is left out stays, unless the address changes: a key is only for the host it was given for."""

    kind: Annotated[Literal["openai", "anthropic", "google"], Field(description="Whose API it speaks; most servers speak OpenAI's")] = (
        "openai"
    )
    base_url: Annotated[str | None, Field(max_length=2000, description="Empty is the provider's own address")] = None
    api_key: Annotated[str | None, Field(max_length=2000)] = None


class Provider(Shape):
    name: str
    kind: Literal["openai", "anthropic", "google"]
    base_url: str | None
    api_key_hint: str | None = Field(description="The end of the key; null when there is none")


def _shown(provider: providers.Provider) -> Provider:
    return Provider.model_validate(
        {"name": provider.name, "kind": provider.kind, "base_url": provider.base_url, "api_key_hint": provider.key_hint}
    )


@routes.get("/model-providers/", summary="List model providers")
async def list_providers(caller: Authenticated, services: Wired) -> list[Provider]:
    return [_shown(provider) for provider in await providers.listing(services.kit, caller.organisation_id)]


@routes.put("/model-providers/{provider}/", summary="Add or change a model provider")
async def put_provider(provider: Name, sent: ProviderInput, caller: Authenticated, services: Wired) -> Provider:
    """`ollama` with `baseUrl` `http://127.0.0.1:11434/v1` makes the models `ollama/<model>`."""
    return _shown(
        await providers.put(services.kit, caller.organisation_id, provider, sent.kind, sent.base_url or None, sent.api_key or None)
    )


@routes.delete("/model-providers/{provider}/", status_code=204, response_class=Response, summary="Remove a model provider")
async def delete_provider(provider: Name, caller: Authenticated, services: Wired) -> None:
    await providers.remove(services.kit, caller.organisation_id, provider)
