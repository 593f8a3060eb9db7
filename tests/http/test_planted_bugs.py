"""Each bug that is planted on purpose (`tests/planted/bugs.py`) makes the test fail that is there to find it."""

from tests.planted.finding import finders

globals().update(finders("http"))
