"""HTML: the main text of a page, without its menus and frames, and the links on it."""

from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import trafilatura

from dragoman.agents.knowledge.readers.text import add_markdown, decode
from dragoman.agents.knowledge.text import MOST_LINKS, Collected, Text, Told, Unfit

LEAST = 200  # characters of main text, below which the whole page is taken


def read(data: bytes, told: Told) -> Text:
    page = decode(data, told.charset) if told.charset else data
    tree = trafilatura.load_html(page)
    if tree is None:
        raise Unfit("The page is not HTML that can be read.")
    title, links = _title(tree), _links(tree, told.address)
    main = trafilatura.extract(
        page, output_format="markdown", include_comments=False, include_tables=True, include_links=False, favor_recall=True, fast=True
    )
    if len(main or "") < LEAST:
        whole = trafilatura.html2txt(page)
        main = whole if len(whole) > 2 * len(main or "") else main
    found = Collected()
    add_markdown(found, main or "")
    return Text(kind="html", title=title, blocks=found.blocks, links=links, cut=found.full)


def _title(tree: Any) -> str:
    found = tree.find(".//title")
    return " ".join((found.text or "").split())[:200] if found is not None else ""


def _links(tree: Any, address: str | None) -> list[str]:
    if not address:
        return []
    base = next((urljoin(address, element.get("href")) for element in tree.iter("base") if element.get("href")), address)
    links: dict[str, None] = {}
    for element in tree.iter("a"):
        try:
            link = urldefrag(urljoin(base, (element.get("href") or "").strip())).url
            if urlsplit(link).scheme in ("http", "https") and "nofollow" not in (element.get("rel") or ""):
                links.setdefault(link)
        except ValueError:  # an address in brackets that is none
            continue
        if len(links) >= MOST_LINKS:
            break
    return list(links)
