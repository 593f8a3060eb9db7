"""What a question looks for: its telling words, how much each one tells here, and the forms in which passages have it."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from dragoman.agents.knowledge import queries
from dragoman.agents.knowledge.words import mark, near, query, stem, telling, tokens
from dragoman.store.database import Database, Row

LONGEST_QUESTION = 4000
MOST_WORDS = 16  # of a question; the ones that tell most
MOST_FORMS = 8  # of a word
BUDGET = 1000  # passages that are ranked
# How sure it is that a form means the asked word.
SAME, STEM, TYPO, PART = 1.0, 0.9, 0.7, 0.6
# How much a word can tell at most: without an end, one rare word would be worth all others.
MOST_TOLD = 5.0
SMOOTH = 50  # passages that a small base is taken to have besides: two of three says nothing yet


@dataclass
class Concept:
    """One asked word. `passages` is an upper bound of how many have it in one of its `forms`."""

    word: str
    share: float  # of its meaning, from `telling`
    forms: dict[str, float] = field(default_factory=dict)
    passages: int = 0

    def weight(self, total: int) -> float:
        return self.share * min(math.log((total + SMOOTH) / (self.passages + 1)), MOST_TOLD)


@dataclass(frozen=True)
class Sought:
    """A question, ready for the database. `groups` are tsqueries with what a passage gains by each, together at most 1."""

    wanted: list[str]  # one after the other, until enough is found
    any: str
    groups: list[tuple[str, float]]

    def params(self) -> dict[str, object]:
        return {f"q{n}": text for n, (text, _) in enumerate(self.groups)} | {f"v{n}": value for n, (_, value) in enumerate(self.groups)}


async def understand(db: Database, organisation_id: UUID, bases: Sequence[UUID], question: str) -> Sought | None:
    """What the question looks for in these bases; None when no passage has a word of it."""
    asked = telling(tokens(question[:LONGEST_QUESTION]))
    scope = {"organisation_id": organisation_id, "bases": list(bases)}
    concepts = {word: Concept(word, share) for word, share in list(asked.items())[:200]}
    if not concepts:
        return None
    total = await _find_forms(db, scope, concepts)
    await _find_typos(db, scope, concepts)
    known = [concept for concept in concepts.values() if concept.forms]
    if not known:
        return None
    whole = sum(concept.weight(total) for concept in concepts.values())
    known = sorted(known, key=lambda concept: concept.weight(total), reverse=True)[:MOST_WORDS]
    marks = [mark(base) for base in bases]
    groups = [group for concept in known for group in _groups(marks, concept, concept.weight(total) / whole)]
    everything = [form for concept in known for form in concept.forms]
    return Sought(_wanted(marks, known), query(marks, everything), groups)


async def _find_forms(db: Database, scope: dict[str, object], concepts: dict[str, Concept]) -> int:
    """Fill in the forms; how many passages there are in all."""
    heads = [(word, word[:n]) for word in concepts for n in range(max(5, len(word) - 8), len(word))]
    params = {
        **scope,
        "words": list(concepts),
        "stems": [stem(word) for word in concepts],
        "owners": [word for word, _ in heads],
        "heads": [head for _, head in heads],
    }
    rows = await db.fetch(queries.FORMS, params)
    found = [(_sureness(row["asked"], row["word"]), row) for row in rows]
    for sureness, row in sorted(found, key=lambda pair: (-pair[0], -pair[1]["passages"])):
        concept = concepts[row["asked"]]
        if sureness > PART or PART in concept.forms.values() or not concept.forms:  # parts only when there is nothing better
            _add(concept, row, sureness)
    return rows[0]["total"] if rows else 0


async def _find_typos(db: Database, scope: dict[str, object], concepts: dict[str, Concept]) -> None:
    """A long word that nothing here begins or ends like may be misspelled."""
    unknown = [word for word, concept in concepts.items() if len(word) >= 5 and not concept.forms and not word.isdigit()]
    if unknown:
        for row in await db.fetch(queries.LIKE, {**scope, "words": unknown, "begins": [word[: 2 + (len(word) > 5)] for word in unknown]}):
            if near(row["asked"], row["word"]) or near(stem(row["asked"]), stem(row["word"])):
                _add(concepts[row["asked"]], row, TYPO)


def _sureness(asked: str, found: str) -> float:
    if asked == found:
        return SAME
    if stem(asked) == stem(found):
        return STEM
    return PART


def _add(concept: Concept, row: Row, sureness: float) -> None:
    if len(concept.forms) < MOST_FORMS:
        concept.forms[row["word"]] = sureness
        concept.passages += row["passages"]


def _groups(marks: Sequence[str], concept: Concept, gain: float) -> list[tuple[str, float]]:
    """Nested: who has the word itself fits all of its groups, who has only a part of it the last, and the gains add up."""
    by_sureness: dict[float, list[str]] = defaultdict(list)
    for form, sureness in concept.forms.items():
        by_sureness[sureness].append(form)
    levels = sorted(by_sureness, reverse=True)
    groups, inside = [], list[str]()
    for level, below in zip(levels, [*levels[1:], 0.0], strict=True):
        inside += by_sureness[level]
        groups.append((query(marks, inside), gain * (level - below)))
    return groups


def _wanted(marks: Sequence[str], known: Iterable[Concept]) -> list[str]:
    """Which passages are worth ranking: those with a rare word, and those with two of the frequent ones. When all words are
    frequent, first those that have all of them."""
    rare: list[str] = []
    frequent: list[str] = []
    left = BUDGET
    for concept in sorted(known, key=lambda concept: concept.passages):
        text = f"({query(marks, concept.forms)})"
        if concept.passages <= left:
            rare.append(text)
            left -= concept.passages
        else:
            frequent.append(text)
    pairs = "|".join(f"({first}&{second})" for n, first in enumerate(frequent[:3]) for second in frequent[n + 1 : 3])
    if rare:
        return ["|".join([*rare, *filter(None, [pairs])])]
    return ["&".join(frequent), pairs] if pairs else frequent
