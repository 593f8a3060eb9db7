"""docs/security-tests.md names every security test of the list once, and what it names is there."""

import re
from functools import cache

import pytest
from tests.project.source import ROOT, functions

TABLE = ROOT / "docs" / "security-tests.md"
# How many the threat model has of each kind: customers, tenants, agents, tools, files, stolen data, the network, supply.
LIST = {"A": 9, "B": 12, "C": 7, "D": 10, "E": 7, "F": 7, "G": 14, "H": 3}
NUMBERS = [f"S-{kind}{n:02}" for kind, count in LIST.items() for n in range(1, count + 1)]
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
# What a row may say in the place of a test, each with its reason behind it.
EXCUSES = ("does not apply: ", "not there: ", "needs none: ")


@cache
def rows():
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("| S-")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@cache
def there():
    found = set()
    for name, _ in functions("tests"):
        path, _, rest = name.partition(":")
        found.add((path.removeprefix("tests/"), rest.split()[-1]))
    return found


def test_every_number_of_the_list_has_its_row():
    assert [row[0] for row in rows()] == NUMBERS


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_row_names_tests_that_are_there_or_says_why_none_is(row):
    assert amiss(row) == []


def amiss(row):
    """What is wrong with a row, in words."""
    if len(row) != 4:
        return [f"{len(row)} cells instead of 4"]
    wrong = [f"no test {test[0]}::{test[1]}" for cell in row for test in NAMED.findall(cell) if test not in there()]
    wrong += [f"neither a test nor a reason: {cell}" for cell in row[2:] if not NAMED.search(cell) and not _excused(cell)]
    if not NAMED.search(row[2]) and NAMED.search(row[3]):
        wrong.append("a negative control of nothing")
    return wrong


def _excused(cell):
    return any(cell.startswith(excuse) and len(cell) > len(excuse) for excuse in EXCUSES)


def test_a_wrong_row_is_seen():
    here = "`project/test_security_table.py::test_a_wrong_row_is_seen`"
    assert amiss(["S-X01", "Shown.", here, here]) == []
    assert amiss(["S-X01", "Shown.", here, "not there: too big"]) == []
    assert amiss(["S-X01", "Shown.", "`project/test_security_table.py::test_gone`", here])
    assert amiss(["S-X01", "Shown.", here, ""])
    assert amiss(["S-X01", "Shown.", here, "not there: "])
    assert amiss(["S-X01", "Shown.", "not there: too big", here])
    assert amiss(["S-X01", here, here])
