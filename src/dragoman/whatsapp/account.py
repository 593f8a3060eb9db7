"""What Graph knows of a number's connection: its token, itself, its account, its webhook. Only read; no call raises, none logs a token.

Each answer is what was asked for, or a Refusal.
"""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from dragoman.clock import Clock
from dragoman.http.answers import Answer, NoAnswer
from dragoman.http.trusted import Trusted

SECONDS = 15.0
MOST_NUMBERS = 1000
NUMBER_FIELDS = "id,display_phone_number,verified_name,status,quality_rating,name_status,platform_type,webhook_configuration"

Shape = TypeVar("Shape")


class Refusal(NamedTuple):
    """Why there is no answer, in WhatsApp's words where it said something. `code` is Graph's; None: it was not Graph that spoke."""

    cause: str
    code: int | None = None


class GranularScope(msgspec.Struct, frozen=True):
    """A permission, and the accounts it is for; none named means all."""

    scope: str
    target_ids: list[str] = []


class TokenFault(msgspec.Struct, frozen=True):
    message: str = ""
    code: int | None = None


class Token(msgspec.Struct, frozen=True):
    """`expires_at` is in seconds since 1970; 0 is never."""

    is_valid: bool = False
    app_id: str = ""
    type: str = ""
    expires_at: int = 0
    scopes: list[str] = []
    granular_scopes: list[GranularScope] = []
    error: TokenFault | None = None


class Callbacks(msgspec.Struct, frozen=True):
    """Where webhooks go: what is set for the number, for its account, for the app."""

    phone_number: str | None = None
    whatsapp_business_account: str | None = None
    application: str | None = None


class Number(msgspec.Struct, frozen=True):
    id: str
    display_phone_number: str = ""
    verified_name: str = ""
    status: str = ""
    quality_rating: str = ""
    name_status: str = ""
    platform_type: str = ""
    webhook_configuration: Callbacks = Callbacks()


class WebhookField(msgspec.Struct, frozen=True):
    name: str


class Webhook(msgspec.Struct, frozen=True):
    """The webhook of an app for one kind of object."""

    object: str
    callback_url: str = ""
    active: bool = True
    fields: list[WebhookField] = []


class _Id(msgspec.Struct):
    id: str


class _SubscribedApp(msgspec.Struct):
    whatsapp_business_api_data: _Id
    override_callback_uri: str | None = None


class _Data(msgspec.Struct):
    data: Any = None


class _Error(msgspec.Struct):
    message: str = ""
    code: int | None = None


class _Refused(msgspec.Struct):
    error: _Error


class Account:
    """`ahead` is how far our clock was ahead of Graph's when it last answered, to a second; `None` before that."""

    def __init__(self, trusted: Trusted, clock: Clock, base_url: str, version: str) -> None:
        self._trusted, self._clock = trusted, clock
        self._root = f"{base_url.rstrip('/')}/{version}"
        self.ahead: timedelta | None = None

    async def token(self, app_token: str, access_token: str) -> Token | Refusal:
        """What `access_token` is good for, as the app that it was made for may know. `app_token` is `{app_id}|{app_secret}`."""
        return await self._data("debug_token", {"input_token": access_token}, app_token, Token)

    async def number(self, phone_number_id: str, access_token: str) -> Number | Refusal:
        return await self._read(_part(phone_number_id), {"fields": NUMBER_FIELDS}, access_token, Number)

    async def numbers(self, waba_id: str, access_token: str) -> list[str] | Refusal:
        """The ids of the account's numbers."""
        found = await self._data(f"{_part(waba_id)}/phone_numbers", {"fields": "id", "limit": MOST_NUMBERS}, access_token, list[_Id])
        return found if isinstance(found, Refusal) else [number.id for number in found]

    async def subscribed_apps(self, waba_id: str, access_token: str) -> dict[str, str | None] | Refusal:
        """The apps that get the account's webhooks: by their id, the address that overrides the app's own."""
        found = await self._data(f"{_part(waba_id)}/subscribed_apps", {}, access_token, list[_SubscribedApp])
        if isinstance(found, Refusal):
            return found
        return {app.whatsapp_business_api_data.id: app.override_callback_uri for app in found}

    async def webhooks(self, app_id: str, app_token: str) -> list[Webhook] | Refusal:
        return await self._data(f"{_part(app_id)}/subscriptions", {}, app_token, list[Webhook])

    async def _data(self, path: str, query: dict[str, Any], token: str, shape: type[Shape]) -> Shape | Refusal:
        held = await self._read(path, query, token, _Data)
        return held if isinstance(held, Refusal) else _as(held.data, shape)

    async def _read(self, path: str, query: dict[str, Any], token: str, shape: type[Shape]) -> Shape | Refusal:
        where = f"{self._root}/{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            answer = await self._trusted.request("GET", where, headers={"Authorization": f"Bearer {token}"}, timeout=SECONDS)
        except NoAnswer as nothing:
            return Refusal(nothing.reason)
        if (theirs := _date(answer)) is not None:
            self.ahead = self._clock.real_now() - theirs
        try:
            if answer.status != 200:
                return _refusal(answer, token, str(query.get("input_token", "")))
            return _as(msgspec.json.decode(answer.body), shape)
        except (ValueError, RecursionError):
            return Refusal(f"the answer (status {answer.status}) is not one of the Graph API")


def _part(text: str) -> str:
    return quote(text, safe="")


def _as(value: Any, shape: type[Shape]) -> Shape | Refusal:
    try:
        return msgspec.convert(value, shape, strict=False)
    except msgspec.ValidationError:
        return Refusal("the answer is not what the Graph API documents")


def _refusal(answer: Answer, *secrets: str) -> Refusal:
    error = msgspec.json.decode(answer.body, type=_Refused, strict=False).error
    words = error.message
    for secret in filter(None, secrets):
        words = words.replace(secret, "[token]")
    return Refusal(words.strip().rstrip("."), error.code)


def _date(answer: Answer) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers.get("Date", ""))
    except ValueError:
        return None
