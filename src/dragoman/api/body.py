"""Reading a request's body with a limit of size and time, before anything looks into it."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from dragoman.errors import TooLarge, TooSlow

BODY_SECONDS = 30.0


async def read_body(request: Request, largest: int) -> bytes:
    """The raw bytes. Raises TooLarge as soon as there are more than `largest`, without reading on, and TooSlow."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > largest:
        raise TooLarge(f"the body may have {largest} bytes")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(request, largest)
    except TimeoutError:
        raise TooSlow(f"the body did not arrive within {BODY_SECONDS:.0f} seconds") from None
    except ClientDisconnect:
        raise TooSlow("the connection ended before the body") from None


async def _read(request: Request, largest: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > largest:
            raise TooLarge(f"the body may have {largest} bytes")
        parts.append(part)
    return b"".join(parts)
