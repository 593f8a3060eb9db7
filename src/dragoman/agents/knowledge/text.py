"""What a reader makes of a file: its text as blocks in order. Crosses from the child process as JSON."""

from typing import Literal

import msgspec

Kind = Literal["pdf", "docx", "xlsx", "pptx", "html", "csv", "text"]

MIME_TYPES: dict[Kind, str] = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "html": "text/html",
    "csv": "text/csv",
    "text": "text/plain",
}

MOST_CHARACTERS = 2_000_000
MOST_PAGES = 2000
MOST_ROWS = 50_000
MOST_LINKS = 500


class Unfit(Exception):
    """A file or page that cannot be used, and will not be when it is tried again. The message is the cause, for people."""


class Later(Exception):
    """Not now, perhaps later: a site that is down. The message is the cause, for people."""


class Block(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """`level` is 1 to 6 for a heading, 0 for a paragraph. A `row` of a table stands alone: it is not run together with others."""

    text: str
    level: int = 0
    page: int | None = None
    row: bool = False


class Told(msgspec.Struct, frozen=True):
    """What the child is told of a file beside its bytes: a name (a hint only), and of a web page its address and charset."""

    name: str = ""
    address: str | None = None
    charset: str | None = None


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """`links` are absolute addresses on a web page; `cut`: there was more than is taken."""

    kind: Kind = "text"
    title: str = ""
    blocks: list[Block] = []
    links: list[str] = []
    cut: bool = False
    error: str = ""

    @property
    def mime_type(self) -> str:
        return MIME_TYPES[self.kind]

    @property
    def characters(self) -> int:
        return sum(len(block.text) for block in self.blocks)


class Collected:
    """Blocks, until there are enough characters."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.left = MOST_CHARACTERS

    @property
    def full(self) -> bool:
        return self.left <= 0

    def add(self, text: str, level: int = 0, page: int | None = None, *, row: bool = False) -> None:
        if (text := text.strip()) and not self.full:
            self.blocks.append(Block(text[: self.left], level, page, row))
            self.left -= len(text)
