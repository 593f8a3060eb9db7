"""The words of a text, in one form for every language: without case and accents, compared by their stems.

What is indexed and what is asked go through the same functions, so no language has to be known. Scripts that do not put spaces
between words are read in overlapping pairs of characters.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from uuid import UUID

from dragoman.agents.knowledge.function_words import FUNCTION_WORDS

LONGEST_WORD = 40
FAINT = 0.3  # what a word counts that may be a function word of a language that only it speaks for

# Kana, Han, Hangul, Thai, Lao, Myanmar, Khmer.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")
_RUN = re.compile(rf"[{_UNSPACED}]")
_ACCENTS = re.compile("[\u0300-\u036f]")

# Endings of the larger languages that are written in Latin letters, by how many letters they must leave of a word.
_ENDINGS = {
    "s": 3, "e": 3, "y": 3, "n": 4, "a": 4, "o": 4, "i": 4, "ert": 4,
    **dict.fromkeys(["es", "ed", "ing", "ings", "er", "ers", "est", "ly", "ies", "eries", "ion", "ions", "ment", "ments", "ation", "ations", "ationen", "en", "em", "ern", "erns", "ung", "ungen"], 3),
    **dict.fromkeys(["ee", "ees", "ez", "ent", "ons", "aison", "aisons", "as", "os", "ir", "ar", "ando", "iendo", "cion", "ciones", "acion", "aciones", "tas", "zione", "zioni", "azione", "ada", "ado"], 3),
}  # fmt: skip
_LONGEST_FIRST = sorted(_ENDINGS, key=len, reverse=True)
_VOWEL = re.compile("[aeiouy]")


def plain(text: str) -> str:
    """Lower case, without accents and without the several ways of writing one character."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    if folded.isascii():
        return folded
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", folded)))


def tokens(text: str) -> list[str]:
    """The words of `text` in order. "Check-in" is three: check, in, checkin."""
    found: list[str] = []
    folded = plain(text)
    together, end = "", -1
    for match in _WORD.finditer(folded):
        word, start = match.group(), match.start()
        if _RUN.match(word):
            found += _pairs(word)
            together = ""
            continue
        found.append(word[:LONGEST_WORD])
        together = together + word if together and start == end + 1 and folded[end] in "-'’" else word
        if len(word) < len(together) <= LONGEST_WORD:
            found.append(together)
        end = match.end()
    return found


def _pairs(run: str) -> list[str]:
    return [run[n : n + 2] for n in range(len(run) - 1)] or [run]


def telling(words: Iterable[str]) -> dict[str, float]:
    """The words that carry the meaning, each once, with how much of it (0 to 1). When there are only function words, all of them."""
    counted = Counter(words)
    hits = {language: sum(n for word, n in counted.items() if word in known) for language, known in FUNCTION_WORDS.items()}
    most = max(hits.values(), default=0)
    empty = frozenset[str]().union(*(FUNCTION_WORDS[language] for language, n in hits.items() if n and n == most))
    left = {word: 1.0 for word in counted if word not in empty}
    if not left:
        return dict.fromkeys(counted, 1.0)
    if most == 1:  # "van airport": one word is not enough to tell a language by
        left |= {word: FAINT for word in counted if word in empty}
    return left


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """What forms of one word have in common: bake, baked and baking; Lieferung and liefern. Rough, and the same for every language."""
    for _ in range(2):
        for ending in _LONGEST_FIRST:
            rest = word[: -len(ending)]
            if word.endswith(ending) and len(rest) >= _ENDINGS[ending] and _VOWEL.search(rest):
                word = rest
                break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


MARK = 6


def mark(knowledge_base_id: UUID) -> str:
    """What every lexeme of a knowledge base begins with; the tail of the id, which is random. That two bases share one is unlikely
    and harmless: rows are also filtered by the id itself."""
    return knowledge_base_id.hex[-MARK:]


def lexemes(knowledge_base_id: UUID, heading: str, text: str) -> tuple[str, frozenset[str]]:
    """A passage as PostgreSQL's tsvector, written out, and its words. Those of the heading weigh more."""
    above, below = tokens(heading), tokens(text)
    kept = telling([*above, *below])
    places: dict[str, list[str]] = {}
    for n, word in enumerate(above, 1):
        places.setdefault(word, []).append(f"{n}A")
    for n, word in enumerate(below, len(above) + 1):
        places.setdefault(word, []).append(str(n))
    prefix = mark(knowledge_base_id)
    written = [f"'{prefix}{word}':{','.join(at[:4])}" for word, at in places.items() if word in kept]
    return " ".join(written), frozenset(word for word in places if word in kept)


def query(marks: Iterable[str], forms: Iterable[str]) -> str:
    """A tsquery, written out, for any of `forms` in any of the bases with these marks."""
    listed = list(forms)
    return "|".join(f"'{prefix}{form}'" for prefix in marks for form in listed)


def near(word: str, other: str) -> bool:
    """One slip of the finger apart: a letter more, less, another, or two exchanged."""
    if abs(len(word) - len(other)) > 1 or word == other:
        return word == other
    n = next((n for n, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    rest, others = word[n:], other[n:]
    return rest[1:] == others[1:] or rest[1:] == others or rest == others[1:] or (rest[:2] == others[1::-1] and rest[2:] == others[2:])
