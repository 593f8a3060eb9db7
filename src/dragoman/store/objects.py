"""Bytes under a key: media and documents, in a folder (`file:///var/dragoman/media`) or in a bucket (`s3://bucket/prefix`)."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from dragoman.errors import NotFound, Unavailable

# Keys are ours, never a name that somebody sent: what a stranger calls a file is a label in the database.
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){0,7}")
_CHUNK = 256 * 1024


class Objects:
    """A bucket takes its credentials and place from the usual variables: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION,
    and for other makes AWS_ENDPOINT_URL, with AWS_ALLOW_HTTP=true where that is http."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._folder: Path | None = None
        self._store: ObjectStore
        if parts.scheme == "file":
            self._folder = Path(unquote(parts.path))
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # customers' pictures are nobody else's business
            self._store = from_url(url)
        else:
            self._store = from_url(url, retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)})

    async def put(self, key: str, data: bytes) -> None:
        """Keep `data` under `key`, in place of what was there. Durable when it returns. Raises Unavailable."""
        _check(key)
        try:
            await obstore.put_async(self._store, key, data)
        except (BaseError, OSError) as error:
            raise _unavailable(error) from None
        if self._folder:
            await asyncio.to_thread(_to_disk, self._folder / key)

    async def get(self, key: str) -> bytes:
        """All of it. Raises NotFound, Unavailable."""
        return b"".join([part async for part in self.stream(key)])

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """Piece by piece, for what may be too large to hold. Raises NotFound before the first piece, Unavailable at any."""
        _check(key)
        try:
            found = await obstore.get_async(self._store, key)
            async for part in found.stream(min_chunk_size=_CHUNK):
                yield bytes(part)
        except FileNotFoundError:
            raise NotFound("This file is not kept any more.") from None
        except (BaseError, OSError) as error:
            raise _unavailable(error) from None

    async def delete(self, key: str) -> None:
        """Forget it; not an error when it is not there. Raises Unavailable."""
        _check(key)
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise _unavailable(error) from None


def _check(key: str) -> None:
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} cannot be the key of an object")


def _to_disk(path: Path) -> None:
    """obstore renames a finished file into place but leaves it to the system when it is written; a power cut would empty it."""
    for place in (path, path.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _unavailable(error: Exception) -> Unavailable:
    # The first line only: the rest of an obstore message is a dump of paths, hosts and headers.
    return Unavailable(f"The media store does not work: {str(error).splitlines()[0][:200]}")
