"""Website tools: pages that the business names, read at the moment they are asked for.

The model chooses the tool, and perhaps a page below the named one; never a host. What it reads was written by others.
"""

import re
import time
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import unquote
from uuid import UUID

from pydantic import Field
from yarl import URL

from dragoman.agents.capability import Capability, Configured, Run
from dragoman.agents.kit import Kit
from dragoman.agents.names import tool_names
from dragoman.agents.pages.text import Unreadable, main_text
from dragoman.agents.schema import Schema
from dragoman.agents.tools import Call, Json, Result, Tool, failure
from dragoman.errors import Invalid
from dragoman.http.answers import Answer, NoAnswer, Refused, TooLong
from dragoman.http.urls import check_url

LARGEST_PAGE = 2 * 1024 * 1024
LONGEST_TEXT = 20 * 1024
LONGEST_PATH = 300
SECONDS = 20.0
REDIRECTS = 3

_WANTED = {"Accept": "text/html,application/xhtml+xml;q=0.9,text/plain;q=0.8,*/*;q=0.1"}
_PAGES = ("text/html", "application/xhtml+xml")
_PLAIN = ("application/json", "text/")
# Besides what no path holds, the escapes that some servers read as a way up or out: %2e %2f %5c.
_NOT_IN_A_PATH = re.compile(r"[\x00-\x1f\x7f\\?#]|%(?:2e|2f|5c|25)", re.IGNORECASE)
_ONE_PAGE = re.compile(r"[^/]\.[a-z0-9]{1,5}$", re.IGNORECASE)


class WebsiteTool(Schema):
    url: Annotated[
        str,
        Field(min_length=1, max_length=200, description="The page; those below it can be read too", json_schema_extra={"format": "uri"}),
    ]
    prompt: Annotated[str, Field(max_length=4000, description="Tells the model when to read it and what to look for")]
    active: Annotated[bool, Field(strict=True)] = True


class Unreachable(Exception):
    """There is no page to read, and why: one sentence, without an end."""


async def _check(kit: Kit, organisation_id: UUID, agent_id: UUID, config: WebsiteTool, at: str) -> None:
    try:
        check_url(config.url, kit.settings.allow_private_urls)
    except Refused as refused:
        raise Invalid(f"{at}.url: {refused.reason}", field=f"{at}.url") from None


async def _tools(run: Run, items: Sequence[Configured[WebsiteTool]]) -> list[Tool]:
    names = tool_names((_spoken(item.config.url) for item in items), "read_website")
    return [_tool(run, item, name) for item, name in zip(items, names, strict=True)]


def _spoken(url: str) -> str:
    page = URL(url)
    return f"read {(page.host or '').removeprefix('www.')} {page.path}"


def _tool(run: Run, item: Configured[WebsiteTool], name: str) -> Tool:
    config = item.config

    async def read(call: Call) -> Result:
        try:
            return await _read(run, config.url, call.args.get("path") or "")
        except Unreachable as problem:
            return failure(f"{problem}", outside=True)

    return Tool(
        name=name,
        description=f"Read the web page {config.url} as it is now. {config.prompt}".strip(),
        parameters=_parameters(config.url),
        run=read,
        type="web_search",
        capability_id=item.id,
    )


def _parameters(url: str) -> Json:
    properties: Json = {}
    if not _alone(URL(url)):
        properties["path"] = {
            "type": "string",
            "maxLength": LONGEST_PATH,
            "description": f"Another page below {url}, such as one that it links to; leave it out for the page itself",
        }
    return {"type": "object", "properties": properties, "required": [], "additionalProperties": False}


def _alone(page: URL) -> bool:
    """A file or a search is one page; nothing lies below it."""
    return bool(page.raw_query_string or _ONE_PAGE.search(page.path))


async def _read(run: Run, url: str, path: str) -> Result:
    page, answer = await _fetched(run.kit, _below(URL(url), path))
    kind, charset = _kind(answer)
    if kind in _PAGES or not kind:
        try:
            text = await main_text(answer.body, url=str(page), charset=charset, longest=LONGEST_TEXT + 1)
        except Unreadable as unreadable:
            raise Unreachable(str(unreadable)) from None
    elif kind.startswith(_PLAIN):
        text = _decoded(answer.body, charset)
    else:
        raise Unreachable("there is no web page at this address but a file of another kind")
    if len(text) > LONGEST_TEXT:
        text = text[:LONGEST_TEXT] + "\n[the page goes on]"
    return Result(text=f"{page}\n\n{text}" if text else f"{page}\n\n[the page holds no words]", outside=True)


def _below(named: URL, path: str) -> URL:
    """The page that is meant by `path`: a whole address, one from the root (/shop/cakes), or one from the named page on (cakes)."""
    if not path or _alone(named):
        return named
    origin, root = str(named.origin()), named.path.rstrip("/")
    plain = unquote(path.removeprefix(origin) if path.startswith(f"{origin}/") else path)
    odd = len(path) > LONGEST_PATH or _NOT_IN_A_PATH.search(path) or _NOT_IN_A_PATH.search(plain)
    if odd or "//" in plain or ".." in plain.split("/"):
        raise Unreachable("this path cannot be used; give it as the page's links do, without a question mark")
    page = named.origin().with_path(plain if plain.startswith("/") else f"{root}/{plain}")
    if page.path != root and not page.path.startswith(f"{root}/"):
        raise Unreachable(f"only {named} and the pages below it can be read")
    return page


async def _fetched(kit: Kit, page: URL) -> tuple[URL, Answer]:
    """The page, and where it was in the end. Raises Unreachable."""
    ends = time.monotonic() + SECONDS
    for _ in range(REDIRECTS + 1):
        try:
            left = max(ends - time.monotonic(), 0.1)
            answer = await kit.guarded.request("GET", str(page), headers=_WANTED, timeout=left, largest=LARGEST_PAGE)
        except TooLong:
            raise Unreachable(f"the page is larger than {LARGEST_PAGE // 1024 // 1024} MB") from None
        except (Refused, NoAnswer) as problem:
            raise Unreachable(problem.reason.rstrip(".")) from None
        location = answer.headers.get("Location")
        if answer.status in (301, 302, 303, 307, 308) and location:
            page = _moved(page, location)
        elif answer.status == 200:
            return page, answer
        else:
            raise Unreachable(f"the website answered with status {answer.status}")
    raise Unreachable("the website sends on and on from one address to the next")


def _moved(page: URL, location: str) -> URL:
    """Where a redirect leads, as long as it stays on the host that the business named."""
    try:
        target = page.join(URL(location)).with_fragment(None)
        same_place = target.host == page.host and (target.origin() == page.origin() or (page.port, target.port) == (80, 443))
    except ValueError:
        raise Unreachable("the website sends on to an address that cannot be read") from None
    if not same_place:
        raise Unreachable(f"the website sends on to another place, {target.scheme}://{target.host}, which the business has not named")
    return target


def _kind(answer: Answer) -> tuple[str, str]:
    """The media type and the charset, in lower case, "" for what is not said."""
    kind, _, more = answer.headers.get("Content-Type", "").lower().partition(";")
    charset = re.search(r"charset=\"?([a-z0-9_.:-]{1,40})", more)
    return kind.strip(), charset[1] if charset else ""


def _decoded(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset or "utf-8", "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


CAPABILITY = Capability(field="website_tools", schema=WebsiteTool, tools=_tools, check=_check)
