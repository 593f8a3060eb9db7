"""Text, Markdown and CSV. Markdown stays as it is: models read it well; only its headings are told apart."""

import csv
import io
import re

from dragoman.agents.knowledge.readers.tables import rows
from dragoman.agents.knowledge.text import Collected, Text, Told

_HEADING = re.compile(r"(#{1,6})\s+(\S.*)")
_UNDERLINE = re.compile(r"(=+|-+)\s*")
_FENCE = re.compile(r"\s*(```|~~~)")
_GAP = re.compile(r"\n{3,}")
_ROW = re.compile(r"\s*\|.*\|\s*")
DELIMITERS = ",;\t|"


def read(data: bytes, told: Told) -> Text:
    text = decode(data, told.charset)
    if delimiter := _delimiter(text, told.name):
        found = Collected()
        cut = rows(
            found, ([" ".join(cell.split()) for cell in row] for row in csv.reader(io.StringIO(text, newline=None), delimiter=delimiter))
        )
        return Text(kind="csv", blocks=found.blocks, cut=cut or found.full)
    found = Collected()
    add_markdown(found, text)
    return Text(kind="text", blocks=found.blocks, cut=found.full)


def decode(data: bytes, charset: str | None) -> str:
    """As text: by its byte order mark, as UTF-8, in the declared charset, or the usual one of Windows."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    for name in ("utf-8-sig", charset):
        try:
            if name:
                return data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("cp1252", "replace")


def _delimiter(text: str, name: str) -> str | None:
    """What separates the columns, when the first lines all have the same number of them."""
    lines = [line for line in text[:20_000].splitlines()[:20] if line.strip()]
    if len(text) > 20_000:
        lines = lines[:-1]
    table = name.lower().endswith((".csv", ".tsv"))
    if len(lines) < (1 if table else 3) or any(_HEADING.fullmatch(line) or _ROW.fullmatch(line) for line in lines):
        return None
    for delimiter in DELIMITERS:
        widths = {len(row) for row in csv.reader(lines, delimiter=delimiter)}
        if len(widths) == 1 and widths.pop() > 1:
            return delimiter
    return "," if table else None


def add_markdown(found: Collected, text: str) -> None:
    paragraph: list[str] = []
    fenced = False
    for line in _GAP.sub("\n\n", text).splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else _HEADING.fullmatch(line)
        if not fenced and paragraph and len(paragraph) == 1 and _UNDERLINE.fullmatch(line):
            found.add(paragraph[0], 1 if line[0] == "=" else 2)
            paragraph = []
        elif heading:
            found.add("\n".join(paragraph))
            found.add(heading[2].rstrip().rstrip("#"), len(heading[1]))
            paragraph = []
        elif line.strip() or fenced:
            paragraph.append(line.rstrip())
        else:
            found.add("\n".join(paragraph))
            paragraph = []
        if found.full:
            return
    found.add("\n".join(paragraph))
