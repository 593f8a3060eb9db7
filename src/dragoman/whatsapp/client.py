"""The Graph API calls of the main job: send, mark as read, fetch a customer's file. No call raises; none logs a token."""

from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import msgspec
import structlog

from dragoman.http.answers import Answer, NoAnswer, TooLong
from dragoman.http.trusted import Trusted
from dragoman.whatsapp import codes
from dragoman.whatsapp.errors import Verdict, classify

SEND_SECONDS = 20.0
READ_SECONDS = 10.0
MEDIA_SECONDS = 60.0

log = structlog.get_logger()


class MediaInfo(msgspec.Struct, frozen=True):
    """Where a file lies for the next five minutes. `sha256` is as WhatsApp gives it: hex here, base64 in webhooks."""

    url: str
    mime_type: str = ""
    size: int | None = msgspec.field(default=None, name="file_size")
    sha256: str | None = None


class MediaFailure(NamedTuple):
    """`lasting`: asking again will not help."""

    cause: str
    lasting: bool


class _Success(msgspec.Struct):
    success: bool = False


class _Templates(msgspec.Struct):
    data: list[dict[str, Any]] = []


_templates = msgspec.json.Decoder(_Templates)
_media_info = msgspec.json.Decoder(MediaInfo, strict=False)
_success = msgspec.json.Decoder(_Success, strict=False)


class Graph:
    def __init__(self, trusted: Trusted, base_url: str, version: str) -> None:
        self._trusted = trusted
        self._root = f"{base_url.rstrip('/')}/{version}"
        self._origin = urlsplit(base_url)[:2]

    async def send(self, phone_number_id: str, token: str, body: bytes) -> Verdict:
        """`body` as made by `messages.wire`. Every outcome is a Verdict, a broken connection too."""
        try:
            answer = await self._post(phone_number_id, token, body, SEND_SECONDS)
        except NoAnswer as nothing:
            return classify(None, nothing)
        return classify(answer, secret=token)

    async def mark_read(self, phone_number_id: str, token: str, wamid: str, typing: bool = False) -> bool:
        """Blue ticks up to `wamid`; with `typing` also "typing…" for 25 seconds or until the next message. False when it failed."""
        request: dict[str, object] = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
        if typing:
            request["typing_indicator"] = {"type": "text"}
        try:
            answer = await self._post(phone_number_id, token, msgspec.json.encode(request), READ_SECONDS)
            return answer.status == 200 and _success.decode(answer.body).success
        except (NoAnswer, ValueError, RecursionError):
            return False

    async def templates(self, waba_id: str, token: str, name: str) -> list[dict[str, Any]] | None:
        """The account's templates of this name, one for each language: {name, language, status, components}. None when nobody tells."""
        where = (
            f"{self._root}/{quote(waba_id, safe='')}/message_templates?name={quote(name, safe='')}&fields=name,language,status,components"
        )
        try:
            answer = await self._trusted.request("GET", where, headers=_bearer(token), timeout=READ_SECONDS)
            found = _templates.decode(answer.body).data if answer.status == 200 else None
        except (NoAnswer, ValueError, RecursionError):
            return None
        return None if found is None else [template for template in found if template.get("name") == name]

    async def set_icebreakers(self, phone_number_id: str, token: str, prompts: list[str]) -> bool:
        """What WhatsApp offers to somebody who opens the chat for the first time (Meta: conversational components). False when it failed."""
        where = f"{self._root}/{quote(phone_number_id, safe='')}/conversational_automation"
        body = msgspec.json.encode({"prompts": prompts})
        try:
            answer = await self._trusted.request("POST", where, headers=_bearer(token), json_body=body, timeout=READ_SECONDS)
            return answer.status == 200 and _success.decode(answer.body).success
        except (NoAnswer, ValueError, RecursionError):
            return False

    async def media_info(self, media_id: str, phone_number_id: str, token: str) -> MediaInfo | MediaFailure:
        where = f"{self._root}/{quote(media_id, safe='')}?phone_number_id={quote(phone_number_id, safe='')}"
        try:
            answer = await self._trusted.request("GET", where, headers=_bearer(token), timeout=SEND_SECONDS)
        except NoAnswer as nothing:
            return MediaFailure(nothing.reason, lasting=False)
        if answer.status != 200:
            return _media_failure(answer, token)
        try:
            return _media_info.decode(answer.body)
        except (ValueError, RecursionError):
            return MediaFailure("WhatsApp's description of the file could not be read.", lasting=False)

    async def download(self, url: str, token: str, largest: int) -> bytes | MediaFailure:
        """The bytes behind `MediaInfo.url`, at most `largest` of them."""
        if not self._may_have_token(url):
            return MediaFailure(
                "WhatsApp named an address for the file that is not https, so the access token was not sent there.", lasting=True
            )
        try:
            answer = await self._trusted.request("GET", url, headers=_bearer(token), timeout=MEDIA_SECONDS, largest=largest)
        except TooLong as long:
            return MediaFailure(long.reason, lasting=True)
        except NoAnswer as nothing:
            return MediaFailure(nothing.reason, lasting=False)
        if answer.status != 200:
            return _media_failure(answer, token)
        return answer.body

    async def _post(self, phone_number_id: str, token: str, body: bytes, timeout: float) -> Answer:
        where = f"{self._root}/{quote(phone_number_id, safe='')}/messages"
        return await self._trusted.request("POST", where, headers=_bearer(token), json_body=body, timeout=timeout)

    def _may_have_token(self, url: str) -> bool:
        try:
            scheme, host = urlsplit(url)[:2]
        except ValueError:
            return False
        return bool(host) and (scheme == "https" or (scheme, host) == self._origin)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _media_failure(answer: Answer, token: str) -> MediaFailure:
    """404 on the file's own address means that its five minutes are over, which a new `media_info` mends."""
    verdict = classify(answer, secret=token)
    log.warning("media_refused", status=answer.status, code=verdict.code)
    if verdict.code is None:
        return MediaFailure(f"WhatsApp answered the request for the file with status {answer.status}.", lasting=False)
    if verdict.code == codes.OBJECT_MISSING:
        return MediaFailure("WhatsApp no longer has this file; it keeps a customer's files for seven days.", lasting=True)
    return MediaFailure(verdict.cause, lasting=verdict.outcome in ("final", "pause_number"))
