"""XLSX: each sheet a heading, each row a line of "column: value"."""

import io

from openpyxl import load_workbook  # type: ignore[import-untyped]

from dragoman.agents.knowledge.readers.tables import rows
from dragoman.agents.knowledge.text import MOST_ROWS, Collected, Text, Told

MOST_COLUMNS = 64


def read(data: bytes, told: Told) -> Text:
    workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    found, cut = Collected(), False
    for sheet in workbook.worksheets:
        sheet.reset_dimensions()  # what the file says of its size may be anything
        found.add(str(sheet.title), 1)
        cells = sheet.iter_rows(max_row=MOST_ROWS + 1, max_col=MOST_COLUMNS, values_only=True)
        cut = rows(found, ([_text(value) for value in row] for row in cells)) or cut
    return Text(kind="xlsx", blocks=found.blocks, cut=cut or found.full)


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else " ".join(str(value).split())
