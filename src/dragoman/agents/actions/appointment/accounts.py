"""The account that a calendar is used with: its access token, and requests in its name.

What a service does wrong is a `Trouble`, in words that a model and a person can read; its own words are never in there.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID
from weakref import WeakValueDictionary

import msgspec

from dragoman.agents import integrations
from dragoman.agents.kit import Kit
from dragoman.agents.tools import Json
from dragoman.http.answers import Answer, NoAnswer, Refused

SECONDS = 15.0
LARGEST = 2 * 1024 * 1024
EARLY = timedelta(seconds=60)  # a token is not used in the last minute of its life
MOST_TOKENS = 10_000


class Trouble(NamedTuple):
    """One plain sentence. `unsure`: what was asked for may have happened all the same."""

    words: str
    unsure: bool = False


class Answered(NamedTuple):
    status: int
    body: Json


class _Token(NamedTuple):
    text: str
    until: datetime


# By integration.
_tokens: dict[UUID, _Token] = {}
_signing_in: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()


@dataclass(frozen=True)
class Account:
    """`service` is what people call it: "Google Calendar". `scope` is asked for with each access token, where the service wants that."""

    kit: Kit
    integration: "integrations.Integration"
    service: str
    scope: str = ""

    async def ask(self, path: str, body: Json, headers: Mapping[str, str] | None = None) -> Answered | Trouble:
        """POST `body` to a path below the service's address. An access token that is refused is renewed once."""
        token = await self._token()
        answer = await self._post(path, body, headers, token)
        if isinstance(answer, Answered) and answer.status == 401:
            answer = await self._post(path, body, headers, await self._token(refused=token))
        return answer

    def trouble(self, status: int) -> Trouble:
        """What a status says that is no success."""
        said = {
            401: f"{self.service} does not accept the sign-in any more; the business has to connect it again.",
            403: f"{self.service} does not let the connected account do this; the business has to give it the right to.",
            404: f"{self.service} has no such calendar for the connected account.",
            429: f"{self.service} has too much to do right now; it can be tried again in some minutes.",
        }
        return Trouble(said.get(status, f"{self.service} could not do this (status {status})."), unsure=status >= 500)

    async def _post(self, path: str, body: Json, headers: Mapping[str, str] | None, token: str | Trouble) -> Answered | Trouble:
        if isinstance(token, Trouble):
            return token
        sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json", **(headers or {})}
        return await self._request(f"{self.integration.config.base_url.rstrip('/')}/{path}", sent, msgspec.json.encode(body))

    async def _token(self, refused: str | Trouble = "") -> str | Trouble:
        """The access token, renewed by one of us at a time: a service may take each refresh token only once."""
        async with _signing_in.setdefault(self.integration.id, asyncio.Lock()):
            kept = _tokens.get(self.integration.id)
            if kept and kept.text != refused and self.kit.clock.now() < kept.until:
                return kept.text
            used = ""
            while True:
                now = await self._newest()
                if now is None or now.config.refresh_token == used:
                    return self.trouble(401)
                used = now.config.refresh_token
                answer = await self._sign_in(now.config)
                # Another process may have changed the refresh token meanwhile: then there is a newer one.
                if not isinstance(answer, Answered) or answer.status not in (400, 401, 403):
                    break
            if isinstance(answer, Trouble):
                return answer._replace(unsure=False)  # nothing but a sign-in was asked for
            return await self._signed_in(answer.body, now) if answer.status == 200 else self.trouble(answer.status)._replace(unsure=False)

    async def _newest(self) -> "integrations.Integration | None":
        whose = self.integration
        return await integrations.find(self.kit, whose.organisation_id, whose.kind, whose.id)

    async def _sign_in(self, config: Any) -> Answered | Trouble:
        form = {"grant_type": "refresh_token", "client_id": config.client_id, "client_secret": config.client_secret}
        form["refresh_token"] = config.refresh_token
        if self.scope:
            form["scope"] = self.scope
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return await self._request(config.token_url, headers, urlencode(form).encode())

    async def _signed_in(self, body: Json, now: "integrations.Integration") -> str | Trouble:
        text, lives, renewed = body.get("access_token"), body.get("expires_in"), body.get("refresh_token")
        if not isinstance(text, str) or not text.isascii() or not text.isprintable() or not text:
            return Trouble(f"{self.service} did not answer to the sign-in as it should.")
        seconds = min(float(lives), 86_400.0) if isinstance(lives, int | float) else 0.0
        while len(_tokens) >= MOST_TOKENS:
            _tokens.pop(next(iter(_tokens)))
        _tokens[self.integration.id] = _Token(text, self.kit.clock.now() + timedelta(seconds=seconds) - EARLY)
        if isinstance(renewed, str) and renewed and renewed != now.config.refresh_token:
            await integrations.renew(self.kit, now, renewed)
        return text

    async def _request(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered | Trouble:
        try:
            answer = await self.kit.guarded.request("POST", url, headers=headers, body=body, timeout=SECONDS, largest=LARGEST)
        except Refused as refusal:
            return Trouble(f"{self.service} was not asked: {refusal.reason}")
        except NoAnswer as nothing:
            return Trouble(f"{self.service} did not answer. {nothing.reason}", unsure=nothing.body_sent)
        return Answered(answer.status, _object(answer))


def _object(answer: Answer) -> Json:
    """The answer's JSON object; an empty one for everything else."""
    try:
        found: Any = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
