"""Pages of a website, through the guarded door: from one page to those it leads to, on the same host, as robots.txt allows."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urldefrag, urljoin, urlsplit
from urllib.robotparser import RobotFileParser

from dragoman.agents.knowledge import reading
from dragoman.agents.knowledge.text import MOST_CHARACTERS, Later, Text, Told, Unfit
from dragoman.clock import Clock
from dragoman.http.answers import Answer, NoAnswer, Refused, TooLong, Unreadable
from dragoman.http.guarded import Guarded

AGENT = "Dragoman"
MOST_PAGES = 50
LARGEST_PAGE = 5 * 1024 * 1024
LARGEST_ROBOTS = 512 * 1024
PAGE_SECONDS = 20.0
ALL_SECONDS = 300.0
LONGEST_DELAY = 5.0  # between two pages, however long robots.txt wishes for
MOST_REDIRECTS = 5

_READ = ("text/html", "application/xhtml+xml", "text/plain", "text/markdown", "text/csv", "application/pdf")
_OFFICE = "application/vnd.openxmlformats-officedocument."
_ACCEPT = "text/html, application/xhtml+xml, text/plain;q=0.9, application/pdf;q=0.8, */*;q=0.1"
# What a page links to and is no page: not worth one of the places.
_NO_PAGE = [
    ".jpg",
    ".jpeg",
    ".png",
    ".gif",
    ".webp",
    ".svg",
    ".ico",
    ".css",
    ".js",
    ".mp3",
    ".mp4",
    ".webm",
    ".mov",
    ".avi",
    ".zip",
    ".gz",
    ".exe",
    ".dmg",
    ".woff",
    ".woff2",
    ".ttf",
    ".xml",
    ".json",
    ".rss",
]


class Page(NamedTuple):
    url: str
    text: Text


class Site(NamedTuple):
    pages: list[Page]
    size: int
    note: str


class _Elsewhere(Exception):
    """A link led to another host, or where robots.txt does not let us."""


async def crawl(guarded: Guarded, clock: Clock, children: asyncio.Semaphore, url: str, depth: int) -> Site:
    """The page at `url` and those it leads to in up to `depth` steps, in the order of their links. What is wrong with the first
    page is raised, as Unfit or Later; further pages that cannot be read are counted in the note."""
    walk = _Walk(guarded, clock, children)
    answer, url = await walk.start(url)
    pages = [await walk.read(answer, url)]
    waiting = deque((link, 1) for link in pages[0].text.links if depth)
    while waiting and walk.may_go_on(pages):
        link, steps = waiting.popleft()
        if not walk.is_new(link):
            continue
        try:
            answer, arrived = await walk.get(link)
            page = await walk.read(answer, arrived)
        except _Elsewhere:
            continue
        except (Unfit, Later):
            walk.missed += 1
            continue
        pages.append(page)
        if steps < depth:
            waiting.extend((link, steps + 1) for link in page.text.links)
    return Site(pages, walk.size, walk.note(pages, any(walk.is_new(link) for link, _ in waiting)))


@dataclass
class _Walk:
    guarded: Guarded
    clock: Clock
    children: asyncio.Semaphore
    host: str = ""
    robots: RobotFileParser = field(default_factory=RobotFileParser)
    seen: set[str] = field(default_factory=set)
    size: int = 0
    missed: int = 0
    ends: float = field(default_factory=lambda: time.monotonic() + ALL_SECONDS)

    async def start(self, url: str) -> tuple[Answer, str]:
        """The first page decides which host this is about: example.com may send us on to www.example.com."""
        for _ in range(MOST_REDIRECTS + 1):
            self.host = _host(url)
            self.robots = await self._ask_robots(url)
            if not self.robots.can_fetch(AGENT, url):
                raise Unfit(f"{self.host} does not want this page to be read by programs (robots.txt).")
            answer = await self._request(url, LARGEST_PAGE)
            self.seen.add(_identity(url))
            if (onward := _onward(answer, url)) is None:
                return answer, url
            url = onward
        raise Unfit(f"The page leads on to other addresses more than {MOST_REDIRECTS} times.")

    async def get(self, url: str) -> tuple[Answer, str]:
        """A page that `is_new`, and where it came from in the end."""
        for _ in range(MOST_REDIRECTS + 1):
            if not self.robots.can_fetch(AGENT, url):
                raise _Elsewhere
            await self._keep_distance()
            answer = await self._request(url, LARGEST_PAGE)
            if (onward := _onward(answer, url)) is None:
                return answer, url
            if not self.is_new(onward):
                raise _Elsewhere
            url = onward
        raise Unfit("The page leads on and on.")

    async def read(self, answer: Answer, url: str) -> Page:
        if answer.status in (408, 425, 429) or answer.status >= 500:
            raise Later(f"{_host(url)} answered with status {answer.status}.")
        if answer.status != 200:
            raise Unfit(f"{_host(url)} answered with status {answer.status}.")
        declared, _, rest = answer.headers.get("Content-Type", "").partition(";")
        if declared and declared.strip().lower() not in _READ and not declared.strip().lower().startswith(_OFFICE):
            raise Unfit(f"{_host(url)} answered with {declared.strip()[:80]}, which is no page that can be read.")
        charset = rest.partition("charset=")[2].partition(";")[0].strip(" \"'") or None
        self.size += len(answer.body)
        text = await reading.read(self.children, _once(answer.body), Told(name=urlsplit(url).path, address=url, charset=charset))
        return Page(url, text)

    def is_new(self, url: str) -> bool:
        """Whether this page of this host was not tried yet; from now on it was."""
        identity = _identity(url)
        if identity in self.seen or _host(url) != self.host or urlsplit(url).path.lower().endswith(tuple(_NO_PAGE)):
            return False
        self.seen.add(identity)
        return True

    def may_go_on(self, pages: list[Page]) -> bool:
        tried = len(pages) + self.missed
        return tried < MOST_PAGES and time.monotonic() < self.ends and sum(page.text.characters for page in pages) < MOST_CHARACTERS

    def note(self, pages: list[Page], more: bool) -> str:
        said = []
        if self.missed:
            said.append(f"{self.missed} of {len(pages) + self.missed} pages could not be read.")
        if more:
            said.append(f"There are more pages than the {len(pages)} that were read.")
        if any(page.text.cut for page in pages):
            said.append("A page is longer than is taken.")
        return " ".join(said)

    async def _keep_distance(self) -> None:
        if delay := self.robots.crawl_delay(AGENT):
            await self.clock.sleep(min(float(delay), LONGEST_DELAY))

    async def _ask_robots(self, url: str) -> RobotFileParser:
        """RFC 9309: without a robots.txt everything is allowed; with one that cannot be had, nothing is."""
        parser = RobotFileParser()
        answer = await self._request(urljoin(url, "/robots.txt"), LARGEST_ROBOTS, elsewhere=True)
        if answer.status >= 500 or answer.status == 429:
            raise Later(f"{_host(url)} does not say what may be read (robots.txt: status {answer.status}).")
        allowed = answer.body.decode("utf-8", "replace") if answer.status == 200 else ""
        parser.parse(allowed.splitlines())
        return parser

    async def _request(self, url: str, largest: int, *, elsewhere: bool = False) -> Answer:
        """One request; with `elsewhere`, redirects are followed to anywhere that the door lets us go."""
        for _ in range(MOST_REDIRECTS + 1):
            try:
                answer = await self.guarded.request("GET", url, headers={"Accept": _ACCEPT}, timeout=PAGE_SECONDS, largest=largest)
            except Refused as refused:
                raise Unfit(refused.reason) from None
            except TooLong as too_long:
                raise Unfit(f"The page is too large. {too_long.reason}") from None
            except Unreadable as unreadable:
                raise Unfit(unreadable.reason) from None
            except NoAnswer as nothing:
                raise Later(nothing.reason) from None
            onward = _onward(answer, url) if elsewhere else None
            if onward is None:
                return answer
            url = onward
        return Answer(404, {}, b"")


def _onward(answer: Answer, url: str) -> str | None:
    """Where a redirect leads; None when it is none."""
    if answer.status not in (301, 302, 303, 307, 308) or not (location := answer.headers.get("Location")):
        return None
    try:
        return urldefrag(urljoin(url, location)).url
    except ValueError:
        raise Unfit(f"{_host(url)} leads on to an address that is none.") from None


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower().removesuffix(":443").removesuffix(":80")


def _identity(url: str) -> str:
    parts = urlsplit(urldefrag(url).url)
    return f"{_host(url)}{parts.path or '/'}?{parts.query}"


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
