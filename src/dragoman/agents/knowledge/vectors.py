"""Whether this database can keep vectors, and how they are written."""

import math
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from dragoman.store.database import Database

MOST_DIMS = 4000  # pgvector indexes no longer ones
LARGEST = 65504.0  # of a number of half precision

_KNOWN: WeakKeyDictionary[Database, bool] = WeakKeyDictionary()
_FOUND = "select to_regclass('passage_vectors') is not null as found"


async def kept(db: Database) -> bool:
    """Is there a table for them? That there is none is asked again each time, because pgvector may be installed while we run."""
    if not _KNOWN.get(db):
        row = await db.fetch_one(_FOUND)
        _KNOWN[db] = bool(row and row["found"])
    return _KNOWN[db]


def fits(vector: Sequence[float]) -> bool:
    """Whether it can be kept and compared."""
    return 0 < len(vector) <= MOST_DIMS and all(math.isfinite(value) and abs(value) <= LARGEST for value in vector)


def written(vector: Sequence[float]) -> str:
    return "[" + ",".join(map(repr, vector)) + "]"
