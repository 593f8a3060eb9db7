"""Reading a request's body with a limit, before anything looks into it."""

from starlette.requests import Request

from dragoman.errors import TooLarge


async def read_body(request: Request, largest: int) -> bytes:
    """The raw bytes. Raises TooLarge as soon as there are more than `largest`, without reading on."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > largest:
        raise TooLarge(f"the body may have {largest} bytes")
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > largest:
            raise TooLarge(f"the body may have {largest} bytes")
        parts.append(part)
    return b"".join(parts)
