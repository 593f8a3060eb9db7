"""Long text in pieces that each fit: cut between paragraphs, else lines, else sentences, else words, else anywhere.

A cut never falls inside a joined character (an emoji with its skin tone), and inside a run of WhatsApp markup only when
the run itself does not fit; a code block that must be cut is closed in one piece and opened again in the next.
"""

import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict

_FENCE = "```"
_OPENING = re.compile(r"(?<!\w)(?=(?P<mark>[*_~`])\S)|(?=```)")
_CLOSING = re.compile(r"(?<=\S)[*_~`](?!\w)")
_LONGEST_RUN = 250  # characters between two marks
_BREAKS = [
    re.compile(r"\n[ \t]*\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…])[\"'”’)]*\s|(?<=[。！？])"),
    re.compile(r"\s"),
]
_LEAST = 4  # a break counts when it fills at least a quarter of a piece
_JOINER = "\u200d"

Span = tuple[int, int]


def pieces(text: str, most: int) -> list[str]:
    """`text` in pieces of at most `most` characters (at least 16), none of them blank."""
    found = []
    rest = text.strip()
    while len(rest) > most:
        piece, rest = _cut(rest, most)
        found.append(piece)
    return [piece for piece in (*found, rest) if piece.strip()]


def _cut(text: str, most: int) -> tuple[str, str]:
    runs = _runs(text[: 2 * most])
    for pattern in _BREAKS:
        if at := _last_break(pattern, text[: most + 1], runs, most):
            return text[:at].rstrip(), text[at:].lstrip("\n")
    if fence := _inside_fence(text, most, runs):
        return fence
    at = _between_characters(text, most)
    return text[:at], text[at:]


def _runs(text: str) -> list[Span]:
    """Where markup begins and ends: from a mark to the next one of its kind in the line. Its cost grows with the text and not with the
    marks in it; one pattern for the whole would look for the end of each of them anew."""
    closings: defaultdict[str, list[int]] = defaultdict(list)
    for match in _CLOSING.finditer(text):
        closings[match.group()].append(match.start())
    runs: list[Span] = []
    done, last_fence = 0, text.rfind(_FENCE)
    for match in _OPENING.finditer(text):
        start, stop = match.start(), 0
        if start < done:
            continue
        if start + 3 <= last_fence and text.startswith(_FENCE, start):
            stop = text.index(_FENCE, start + 3) + 3
        elif match["mark"] is not None:
            stop = _run_ends(text, start, closings[text[start]])
        if stop:
            runs.append((start, stop))
            done = stop
    return runs


def _run_ends(text: str, start: int, closings: list[int]) -> int:
    """Behind the mark that ends what the one at `start` begins; 0 when none does."""
    place = bisect_left(closings, start + 2)
    if place == len(closings) or closings[place] - start - 1 > _LONGEST_RUN or "\n" in text[start : closings[place]]:
        return 0
    return closings[place] + 1


def _last_break(pattern: re.Pattern[str], window: str, runs: list[Span], most: int) -> int | None:
    """Where the last break ends that leaves a piece neither too long nor too short, and is outside every run."""
    for at in reversed([match.end() for match in pattern.finditer(window)]):
        end = len(window[:at].rstrip())
        if end * _LEAST < most:
            return None
        if end <= most and not any(start < end < stop for start, stop in runs):
            return at
    return None


def _inside_fence(text: str, most: int, runs: list[Span]) -> tuple[str, str] | None:
    """Cut inside a code block, at a line if there is one: close it, and open it again."""
    room = most - len(_FENCE)
    opened = next((start for start, stop in runs if start < room < stop and text.startswith(_FENCE, start)), None)
    if opened is None and text.count(_FENCE, 0, room) % 2:
        opened = text.rfind(_FENCE, 0, room)
    if opened is None:
        return None
    at = text.rfind("\n", max(opened + len(_FENCE) + 1, most // _LEAST), room)
    if at < 0:
        at = _between_characters(text, room)
    return text[:at].rstrip() + _FENCE, _FENCE + text[at:].lstrip("\n")


def _between_characters(text: str, at: int) -> int:
    for back in range(at, max(at - 32, 1), -1):
        if not _joined(text[back - 1], text[back]):
            return back
    return at


def _joined(before: str, after: str) -> bool:
    return (
        before == _JOINER
        or after == _JOINER
        or "\ufe00" <= after <= "\ufe0f"
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or unicodedata.combining(after) != 0
    )
