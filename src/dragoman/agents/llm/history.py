"""The past of a conversation as a model is told it, within a budget of tokens."""

from collections.abc import Sequence

from dragoman.agents.turns import Line

# Four characters make about one token in the languages of Europe, fewer elsewhere: what is counted here is a budget, not a bill.
CHARACTERS = 4
LINE_TOKENS = 4  # the frame around each message


def tokens(text: str) -> int:
    return len(text) // CHARACTERS + 1


def split(lines: Sequence[Line], budget: int) -> tuple[list[Line], list[Line]]:
    """The older lines that do not fit, and the newest that do."""
    left = budget
    for n in range(len(lines) - 1, -1, -1):
        left -= tokens(lines[n].text) + LINE_TOKENS
        if left < 0:
            return list(lines[: n + 1]), list(lines[n + 1 :])
    return [], list(lines)


def told(line: Line) -> str:
    """One line as text; who else than the agent spoke for the business is named."""
    if line.by in ("person", "business"):
        return f"[written by a colleague] {line.text}"
    return line.text


def transcript(lines: Sequence[Line]) -> str:
    """Lines as one text, for a summary."""
    names = {"customer": "Customer", "agent": "Agent", "person": "Colleague", "business": "Business"}
    return "\n".join(f"{names[line.by]}: {line.text}" for line in lines)
