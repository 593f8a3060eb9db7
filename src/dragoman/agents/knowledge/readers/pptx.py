"""PPTX: each slide a heading with its title, then its texts, tables and notes."""

import io
from collections.abc import Iterable
from typing import Any

from pptx import Presentation

from dragoman.agents.knowledge.text import MOST_PAGES, Collected, Text, Told

DEEPEST = 10  # groups within groups


def read(data: bytes, told: Told) -> Text:
    presentation = Presentation(io.BytesIO(data))
    found = Collected()
    slides = list(presentation.slides)
    for number, slide in enumerate(slides[:MOST_PAGES], 1):
        title = slide.shapes.title
        name = " ".join(title.text_frame.text.split()) if title is not None and title.has_text_frame else ""
        found.add(f"Slide {number}: {name}" if name else f"Slide {number}", 2, number)
        _shapes(found, (shape for shape in slide.shapes if title is None or shape.shape_id != title.shape_id), number, DEEPEST)
        if slide.has_notes_slide and (notes := slide.notes_slide.notes_text_frame) is not None:
            found.add(notes.text, 0, number)
    return Text(
        kind="pptx", title=presentation.core_properties.title or "", blocks=found.blocks, cut=found.full or len(slides) > MOST_PAGES
    )


def _shapes(found: Collected, shapes: Iterable[Any], page: int, deeper: int) -> None:
    for shape in shapes:
        if found.full:
            return
        if shape.shape_type is not None and hasattr(shape, "shapes") and deeper:
            _shapes(found, shape.shapes, page, deeper - 1)
        elif getattr(shape, "has_table", False):
            for row in shape.table.rows:
                found.add(" | ".join(" ".join(cell.text.split()) for cell in row.cells), 0, page, row=True)
        elif shape.has_text_frame:
            found.add(shape.text_frame.text, 0, page)
