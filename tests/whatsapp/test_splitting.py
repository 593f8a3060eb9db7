"""Where a text that is too long for one message is cut."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.whatsapp.splitting import pieces

MOST = 60


def test_a_short_text_stays_whole():
    assert pieces("Hi Dana", MOST) == ["Hi Dana"]


def test_nothing_makes_no_piece():
    assert pieces(" \n ", MOST) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One two three four five. Six\n\nSeven eight nine ten eleven twelve thirteen", ["One two three four five. Six", "Seven eight nine ten eleven twelve thirteen"]),
        ("One two three four five. Six\nseven eight nine ten eleven twelve thirteen", ["One two three four five. Six", "seven eight nine ten eleven twelve thirteen"]),
        ("One two three four five. Six seven eight nine ten eleven twelve thirteen", ["One two three four five.", "Six seven eight nine ten eleven twelve thirteen"]),
        ("One two three four five “six!” Seven eight nine ten eleven twelve thirteen", ["One two three four five “six!”", "Seven eight nine ten eleven twelve thirteen"]),
        ("One two three four five six seven eight nine ten eleven twelve thirteen", ["One two three four five six seven eight nine ten eleven", "twelve thirteen"]),
        ("x" * 70, ["x" * 60, "x" * 10]),
        ("今日はレモンタルトを焼きました。" * 5, ["今日はレモンタルトを焼きました。" * 3, "今日はレモンタルトを焼きました。" * 2]),
    ],
    ids=["paragraph", "line", "sentence", "sentence with quotes", "word", "anywhere", "sentence without spaces"],
)  # fmt: skip
def test_a_text_is_cut_at_the_best_place(text, expected):
    assert pieces(text, MOST) == expected


def test_a_tiny_first_paragraph_does_not_make_a_message_of_its_own():
    assert pieces("Hi!\n\n" + "One two three four. " * 4, MOST)[0] == "Hi!\n\nOne two three four. One two three four."


def test_markup_is_not_cut_where_that_can_be_avoided():
    text = "One two three four five six seven *eight nine ten. Eleven twelve* thirteen"
    assert pieces(text, MOST) == ["One two three four five six seven", "*eight nine ten. Eleven twelve* thirteen"]


def test_a_code_block_that_does_not_fit_is_closed_and_opened_again():
    text = "```" + "\n".join(f"line {number} of the code" for number in range(6)) + "```"
    found = pieces(text, MOST)
    assert len(found) == 3
    assert all(piece.startswith("```") and piece.endswith("```") and piece.count("```") == 2 for piece in found)
    assert "\n".join(piece.strip("`") for piece in found) == text.strip("`")


def test_an_emoji_made_of_several_characters_stays_whole():
    family = "👩‍👩‍👧‍👦"
    found = pieces("x" * 57 + family + "y" * 20, MOST)
    assert found == ["x" * 57, family + "y" * 20]
    assert pieces("x" * 59 + "👍🏽" + "y", MOST) == ["x" * 59, "👍🏽y"]
    assert pieces("x" * 59 + "e\u0301" + "y", MOST) == ["x" * 59, "e\u0301y"]


texts = st.lists(
    st.sampled_from(["*", "_", "```", "`", "\n", "\n\n", " ", ". ", "tart", "x" * 25, "👩‍👧", "e\u0301", "。", "。", "\t"]), max_size=60
)


@settings(deadline=None)  # the machine may be busy
@given(texts.map("".join))
def test_pieces_fit_and_lose_nothing(text):
    found = pieces(text, MOST)
    assert all(piece.strip() and len(piece) <= MOST for piece in found)
    assert _words("".join(found)) == _words(text)


def _words(text):
    return re.sub(r"[\s`]", "", text)
