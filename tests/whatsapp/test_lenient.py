"""Where leniency ends, to the digit."""

import json
from datetime import UTC, datetime

import pytest

from dragoman.whatsapp import lenient


def nested(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize("mend", ["", r"\u0000"])  # with a NUL in it, a text is read in another way
@pytest.mark.parametrize(
    "pair", [r"\ud800\udc00", r"\uDBFF\uDFFF", r"\ud83D\uDe00", r"\ud9ab\uddef", r"\uDA00\uDC99", r"\ue000", r"\ud7ff", r"\ucd00"]
)
def test_whole_characters_are_left_alone(pair, mend):
    assert lenient.decode(f'"{pair}{mend}"'.encode()) == json.loads(f'"{pair}"') + "\ufffd" * bool(mend)
    assert lenient.decode(f'"{pair}{mend}"') == json.loads(f'"{pair}"') + "\ufffd" * bool(mend)


@pytest.mark.parametrize("half", ["d800", "dBff", "Dc00", "DFFF", "d900", "daAA", "dd10", "de01"])
def test_half_a_character_becomes_a_replacement(half):
    assert lenient.decode(f'"\\u{half}"'.encode()) == "\ufffd"


@pytest.mark.parametrize(("levels", "fits"), [(1, True), (64, True), (65, False), (300, False)])
def test_depth_is_limited(levels, fits):
    value = nested(levels)
    if fits:
        assert json.loads(lenient.encode(value)) == value
        return
    with pytest.raises(lenient.TooDeep):
        lenient.encode(value)
    assert json.loads(json.loads(lenient.encode_anyhow(value))) == value


def test_what_cannot_be_written_at_all_is_null():
    with pytest.raises(lenient.TooDeep):
        lenient.encode(nested(100_000))
    assert lenient.encode_anyhow(nested(100_000)) == b"null"


@pytest.mark.parametrize("digits", [4299, 4300, 4301])
def test_integers_of_any_length_are_read(digits):
    assert str(lenient.decode(b"[%s, NaN]" % (b"7" * digits))[0]) == "7" * digits


@pytest.mark.parametrize(("length", "good"), [(1, True), (256, True), (257, False), (0, False)])
def test_identifiers_are_limited(length, good):
    assert lenient.identifier("x" * length) == ("x" * length if good else None)


@pytest.mark.parametrize(
    ("written", "digits"),
    [("1" * 32, "1" * 32), ("1" * 33, None), (" " * 32 + "1" * 32, "1" * 32), (" " * 33 + "1" * 32, None), ("1", "1"), ("1x", None)],
)
def test_phones_are_limited(written, digits):
    assert lenient.digits(written) == digits


@pytest.mark.parametrize(
    ("written", "number"),
    [
        (2**31 - 1, 2**31 - 1),
        (2**31, None),
        (-(2**31), -(2**31)),
        (-(2**31) - 1, None),
        ("7", 7),
        (7.0, 7),
        (7.5, None),
        ("9999999999", None),
        ("12345678901", None),
        ("seven", None),
        (None, None),
    ],
)
def test_integers_fit_a_column(written, number):
    assert lenient.integer(written) == number


@pytest.mark.parametrize(("seconds", "year"), [(1_000_000_000, 2001), (999_999_999, None), (4_102_444_799, 2099), (4_102_444_800, None)])
def test_moments_lie_in_this_century(seconds, year):
    assert lenient.moment(seconds) == (datetime.fromtimestamp(seconds, UTC) if year else None)


@pytest.mark.parametrize(
    ("written", "number"), [("37.5", 37.5), (-122, -122.0), (True, None), ("inf", None), ("x", None), (10**400, None), ([], None)]
)
def test_decimals_are_finite(written, number):
    assert lenient.decimal(written) == number
