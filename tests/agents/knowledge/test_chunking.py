import itertools

from hypothesis import given
from hypothesis import strategies as st

from dragoman.agents.knowledge.chunking import OVERLAP, TOKENS, chunk, clean, tokens_of
from dragoman.agents.knowledge.readers.text import add_markdown
from dragoman.agents.knowledge.text import Block, Collected


def pieces(markdown, title="", url=None):
    found = Collected()
    add_markdown(found, markdown)
    return list(chunk(title, found.blocks, url))


def sentences(count):
    return " ".join(f"Sentence number {n} says something about bread." for n in range(count))


def test_each_section_is_a_passage_that_knows_the_way_to_it():
    found = pieces("# Hotel\n\nBy the lake.\n\n## Breakfast\n\nFrom seven.\n\n## Dogs\n\n### Where\n\nIn the garden wing.\n")
    assert [(piece.heading, piece.text) for piece in found] == [
        ("Hotel", "By the lake."),
        ("Hotel › Breakfast", "From seven."),
        ("Hotel › Dogs › Where", "In the garden wing."),
    ]


def test_the_title_leads_the_way_and_is_not_said_twice():
    assert [piece.heading for piece in pieces("# Guide\n\nHello.\n\n## Pool\n\nWarm.", title="Guide")] == ["Guide", "Guide › Pool"]
    assert [piece.heading for piece in pieces("Hello.", title="Guide")] == ["Guide"]


def test_a_heading_with_nothing_below_it_is_not_lost():
    assert [(piece.heading, piece.text) for piece in pieces("# Do you bake on Sundays?\n\n# Prices\n\n2.10\n\n# No dogs")] == [
        ("", "Do you bake on Sundays?"),
        ("Prices", "2.10"),
        ("", "No dogs"),
    ]


def test_a_long_section_is_cut_between_sentences_and_the_cuts_overlap():
    found = pieces(f"# Bread\n\n{sentences(100)}")
    assert len(found) > 2
    assert all(piece.tokens <= TOKENS + OVERLAP + 5 for piece in found)
    assert all(piece.heading == "Bread" for piece in found)
    for before, after in itertools.pairwise(found):
        assert after.text.startswith("Sentence")
        seam = after.text.split(".")[0]
        assert seam in before.text
    assert all(f"Sentence number {n} " in " ".join(piece.text for piece in found) for n in range(100))


def test_rows_of_a_table_are_whole_and_not_repeated():
    rows = [Block(f"Article: Loaf {n}; Price: {n}.20", row=True) for n in range(200)]
    found = list(chunk("Prices", rows))
    lines = [line for piece in found for line in piece.text.splitlines()]
    assert lines == [row.text for row in rows]


def test_pages_are_named():
    blocks = [Block("Hello.", 0, 1), Block("Still.", 0, 2), Block(sentences(30), 0, 3), Block("Bye.", 0, 4)]
    found = list(chunk("Guide", blocks))
    assert [piece.heading for piece in found] == ["Guide › page 1", "Guide › page 3", "Guide › page 4"]  # short pages go together
    assert found[0].text == "Hello.\nStill."
    assert found[2].text.endswith("Bye.")


def test_what_nobody_sees_is_taken_out():
    assert clean("a\u202eb\u200bc\x00d\U000e0041e\u2066f\ud800g") == "abcdef�g"
    assert clean("two\r\nlines\tand a tab") == "two\nlines\tand a tab"
    assert clean("שלום नमस्ते 👩‍👩‍👧") == "שלום नमस्ते 👩‍👩‍👧"


@given(st.lists(st.tuples(st.text(max_size=3000), st.integers(0, 6), st.booleans()), max_size=20))
def test_whatever_is_written_becomes_passages_of_bounded_size(blocks):
    found = list(chunk("", [Block(text, level, None, row) for text, level, row in blocks]))
    for piece in found:
        assert piece.text
        assert "\x00" not in piece.text
        assert len(piece.heading) <= 250
        piece.text.encode()
        assert tokens_of(piece.text) <= 2 * (TOKENS + OVERLAP) or len(piece.text.split()) == 1 or piece.text == clean(piece.text)
