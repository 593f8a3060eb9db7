"""Tables with a row of headings: each further row is told in full, because a passage may hold it without the headings."""

from collections.abc import Iterable

from dragoman.agents.knowledge.text import MOST_ROWS, Collected


def rows(found: Collected, table: Iterable[list[str]]) -> bool:
    """Add the rows; True when there are more than are taken."""
    head: list[str] | None = None
    for n, cells in enumerate(table):
        if n >= MOST_ROWS or found.full:
            return True
        if not any(cells):
            continue
        if head is None:
            head = cells
            if not _names(cells):
                found.add(_line([], cells), row=True)
            continue
        found.add(_line(head if _names(head) else [], cells), row=True)
    return False


def _names(cells: list[str]) -> bool:
    """Do these look like the names of columns: several short texts, none of them a number?"""
    filled = [cell for cell in cells if cell]
    return len(filled) > 1 and all(len(cell) <= 60 and not cell.replace(".", "").replace(",", "").isdigit() for cell in filled)


def _line(head: list[str], cells: list[str]) -> str:
    named = [*head, *[""] * max(0, len(cells) - len(head))]
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in zip(named, cells, strict=False) if cell)
