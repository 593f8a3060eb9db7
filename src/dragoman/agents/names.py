"""Names for tools, made from what people call things: models take letters, digits and underscores, 64 of them."""

import re
import unicodedata
from collections.abc import Iterable

LONGEST = 64


def tool_names(wanted: Iterable[str], otherwise: str) -> list[str]:
    """A name for each, in order and no two the same; `otherwise` where nothing of a name can be kept."""
    given: list[str] = []
    for text in wanted:
        name = first = _plain(text)[:LONGEST].strip("_") or otherwise
        count = 1
        while name in given:
            count += 1
            name = f"{first[: LONGEST - 4]}_{count}"
        given.append(name)
    return given


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", letters.lower()).strip("_")
