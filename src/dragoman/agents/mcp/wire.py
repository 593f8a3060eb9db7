"""One open line to an MCP server, by the mcp library and through the guarded door. Slow to load: imported when a server is called.

What a server may do to us here: answer. It cannot ask us for a completion, for our files or for the customer's input (the library
refuses these as long as nobody offers them); it cannot keep a stream open beside a call, and its answers have an end in size and time.
"""

import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import (
    CONNECTION_CLOSED,
    INVALID_REQUEST,
    PARSE_ERROR,
    REQUEST_TIMEOUT,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    EmbeddedResource,
    Implementation,
    InputRequiredResult,
    PaginatedRequestParams,
    ResourceLink,
    TextContent,
    TextResourceContents,
)
from pydantic import TypeAdapter

from dragoman.agents.mcp.failed import Failed
from dragoman.agents.mcp.tools import FINGERPRINTED, MOST_TOOLS, clean, clean_lines
from dragoman.agents.mcp.watched import Watched
from dragoman.agents.tools import LONGEST_RESULT, Json
from dragoman.http.guarded import Guarded
from dragoman.http.sdk import client

LARGEST = 1024 * 1024  # bytes of one answer
ANSWER_SECONDS = 20.0
MOST_PAGES = 10
WHO_WE_ARE = Implementation(name="Dragoman", version="1")

# The library's own errors, in words for its users: what came was broken, or nothing came.
_NO_ANSWER = (CONNECTION_CLOSED, REQUEST_TIMEOUT, PARSE_ERROR, INVALID_REQUEST)
_FINGERPRINTED = {re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), part) for part in FINGERPRINTED}
_ANSWERS: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(CallToolResult | InputRequiredResult)

# The library's log lines quote what servers sent.
for _name in ("mcp", "client"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class Said(msgspec.Struct, frozen=True):
    """What a tool answered; `failed` when the server says that the call did not work."""

    text: str
    failed: bool = False


class Line:
    def __init__(self, mcp: Client, http: Any, watched: Watched) -> None:
        self._session, self._http, self._watched = mcp.session, http, watched
        self.asked = False  # a tool was called and the answer is not there yet

    async def tools(self) -> list[Json]:
        """Every tool, as the server describes it."""
        found: list[Json] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._session.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)
            found += [tool.model_dump(mode="json", by_alias=True, exclude_none=True, include=_FINGERPRINTED) for tool in page.tools]
            cursor = page.next_cursor
            if not cursor or len(found) >= MOST_TOOLS:
                break
        return found

    async def call(self, name: str, args: Json, key: str) -> Said:
        """Call a tool. Its result is not checked against the schema that the server gives for it: that schema is a stranger's."""
        request = CallToolRequest(params=CallToolRequestParams(name=name, arguments=args))
        self._http.headers["Idempotency-Key"] = key
        self.asked = True
        try:
            answer = await self._session.send_request(request, _ANSWERS)
        except MCPError as error:
            if self._watched.status >= 300 or error.code in _NO_ANSWER:
                raise
            self.asked = False
            return Said(_words_of(error), failed=True)
        finally:
            del self._http.headers["Idempotency-Key"]
        self.asked = False
        if isinstance(answer, InputRequiredResult):
            return Said("the server wants to ask something back, which is not possible here", failed=True)
        return Said(_text(answer), answer.is_error)


@asynccontextmanager
async def opened(door: Guarded, url: str, headers: Mapping[str, str]) -> AsyncIterator[Line]:
    """A line to the server at `url`. Raises Failed, also for what goes wrong inside the block."""
    watched = Watched(door, deaf=True)
    line = None
    try:
        async with client(watched, timeout=ANSWER_SECONDS, largest=LARGEST) as http:
            http.headers = {"User-Agent": "Dragoman", **headers}
            transport = streamable_http_client(url, http_client=http, max_sse_event_size=LARGEST)
            async with Client(transport, cache=None, read_timeout_seconds=ANSWER_SECONDS, client_info=WHO_WE_ARE) as mcp:
                line = Line(mcp, http, watched)
                yield line
    except Exception as error:
        found = error
        while isinstance(found, ExceptionGroup) and len(found.exceptions) == 1:
            found = found.exceptions[0]
        if isinstance(found, Failed):
            raise found from None
        raise _failed(found, watched, asked=line is not None and line.asked) from None


def _failed(error: Exception, watched: Watched, *, asked: bool) -> Failed:
    status = watched.status
    if status == 401:
        return Failed("the server does not let us in (status 401)", unauthorized=True)
    if watched.reason:
        return Failed(watched.reason, unknown=asked)
    if 300 <= status < 400:
        return Failed(f"the server answered with a redirect (status {status}), which is not followed; enter the final address")
    if status >= 400:
        return Failed(f"the server answered with status {status}", unknown=asked)
    if isinstance(error, MCPError) and error.code not in _NO_ANSWER:
        return Failed(_words_of(error), unknown=asked, outside=True)
    return Failed("what came back is not the Model Context Protocol", unknown=asked)


def _words_of(error: MCPError) -> str:
    return f"the server says: {clean(error.message)[:300]}"


def _text(answer: CallToolResult) -> str:
    parts = [_part(content) for content in answer.content]
    if not any(parts) and answer.structured_content is not None:
        parts = [msgspec.json.encode(answer.structured_content).decode()]
    return clean_lines("\n".join(filter(None, parts)))[:LONGEST_RESULT]


def _part(content: Any) -> str:
    if isinstance(content, TextContent):
        return content.text
    if isinstance(content, ResourceLink):
        return f"{content.title or content.name}: {content.uri}"
    if isinstance(content, EmbeddedResource) and isinstance(content.resource, TextResourceContents):
        return content.resource.text
    return f"[{getattr(content, 'type', 'something')} left out: only text can be read here]"
