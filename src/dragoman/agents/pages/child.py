"""A process of its own that finds the main text of one web page: HTML comes in, text goes out, and nothing else is possible.

A page of a few hundred kilobytes can keep the parser busy for minutes, so this is meant to be killed: it holds no secret, opens no
file, and has an end to its memory and its time.

    python -m dragoman.agents.pages.child URL CHARSET LONGEST
"""

import sys
from contextlib import suppress
from typing import Final

import trafilatura
from trafilatura.settings import use_config

try:
    import resource
except ImportError:  # Windows has no such limits; the time that its parent gives it remains
    resource = None  # type: ignore[assignment]

MEMORY: Final = 768 * 1024 * 1024
SECONDS: Final = 10


def main() -> None:
    _limit()
    url, charset, longest = sys.argv[1:4]
    found = text_of(_decoded(sys.stdin.buffer.read(), charset), url)
    sys.stdout.buffer.write(found[: int(longest)].encode("utf-8", "replace"))


def text_of(page: str | bytes, url: str) -> str:
    """What a reader comes for, as Markdown: without menus, footers and scripts. "" for a page without words."""
    config = use_config()
    # Its own limits are made for articles; a menu with three prices is a page to us.
    for name, value in {"min_extracted_size": "20", "min_output_size": "1", "extraction_timeout": "0"}.items():
        config.set("DEFAULT", name, value)
    found = trafilatura.extract(
        page, url=url, output_format="markdown", include_comments=False, include_links=True, favor_recall=True, config=config
    )
    return (found or trafilatura.html2txt(page) or "").strip()


def _decoded(page: bytes, charset: str) -> str | bytes:
    """The server's word for its charset, where it has a known one; else trafilatura guesses."""
    try:
        return page.decode(charset, "replace") if charset else page
    except LookupError:
        return page


def _limit() -> None:
    if resource is not None:
        for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_FSIZE, 0)):
            with suppress(ValueError, OSError):  # macOS takes not all of them
                resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
