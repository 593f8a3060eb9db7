"""A text becomes passages: pieces that can be found, read and cited alone.

A passage stays within one section and knows the way to it ("Hotel › Breakfast"). It has about `TOKENS` tokens and begins, when its
section goes on, with the end of the passage before it, so that what stands at the seam is found whole.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from dragoman.agents.knowledge.text import Block

TOKENS = 350
OVERLAP = 50
LONGEST_HEADING = 250

_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")
# What is not to be seen: control characters, changes of the writing direction, tags. Text for a model is also read by people.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u2060\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")
_SURROGATES = re.compile("[\ud800-\udfff]")


class Piece(NamedTuple):
    heading: str
    text: str
    url: str | None = None

    @property
    def tokens(self) -> int:
        return tokens_of(self.text) + tokens_of(self.heading)


def tokens_of(text: str) -> int:
    """An estimate, a quarter of the bytes: near enough for English (a token is about four letters), for Cyrillic (two bytes a
    letter, a token about two letters) and for Chinese (three bytes, about one token). Only sizes of passages hang on it."""
    return (len(text.encode("utf-8", "replace")) + 3) // 4


def clean(text: str) -> str:
    """Without what nobody sees, and what PostgreSQL does not take."""
    return _SURROGATES.sub("�", _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))).strip()


def chunk(title: str, blocks: Iterable[Block], url: str | None = None) -> Iterator[Piece]:
    """Pieces in order. `title` begins the way to every section, unless the first heading says the same."""
    section = _Section(clean(title), url)
    for block in blocks:
        if not (text := clean(block.text)):
            continue
        if block.level:
            yield from section.end()
            yield from section.turn(text, block.level)
        else:
            yield from section.add(text, block.page, row=block.row)
    yield from section.end()
    yield from section.turn("", 0)


@dataclass
class _Section:
    title: str
    url: str | None
    path: list[tuple[int, str]] = field(default_factory=list)
    page: int | None = None
    texts: list[str] = field(default_factory=list)
    size: int = 0
    fresh: bool = False  # there is more than the overlap
    told: bool = True  # the last heading has had a passage

    def turn(self, heading: str, level: int) -> Iterator[Piece]:
        """A heading with nothing below it is a passage itself."""
        if not self.told and level <= self.path[-1][0]:
            *self.path, (_, alone) = self.path
            yield Piece(self._heading(), alone, self.url)
        self.path = [step for step in self.path if step[0] < level] + [(level, " ".join(heading.split()))]
        self.told = False

    def add(self, text: str, page: int | None, *, row: bool) -> Iterator[Piece]:
        for part in _parts(text):
            size = tokens_of(part)
            if self.fresh and (self.size + size > TOKENS or (page != self.page and self.size > TOKENS // 2)):
                yield self._piece()
                self._keep_overlap(row)
            if not self.fresh:
                self.page = page
            self.texts.append(part)
            self.size += size
            self.fresh = True

    def end(self) -> Iterator[Piece]:
        """The rest of the section."""
        if self.fresh:
            yield self._piece()
        self.texts, self.size, self.fresh = [], 0, False

    def _piece(self) -> Piece:
        self.told = True
        return Piece(self._heading(), "\n".join(self.texts), self.url)

    def _heading(self) -> str:
        steps = [self.title] if self.title else []
        steps += [name for _, name in self.path if name != self.title]
        if self.page is not None and not any(name.startswith("Slide ") for name in steps):
            steps.append(f"page {self.page}")
        return " › ".join(steps)[-LONGEST_HEADING:]

    def _keep_overlap(self, row: bool) -> None:
        last = "" if row else _tail(self.texts[-1])
        self.texts, self.size, self.fresh = [last] if last else [], tokens_of(last), False


def _parts(text: str) -> Iterator[str]:
    """`text` whole when it fits into a passage, else in sentences, else cut."""
    if tokens_of(text) <= TOKENS:
        yield text
        return
    gathered = ""
    for sentence in _sentences(text):
        if gathered and tokens_of(gathered) + tokens_of(sentence) > TOKENS - OVERLAP:
            yield gathered
            gathered = ""
        gathered = f"{gathered} {sentence}".strip()
    yield gathered


def _sentences(text: str) -> Iterator[str]:
    most = TOKENS * 2  # characters: fits even where a character is a token
    for sentence in _SENTENCE.split(text):
        while len(sentence) > most:
            cut = sentence.rfind(" ", most // 2, most)
            cut = cut if cut > 0 else most
            yield sentence[:cut].strip()
            sentence = sentence[cut:].strip()
        if sentence.strip():
            yield sentence.strip()


def _tail(text: str) -> str:
    """The last sentences of a text, as many as fit into the overlap."""
    kept = ""
    for sentence in reversed(_SENTENCE.split(text)):
        if tokens_of(sentence) + tokens_of(kept) > OVERLAP:
            break
        kept = f"{sentence} {kept}".strip()
    return kept
