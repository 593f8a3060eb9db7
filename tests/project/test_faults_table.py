"""docs/faults.md has a row for every fault of the bar, and every test that it names is there."""

import re

import pytest
from tests.project.source import ROOT

NUMBERS = [f"F-{n:02}" for n in range(1, 55)]
ROW = re.compile(r"^\| (F-\d\d) \| (.+) \| (.*) \| (.+) \|$", re.M)
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def rows():
    return ROW.findall((ROOT / "docs/faults.md").read_text())


def missing(shown):
    """The tests in this cell that are not there."""
    for path, name in NAMED.findall(shown):
        file = ROOT / "tests" / path
        if not file.exists() or not re.search(rf"^(async )?def {name}\(", file.read_text(), re.M):
            yield f"{path}::{name}"


def test_every_fault_has_its_row():
    assert [number for number, *_ in rows()] == NUMBERS


def test_every_row_names_a_test_or_says_why_there_is_none():
    silent = [n for n, _, _, shown in rows() if not NAMED.search(shown) and not shown.startswith(("does not apply: ", "not there"))]
    assert silent == []


def test_every_row_with_a_test_says_what_dragoman_does():
    assert [number for number, _, does, shown in rows() if NAMED.search(shown) and len(does) < 20] == []


def test_every_test_that_is_named_is_there():
    assert {number: gone for number, _, _, shown in rows() if (gone := list(missing(shown)))} == {}


@pytest.mark.parametrize("shown", ["`crash/test_nowhere.py::test_x`", "`crash/test_points.py::test_nothing_of_the_kind`"])
def test_a_test_that_is_not_there_is_noticed(shown):
    assert list(missing(shown))
