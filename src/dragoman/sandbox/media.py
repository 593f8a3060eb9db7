"""Files that people and businesses send: kept by id, resolved to links that live five minutes, and fetched from links on request.

Meta: an uploaded id lives 30 days, an id from a webhook 7 days, a download link 5 minutes; the bytes need the bearer token.
"""

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import NamedTuple

import aiohttp

from dragoman.sandbox.web import Web
from dragoman.sandbox.world import Media, World
from dragoman.whatsapp import limits

LINK_CACHE_SECONDS = 600


def bare(mime_type: str) -> str:
    """`audio/ogg; codecs=opus` → `audio/ogg`."""
    return mime_type.partition(";")[0].strip().lower()


def unsuitable(kind: str, mime_type: str, size: int) -> str | None:
    """Why a file cannot be sent as this kind of message; None when it can."""
    types, largest = limits.MEDIA_TYPES[kind], limits.MEDIA_BYTES[kind]
    # Meta's list of document types is not what its servers check: any type passes.
    if kind != "document" and bare(mime_type) not in types:
        return f"{kind} files must be one of {', '.join(types)}; this one is {bare(mime_type) or 'of no type'}."
    if size > largest:
        return f"{kind} files can have {largest} bytes; this one has {size}."
    return None


def largest_of(mime_type: str) -> int:
    """How large an upload of this type may be: the limit of its kind, a document's when it has none."""
    sizes = [limits.MEDIA_BYTES[kind] for kind, types in limits.MEDIA_TYPES.items() if bare(mime_type) in types]
    return max(sizes, default=limits.MEDIA_BYTES["document"])


class Fetched(NamedTuple):
    data: bytes
    mime_type: str


class Shelf:
    """The bytes: in memory, or in a folder when the world is to survive a restart."""

    def __init__(self, world: World, web: Web, own_url: str, folder: Path | None) -> None:
        self._world, self._web, self._own_url, self._folder = world, web, own_url, folder
        self._bytes: dict[str, bytes] = {}
        self._key = secrets.token_bytes(16)
        self._fetched: dict[str, tuple[float, str]] = {}

    def put(self, file: Fetched, waba_id: str, now: float, *, days: int = limits.MEDIA_UPLOADED_DAYS, filename: str | None = None) -> Media:
        media = Media(
            id=self._world.decimal_id(),
            waba_id=waba_id,
            mime_type=file.mime_type,
            sha256=hashlib.sha256(file.data).hexdigest(),
            size=len(file.data),
            expires_at=now + days * 86400,
            filename=filename,
        )
        self._world.state.media[media.id] = media
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (self._folder / media.id).write_bytes(file.data)
        else:
            self._bytes[media.id] = file.data
        return media

    def get(self, media_id: str, now: float) -> Media | None:
        media = self._world.state.media.get(media_id)
        return media if media and media.expires_at > now else None

    def data(self, media: Media) -> bytes:
        return (self._folder / media.id).read_bytes() if self._folder else self._bytes[media.id]

    def delete(self, media: Media) -> None:
        self._world.state.media.pop(media.id, None)
        self._bytes.pop(media.id, None)
        if self._folder:
            (self._folder / media.id).unlink(missing_ok=True)

    def link(self, media: Media, now: float) -> str:
        """A download address that works for five minutes, with the bearer token."""
        ends = int(now) + limits.MEDIA_URL_SECONDS
        return f"{self._own_url}/lookaside/attachments/?mid={media.id}&ext={ends}&hash={self._seal(media.id, ends)}"

    def linked(self, media_id: str, ends: str, seal: str, now: float) -> Media | None:
        if not ends.isdigit() or int(ends) < now or not hmac.compare_digest(seal.encode(), self._seal(media_id, int(ends)).encode()):
            return None
        return self.get(media_id, now)

    async def fetch(self, url: str, kind: str, waba_id: str, now: float) -> Media | str:
        """The file behind a link a business sent, or the reason why WhatsApp could not use it. Meta caches a link 10 minutes."""
        cached_at, media_id = self._fetched.get(url, (0.0, ""))
        if now < cached_at + LINK_CACHE_SECONDS and (media := self.get(media_id, now)) and media.waba_id == waba_id:
            return unsuitable(kind, media.mime_type, media.size) or media
        try:
            file = await self._download(url, limits.MEDIA_BYTES[kind])
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return f"Downloading media from weblink failed: {error or type(error).__name__}"
        if reason := unsuitable(kind, file.mime_type, len(file.data)):
            return reason
        media = self.put(file, waba_id, now)
        self._fetched[url] = (now, media.id)
        return media

    async def _download(self, url: str, largest: int) -> Fetched:
        if not url.startswith(("http://", "https://")):
            raise ValueError("the link must be http or https")
        async with self._web.session().get(url) as answer:
            if answer.status != 200:
                raise ValueError(f"http code {answer.status}")
            data = bytearray()
            async for chunk in answer.content.iter_chunked(65536):
                data += chunk
                if len(data) > largest:
                    raise ValueError(f"the file has more than {largest} bytes")
            return Fetched(bytes(data), answer.headers.get("Content-Type", ""))

    def _seal(self, media_id: str, ends: int) -> str:
        return hmac.new(self._key, f"{media_id}/{ends}".encode(), hashlib.sha256).hexdigest()[:32]
