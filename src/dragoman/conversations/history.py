"""The past of a conversation as a model is told of it."""

from collections.abc import Iterable
from typing import Any

from dragoman.agents.llm.prompt import data
from dragoman.agents.turns import Line, brings_others_words
from dragoman.conversations.reading import stored_content
from dragoman.conversations.wording import in_words
from dragoman.store.database import Row


def lines(rows: Iterable[Row]) -> Iterable[Line]:
    """Rows of `native_queries.HISTORY`, oldest first."""
    speakers: dict[str, Any] = {"customer": "customer", "agent": "agent", "system": "agent", "person": "person", "phone_app": "person"}
    for row in rows:
        content = stored_content(row["direction"], row["author"], row["content"], row["seq"])
        others = row["direction"] == "in" and brings_others_words(row["content"])
        read = [data("what was read of it", text) if others else text for text in row["transcripts"] or () if text]
        text = "\n".join([in_words(content), *read])
        yield Line(seq=row["seq"], by=speakers.get(row["author"], "business"), text=text, at=row["said_at"], outside=others)
