"""Who answers for a model's name, with whose key, through which door.

    openai/gpt-5.4         the provider "openai"; so for anthropic/… and google/…
    <name>/<model>         a provider of that name that the organisation added: any OpenAI-compatible server by its base URL
    cw-llm-1, "" or null   DRAGOMAN_DEFAULT_MODEL
    builtin/faq            no provider: answers from the agent's knowledge alone

An organisation's own key goes before the operator's. An address that an organisation chose is called through the guarded door,
the providers' own and the operator's through the trusted one. The SDKs are loaded when the first model is asked.
"""

import base64
import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from dragoman.accounts.secrets import Vault
from dragoman.agents.kit import Kit
from dragoman.agents.llm import local_speech, queries
from dragoman.errors import Invalid, NotFound
from dragoman.http.answers import NoAnswer, Refused
from dragoman.http.urls import check_url
from dragoman.store.database import Row

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from pydantic_ai.models import Model

FAQ = "builtin/faq"
DEFAULT_NAMES = ("", "cw-llm-1", "default")
KINDS = ("openai", "anthropic", "google")
CALL_SECONDS = 120.0
LARGEST_RESPONSE = 32 * 1024 * 1024

Kind = Literal["openai", "anthropic", "google"]


class ModelError(Exception):
    """A model could not be asked, or did not answer; `lasting` when asking again will not help. The message is for people.

    `status` is the provider's, when there was one.
    """

    def __init__(self, message: str, *, lasting: bool = True, retry_after: float | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.lasting = lasting
        self.retry_after = retry_after
        self.status = status


class Choice(NamedTuple):
    """A model and the way to it. `key` is in clear; a Choice is never logged or stored."""

    provider: str
    kind: Kind
    model: str
    base_url: str | None
    key: str
    paid_by: Literal["organisation", "platform"]
    trusted: bool

    @property
    def name(self) -> str:
        return f"{self.provider}/{self.model}"


class Provider(NamedTuple):
    """A provider as its organisation sees it."""

    name: str
    kind: str
    base_url: str | None
    key_hint: str | None


def full_name(kit: Kit, name: str | None) -> str:
    """`name` with the default filled in."""
    return kit.settings.default_model if (name or "") in DEFAULT_NAMES else str(name)


async def choose(kit: Kit, organisation_id: UUID, name: str | None) -> Choice | None:
    """The way to the model `name`; None for `builtin/faq`. Raises ModelError when nobody answers for it."""
    provider = full_name(kit, name).partition("/")[0]
    row = await kit.db.fetch_one(queries.PROVIDER, {"organisation_id": organisation_id, "name": provider})
    return chosen(kit, organisation_id, name, row)


def chosen(kit: Kit, organisation_id: UUID, name: str | None, row: Row | None) -> Choice | None:
    """`choose` with the row of the organisation's own provider at hand, None when there is none."""
    wanted = full_name(kit, name)
    if wanted == FAQ:
        return None
    provider, slash, model = wanted.partition("/")
    if not slash or not model:
        raise ModelError(f"{wanted} is not a model's name; write it like openai/gpt-5.4")
    if row is not None:
        key = _open_key(kit.vault, organisation_id, row)
        if key or row["base_url"]:
            return Choice(provider, row["kind"], model, row["base_url"], key, "organisation", row["base_url"] is None)
    return _platforms(kit, provider, model)


def _platforms(kit: Kit, provider: str, model: str) -> Choice:
    settings = kit.settings
    keys = {"openai": settings.openai_api_key, "anthropic": settings.anthropic_api_key, "google": settings.google_api_key}
    base_url = settings.openai_base_url if provider == "openai" else None
    if provider not in KINDS or not (keys[provider] or base_url):
        raise ModelError(f"no key is set for the provider {provider}; add one with PUT /api/v1/model-providers/{provider}/")
    kind: Kind = provider  # type: ignore[assignment]  # one of KINDS
    return Choice(provider, kind, model, base_url, keys[provider] or "", "platform", True)


@functools.cache
def _clients() -> "WeakKeyDictionary[Any, dict[tuple[Choice, Any], Any]]":
    return WeakKeyDictionary()


def _remembered(kit: Kit, choice: Choice, make: Callable[[Any, Choice], Any]) -> Any:
    """One client for each way to a model; a client holds no connection of its own (the doors do)."""
    door = kit.trusted if choice.trusted else kit.guarded
    known = _clients().setdefault(door, {})
    key = (choice, make)
    if key not in known:
        if len(known) > 512:
            known.clear()
        known[key] = make(door, choice)
    return known[key]


def model(kit: Kit, choice: Choice) -> "Model":
    """The model behind `choice`, for `pydantic_ai.direct`."""
    made: Model = _remembered(kit, choice, _make_model)
    return made


def openai_client(kit: Kit, choice: Choice) -> "AsyncOpenAI":
    """For what is not a chat: embeddings, speech, pictures."""
    made: AsyncOpenAI = _remembered(kit, choice, _make_openai)
    return made


def _make_openai(door: Any, choice: Choice) -> "AsyncOpenAI":
    from openai import AsyncOpenAI

    from dragoman.http.sdk import client

    http = client(door, timeout=CALL_SECONDS, largest=LARGEST_RESPONSE)
    return AsyncOpenAI(api_key=choice.key or "none", base_url=choice.base_url, http_client=http, max_retries=0)


def _make_model(door: Any, choice: Choice) -> "Model":
    from dragoman.http.sdk import client

    if choice.kind == "openai":
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider

        return OpenAIChatModel(choice.model, provider=OpenAIProvider(openai_client=_make_openai(door, choice)))
    http = client(door, timeout=CALL_SECONDS, largest=LARGEST_RESPONSE)
    if choice.kind == "anthropic":
        from anthropic import AsyncAnthropic
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        own = AsyncAnthropic(api_key=choice.key, base_url=choice.base_url, http_client=http, max_retries=0)
        return AnthropicModel(choice.model, provider=AnthropicProvider(anthropic_client=own))
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    return GoogleModel(choice.model, provider=GoogleProvider(api_key=choice.key, base_url=choice.base_url, http_client=http))


class Used(NamedTuple):
    """One use of a model that is no chat. The price of such a use is not known; tokens are, where the provider counts them."""

    model: str
    paid_by: Literal["organisation", "platform", "nobody"]
    duration_ms: float
    prompt_tokens: int = 0
    response_tokens: int = 0


def _used(choice: Choice, begun: float, counted: Any = None) -> Used:
    tokens = [getattr(counted, name, None) for name in ("input_tokens", "output_tokens")]
    told, said = (value if isinstance(value, int) and 0 <= value < 2**31 else 0 for value in tokens)
    return Used(choice.name, choice.paid_by, (time.perf_counter() - begun) * 1000, told, said)


async def image(kit: Kit, organisation_id: UUID, name: str, prompt: str) -> tuple[bytes, Used]:
    """A picture of what `prompt` says, as the provider made it. Raises ModelError."""
    choice, begun = await _openai_choice(kit, organisation_id, name), time.perf_counter()
    # OpenAI's own models of today always answer like this and refuse the word for it; all others have to be told.
    form: Any = {} if "gpt-image" in choice.model else {"response_format": "b64_json"}
    answer = await called(openai_client(kit, choice).images.generate(model=choice.model, prompt=prompt, n=1, **form))
    data = answer.data[0].b64_json if answer.data else None
    if not data:
        raise ModelError("the provider answered without a picture")
    return base64.b64decode(data), _used(choice, begun, answer.usage)


async def embed(kit: Kit, organisation_id: UUID, name: str, texts: list[str]) -> list[list[float]]:
    """One vector for each text. Raises ModelError."""
    choice = await _openai_choice(kit, organisation_id, name)
    answer = await called(openai_client(kit, choice).embeddings.create(model=choice.model, input=texts, encoding_format="float"))
    return [item.embedding for item in sorted(answer.data, key=lambda item: item.index)]


async def transcribe(kit: Kit, organisation_id: UUID, name: str, data: bytes, mime_type: str) -> tuple[str, Used]:
    """The words of a recording. Raises ModelError."""
    begun = time.perf_counter()
    if name.startswith(local_speech.PREFIX):
        try:
            words = await local_speech.transcribe(kit.settings.data_dir / "speech", name.removeprefix(local_speech.PREFIX), data)
        except local_speech.Unheard as problem:
            raise ModelError(str(problem)) from None
        return words, Used(name, "nobody", (time.perf_counter() - begun) * 1000)
    choice = await _openai_choice(kit, organisation_id, name)
    kind = mime_type.partition(";")[0].strip().lower()
    file = (f"voice.{_ENDINGS.get(kind, 'ogg')}", data, kind)
    answer = await called(openai_client(kit, choice).audio.transcriptions.create(model=choice.model, file=file))
    if not isinstance(answer.text, str):
        raise ModelError("the provider answered without words")
    return answer.text, _used(choice, begun, answer.usage)


async def speak(kit: Kit, organisation_id: UUID, name: str, voice: str, text: str) -> tuple[bytes, Used]:
    """`text` as OGG Opus, which WhatsApp plays as a voice note. Raises ModelError."""
    choice, begun = await _openai_choice(kit, organisation_id, name), time.perf_counter()
    client = openai_client(kit, choice)
    answer = await called(client.audio.speech.create(model=choice.model, voice=voice, input=text, response_format="opus"))
    data: bytes = await called(answer.aread())
    if not data.startswith(b"OggS") or b"OpusHead" not in data[:128]:
        raise ModelError("the provider did not answer with OGG Opus")
    return data, _used(choice, begun)


_ENDINGS = {"audio/ogg": "ogg", "audio/mpeg": "mp3", "audio/mp4": "m4a", "audio/aac": "aac", "audio/amr": "amr", "audio/wav": "wav"}


async def _openai_choice(kit: Kit, organisation_id: UUID, name: str) -> Choice:
    choice = await choose(kit, organisation_id, name)
    if choice is None or choice.kind != "openai":
        raise ModelError(f"{name} cannot do this; name a model of an OpenAI-compatible provider")
    return choice


async def called(asking: Any) -> Any:
    """Await a call of the OpenAI SDK; whatever goes wrong is a ModelError with a plain sentence."""
    from openai import APIConnectionError, APIStatusError, OpenAIError

    try:
        return await asking
    except APIStatusError as error:
        lasting = error.status_code < 500 and error.status_code not in (408, 409, 429)
        raise ModelError(f"the provider answered with status {error.status_code}", lasting=lasting) from None
    except APIConnectionError as error:
        raise unreached(error) from None
    except (OpenAIError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"the provider's answer could not be read ({type(error).__name__})") from None


def unreached(error: BaseException) -> ModelError:
    """Why a provider was not reached: for good when we do not call its address, which SDKs bury under errors of their own."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Refused):
            return ModelError(f"the provider was not called. {cause.reason.removesuffix('.')}")
        if isinstance(cause, NoAnswer):
            return ModelError(f"the provider could not be reached. {cause.reason.removesuffix('.')}", lasting=False)
        cause = cause.__cause__
    return ModelError(f"the request failed ({type(error).__name__})", lasting=False)


async def listing(kit: Kit, organisation_id: UUID) -> list[Provider]:
    rows = await kit.db.fetch(queries.PROVIDERS, {"organisation_id": organisation_id})
    return [_shown(kit.vault, organisation_id, row) for row in rows]


async def put(kit: Kit, organisation_id: UUID, name: str, kind: str, base_url: str | None, key: str | None) -> Provider:
    """Add or change a provider. A new address without a new key clears the key: a key is only for the host it was given for."""
    if base_url:
        try:
            check_url(base_url, kit.settings.allow_private_urls)
        except Refused as refused:
            raise Invalid(f"baseUrl: {refused.reason}", field="baseUrl") from None
    sealed = kit.vault.seal(key.encode(), *_place(organisation_id, name)) if key else None
    values = {"organisation_id": organisation_id, "name": name, "kind": kind, "base_url": base_url, "api_key": sealed}
    row = await kit.db.fetch_one(queries.PUT_PROVIDER, {**values, "now": kit.clock.now()})
    assert row is not None  # noqa: S101
    return _shown(kit.vault, organisation_id, row)


async def remove(kit: Kit, organisation_id: UUID, name: str) -> None:
    if not await kit.db.execute(queries.DELETE_PROVIDER, {"organisation_id": organisation_id, "name": name}):
        raise NotFound(f"there is no provider {name}")


def _shown(vault: Vault, organisation_id: UUID, row: Row) -> Provider:
    key = _open_key(vault, organisation_id, row)
    return Provider(row["name"], row["kind"], row["base_url"], f"••••{key[-4:]}" if len(key) >= 12 else "••••" if key else None)


def _open_key(vault: Vault, organisation_id: UUID, row: Row) -> str:
    return vault.open(row["api_key"], *_place(organisation_id, row["name"])).decode() if row["api_key"] else ""


def _place(organisation_id: UUID, name: str) -> tuple[str, ...]:
    return str(organisation_id), "model_providers", "api_key", name
