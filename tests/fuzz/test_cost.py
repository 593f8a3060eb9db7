"""What an answer costs: hostile Markdown takes the processor hardly longer than a letter of the same size."""

import json
import time

import pytest

from dragoman.agents.answers import Unrecognised, read
from dragoman.whatsapp.markup import MOST_SIGNS, from_markdown, signs
from dragoman.whatsapp.splitting import pieces

PLAIN = "We bake bread, and more of it tomorrow. "
TIMES = 60  # 8 ms for plain text, 20 to 200 ms for Markdown of the worst kind; once it was 2,600 ms, and 10,000 for tables
TABLE = "|a" * 100 + "|\n" + "|-" * 100 + "|\n" + "a\n" * 655 + "\n"
HOSTILE = [
    "*_",
    "**a ",
    "``a ",
    "![",
    "[",
    "[`a` ",
    "[a](",
    "<http://a>",
    "- *a\n",
    "+ *a\n  - b\n",
    "# a\n",
    "|a|b|\n",
    "~~a ",
    "*a\n",
    TABLE,
    "> - 1. *a",
]


def spent(work, *args):
    """The least of three, in seconds of the processor."""
    return min(_once(work, *args) for _ in range(3))


def _once(work, *args):
    began = time.process_time()
    work(*args)
    return time.process_time() - began


def answer(texts):
    body = json.dumps(texts, ensure_ascii=False).encode()
    return lambda: read(body, "application/json")


def plain():
    return spent(answer([PLAIN * 200] * 10))


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_markdown_costs_no_more_than_some_letters(unit):
    one = unit * (40_000 // len(unit))
    some = max(1, MOST_SIGNS // 10 // max(1, signs(unit * 1000) // 1000 or 1))  # just as many as are still read
    costs = [spent(answer(one)), spent(answer([unit * (25_000 // len(unit))] * 10)), spent(answer([unit * some] * 10))]
    assert max(costs) < TIMES * plain(), f"{[round(cost * 1000) for cost in costs]} ms"


@pytest.mark.parametrize("unit", HOSTILE)
def test_cutting_marked_text_costs_no_more_than_cutting_plain_text_often(unit):
    text = unit * (80_000 // len(unit))
    assert spent(pieces, text, 4096) < 15 * spent(pieces, PLAIN * 2000, 4096)


def test_an_answer_of_nothing_but_signs_is_refused_with_the_reason():
    refused = read(json.dumps(["*_" * 1000] * 10).encode(), "application/json")
    assert isinstance(refused, Unrecognised)
    assert refused.reason == "the answer holds more than 12,000 signs of markup and line breaks; shorten it"
    assert from_markdown("**a** " * 4000) == "**a** " * 4000, "and as one text it stays as it was written"
    assert from_markdown("**a** " * 2000).startswith("*a* *a*")


def test_a_table_ends_where_cells_are_missing():
    assert from_markdown("| a | b | c |\n|---|---|---|\n| 1 | 2 | 3 |\nBread") == "*a* | *b* | *c*\n1 | 2 | 3\nBread"
