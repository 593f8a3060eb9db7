"""Reading JSON that somebody else wrote: what can be understood is, what cannot is None, and nothing raises but the three
exceptions named here. Whatever comes out can be stored in PostgreSQL as text or jsonb."""

import json
import re
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import msgspec

DEEPEST = 64  # levels of nesting; Meta's own payloads stay under 15
LONGEST_ID = 256  # characters; identifiers are indexed, and an index entry of PostgreSQL holds 2704 bytes
_LONGEST_NUMBER = 4300  # digits that Python turns into an integer
_EARLIEST, _LATEST = 1_000_000_000, 4_102_444_800  # 2001 to 2099: outside it is no time at which a message was sent
_SPACING = str.maketrans("", "", "+-(). ")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

# One alternative per kind of escape, so that "\\u0000" (a backslash, then plain text) is never taken for an escape.
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole surrogate pair
    r"|(\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2}))"  # NUL or half a pair: PostgreSQL stores neither
    r"|\\."
)


class Unreadable(ValueError):
    """These bytes are not JSON."""


class TooDeep(ValueError):
    """Nested more than `DEEPEST` levels."""


def decode(body: bytes | str) -> Any:
    """The JSON in `body` as plain dicts, lists and scalars; raises `Unreadable`.

    NUL characters, halves of surrogate pairs and bytes that are not UTF-8 become U+FFFD; NaN and Infinity become None;
    numbers beyond every type become text. Of duplicate keys the last counts.
    """
    nul = b"\\u0000" in body if isinstance(body, bytes) else "\\u0000" in body
    try:
        return _second_reading(body) if nul else _decode(body)
    except RecursionError:
        raise Unreadable("nested too deeply to be read") from None
    except ValueError:
        return _second_reading(body)


def _second_reading(body: bytes | str) -> Any:
    try:
        return json.loads(
            _ESCAPE.sub(_mend, _plain(body)), strict=False, parse_int=_integer, parse_float=_float, parse_constant=lambda _: None
        )
    except RecursionError:
        raise Unreadable("nested too deeply to be read") from None
    except ValueError as problem:
        raise Unreadable(f"not JSON: {problem}") from None


def _plain(body: bytes | str) -> str:
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    return body.removeprefix("\ufeff").replace("\0", "\ufffd")


def _mend(escape: re.Match[str]) -> str:
    return "\\ufffd" if escape[1] else escape[0]


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits


def _float(digits: str) -> float | str:
    return value if isfinite(value := float(digits)) else digits


def encode(value: Any) -> bytes:
    """JSON of a decoded value; raises `TooDeep` for what a reader of it could choke on."""
    try:
        raw = _encode(value)
    except RecursionError:
        raise TooDeep(f"nested more than {DEEPEST} levels") from None
    # Counting brackets is cheap and settles nearly all; only a value with many of them is walked.
    if raw.count(b"{") + raw.count(b"[") > DEEPEST and _deeper(value, DEEPEST):
        raise TooDeep(f"nested more than {DEEPEST} levels")
    return raw


def _deeper(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return levels == 0 or any(_deeper(part, levels - 1) for part in value)


def encode_anyhow(value: Any) -> bytes:
    """JSON of `value` for the record: whatever is nested too deeply is given as its own JSON text, in one string."""
    try:
        return encode(value)
    except TooDeep:
        pass
    try:
        return _encode(_encode(value).decode())
    except RecursionError:
        return b"null"


def quote(body: bytes) -> bytes:
    """A body that is not JSON, as one JSON string."""
    return _encode(_plain(body))


def text(value: Any) -> str | None:
    """A string; a number where a string is expected is written out."""
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    if type(value) is float:
        return str(int(value)) if value.is_integer() else str(value)
    return None


def identifier(value: Any) -> str | None:
    """A string that names something: not empty, and no longer than `LONGEST_ID`."""
    value = text(value)
    return value if value and len(value) <= LONGEST_ID else None


def digits(value: Any) -> str | None:
    """A phone number as digits, without `+` and spacing; at most 32 (E.164 has 15). None for anything with letters in it."""
    value = text(value)
    if value and not (value.isascii() and value.isdigit()):
        value = value.translate(_SPACING) if len(value) <= 64 else None
    return value if value and value.isascii() and value.isdigit() and len(value) <= 32 else None


def integer(value: Any) -> int | None:
    """A whole number that a PostgreSQL `integer` column holds."""
    value = text(value)
    if value is None or not re.fullmatch(r"-?[0-9]{1,10}", value):
        return None
    return number if -(2**31) <= (number := int(value)) < 2**31 else None


def decimal(value: Any) -> float | None:
    """A finite number, also when it was written as a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return number if isfinite(number := float(value)) else None
    except (ValueError, OverflowError):
        return None


def moment(value: Any) -> datetime | None:
    """Unix seconds as an aware UTC datetime; None unless it lies in 2001 to 2099."""
    seconds = decimal(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds and _EARLIEST <= seconds < _LATEST else None


def mapping(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}


def elements(value: Any) -> list[Any]:
    return value if type(value) is list else []
