"""What agents write in Markdown, as customers see it in WhatsApp."""

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dragoman.whatsapp import markup
from dragoman.whatsapp.markup import from_markdown

CONVERTED = {
    "**bold**": "*bold*",
    "__bold__": "*bold*",
    "***both***": "_*both*_",
    "**bold _and italic_**": "*bold _and italic_*",
    "**bold *and italic***": "*bold _and italic_*",
    "*italic **and bold***": "_italic *and bold*_",
    "_italic **and bold**_": "_italic *and bold*_",
    "~~gone~~": "~gone~",
    "**Name:**Dana": "*Name:*Dana",
    "**营业时间：**九点": "*营业时间：*九点",
    "**Bakery Lumen\n1 Mill Lane**": "*Bakery Lumen*\n*1 Mill Lane*",
    "`` a`b ``": "```a`b```",
    "```python\nprint('tart')\n```": "```print('tart')```",
    "```\none\n  two\n```": "```\none\n  two\n```",
    "~~~\none\ntwo\n~~~": "```\none\ntwo\n```",
    "# Opening **hours**": "*Opening hours*",
    "### 5* tarts": "5* tarts",
    "## `code`": "*`code`*",
    "* lemon\n* **plum**": "- lemon\n- *plum*",
    "* lemon\n  * small\n  * large\n* plum": "- lemon\n  - small\n  - large\n- plum",
    "1. **mix**\n1. bake\n1. eat": "1. *mix*\n2. bake\n3. eat",
    "[our shop](https://lumen.example/shop)": "our shop (https://lumen.example/shop)",
    "[https://lumen.example](https://lumen.example/)": "https://lumen.example/",
    "[lumen.example](https://www.lumen.example)": "https://www.lumen.example",
    "[**our** shop](https://lumen.example)": "*our* shop (https://lumen.example)",
    "[write](mailto:hi@lumen.example)": "write (hi@lumen.example)",
    "[hi@lumen.example](mailto:hi@lumen.example)": "hi@lumen.example",
    "[call](tel:+15550001234)": "call (+15550001234)",
    "<https://lumen.example>": "https://lumen.example",
    "![tart](https://lumen.example/t.png)": "https://lumen.example/t.png",
    "**See https://lumen.example/a_b**.": "*See https://lumen.example/a_b*.",
    "> **Dana**\n> wrote": "> *Dana*\n> wrote",
    "| Tart | Price |\n|---|--:|\n| **Lemon** | $5 |\n| Plum | $4 |": "*Tart* | *Price*\n*Lemon* | $5\nPlum | $4",
    r"2 \* 3": "2 * 3",
    "Hi\r\n\r\n**Dana**": "Hi\n\n*Dana*",
    "**Hi**\n\n\n\nDana": "*Hi*\n\n\n\nDana",
    "- [ ] **todo**": "- [ ] *todo*",
    "```total\n5```\n**x**": "```total\n5```\n*x*",
}

UNCHANGED = [
    "Hi Dana, two tarts are ready.",
    "*bold*",
    "_italic_",
    "~gone~",
    "`code`",
    "```code```",
    "```several\nlines```",
    "It prints ```several\nlines``` and *stops*",
    "```a\nb``` then ```c\nd```",
    "- lemon\n- plum",
    "+ *lemon*\n+ plum",
    "1. *mix*\n2. bake\n7. eat",
    "1) *mix*\n2) bake",
    "> quoted\nand not",
    ">18 years *only*",
    ">:( *sad*",
    "5 * 3 * 2",
    "5*3",
    "snake_case_name and __",
    "https://lumen.example/a_b_c?x=*y*&z=__w__",
    "see [1] and f[x](y) and [2](3)",
    "a ~ b ~~ c",
    "* ",
    "**",
    "****",
    "*\n\n*",
    "#1 is *lemon*",
    "#",
    "Name:\n______",
    "*above*\n---\n*below*",
    "AT&amp;T <b>*bold*</b> <br> x",
    "   spaces   inside and\n   in *front*",
    "C:\\tarts\\lemon",
    "$5 | $4",
    "> one\n\n> *two*",
]


@pytest.mark.parametrize("written", CONVERTED)
def test_markdown_becomes_whatsapp_markup(written):
    assert from_markdown(written) == CONVERTED[written]


@pytest.mark.parametrize("shown", CONVERTED.values())
def test_converting_twice_changes_nothing_more(shown):
    assert from_markdown(shown) == shown


@pytest.mark.parametrize("written", UNCHANGED)
def test_everything_else_stays_as_it_was_written(written):
    assert from_markdown(written).strip() == written.strip()


def test_text_without_markdown_never_meets_the_parser(monkeypatch):
    monkeypatch.setattr(markup, "_parser", None)
    text = "Hi Dana!\n\n- 2 lemon tarts ($5 each), order #12\n1) pick up at 5pm > before closing\nhttps://lumen.example"
    assert from_markdown(text) is text


word = st.text("abcXYZ0189äß今", min_size=1, max_size=6)
phrase = st.lists(word, min_size=1, max_size=3).map(" ".join)
marked = st.one_of(
    phrase, *(phrase.map(f"{mark}{{}}{mark}".format) for mark in ("*", "_", "~", "`", "```")), st.just("https://lumen.example/a_b_c")
)
line = st.lists(marked, min_size=1, max_size=4).map(" ".join)
block = st.one_of(line, st.lists(line.map("- {}".format), min_size=1, max_size=3).map("\n".join), line.map("> {}".format))
native = st.lists(block, min_size=1, max_size=4).map("\n\n".join)


@settings(deadline=None)
@given(native)
def test_whatsapp_markup_comes_out_as_it_went_in(text):
    assert from_markdown(text) == text


pieces = ["*", "**", "_", "__", "~~", "`", "```", "\n", "\n\n", " ", "# ", "> ", "- ", "1. ", "[a](https://b.c)", "| a | b |\n|--|--|\n", "\\", "tart", "Dana", "5"]  # fmt: skip
written = st.one_of(st.text(), st.lists(st.sampled_from(pieces), max_size=25).map("".join))


@settings(deadline=None)  # the machine may be busy
@given(written)
@example("> " * 120 + "deep")
@example("- " * 120 + "deep")
@example("[" * 300 + "deep" + "](https://b.c)" * 300)
def test_no_word_is_ever_lost(text):
    shown = from_markdown(text)
    if "```" not in text and "~~~" not in text:  # the name of a code block's language is not shown
        assert re.findall(r"tart|Dana|deep", shown) == re.findall(r"tart|Dana|deep", text)


NASTY = {
    "stars": "*" * 40_000,
    "opened": "**a " * 10_000,
    "emphasis around emphasis": "**" + "*a*" * 13_000,
    "links": "[a](" * 10_000,
    "brackets": "[" * 40_000,
    "quotes": "> " * 20_000,
    "code": "x ```a\n" * 5_500,
    "table": "|a|b|\n|-|-|\n" + "|x|y\n" * 8_000,
}


@pytest.mark.parametrize("name", NASTY)
def test_no_text_takes_long(name):
    began = time.perf_counter()
    from_markdown(NASTY[name])
    assert time.perf_counter() - began < 10  # about 0.3 s; the square of the length would be minutes
