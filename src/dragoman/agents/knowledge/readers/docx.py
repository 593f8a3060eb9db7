"""DOCX: paragraphs, headings by their style, tables row by row."""

import io
import re

from docx import Document
from docx.table import Table

from dragoman.agents.knowledge.text import MOST_ROWS, Collected, Text, Told


def read(data: bytes, told: Told) -> Text:
    document = Document(io.BytesIO(data))
    found = Collected()
    for part in document.iter_inner_content():
        if found.full:
            break
        if isinstance(part, Table):
            _rows(found, part)
        else:
            style = (part.style.name if part.style else "") or ""
            found.add(part.text, _level(style))
    return Text(kind="docx", title=document.core_properties.title or "", blocks=found.blocks, cut=found.full)


def _level(style: str) -> int:
    if style == "Title":
        return 1
    numbered = re.fullmatch(r"Heading (\d)", style)
    return min(int(numbered[1]), 6) if numbered else 0


def _rows(found: Collected, table: Table) -> None:
    for n, row in enumerate(table.rows):
        if n >= MOST_ROWS or found.full:
            break
        texts: list[str] = []
        for cell in row.cells:  # a merged cell is told once for each column it covers
            text = " ".join(cell.text.split())
            if text and (not texts or texts[-1] != text):
                texts.append(text)
        found.add(" | ".join(texts), row=True)
