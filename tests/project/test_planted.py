"""What docs/reliability.md says about planted bugs is so, and each bug that is planted is really tried."""

import importlib

from tests.crash.planted import PLANTED
from tests.planted.bugs import BUGS
from tests.planted.finding import titled
from tests.planted.table import RELIABILITY, count, sentence, table


def test_the_document_has_every_planted_bug():
    text = RELIABILITY.read_text()
    assert table() in text, "run: make docs"
    assert sentence() in text, "run: make docs"


def test_there_are_at_least_forty_of_different_names():
    assert count() >= 40
    assert not set(PLANTED) & set(BUGS)


def test_each_is_tried_where_it_is_found():
    folders = {bug.found_by[0] for bug in BUGS.values()}
    tried = {name for folder in folders for name in vars(importlib.import_module(f"tests.{folder}.test_planted_bugs"))}
    assert {name for name in BUGS if titled(name) not in tried} == set()
