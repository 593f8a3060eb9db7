"""The messages that customers answer to, as an agent sees them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from dragoman.agents.turns import Quoted
from dragoman.conversations import turn_queries as queries
from dragoman.conversations.held import Held
from dragoman.conversations.reading import stored_content
from dragoman.conversations.services import Services
from dragoman.conversations.wording import in_words
from dragoman.store.database import Row


async def quoted(services: Services, held: Held, messages: Iterable[Row]) -> dict[UUID, Quoted]:
    """What these messages of the conversation answer to, by message; also what we never saw, without its words."""
    wanted = {UUID(message["id"]): quote for message in messages if (quote := message["content"].get("quoted"))}
    if not wanted:
        return {}
    scope = {"organisation_id": held.organisation_id, "conversation_id": held.id}
    rows = await services.db.fetch(
        queries.QUOTED, {**scope, "number_id": held.row["number_id"], "wamids": [quote["wamid"] for quote in wanted.values()]}
    )
    seen = {row["wamid"]: row for row in rows}
    return {message: _quoted(quote, seen.get(quote["wamid"]), held.row["display_number"]) for message, quote in wanted.items()}


def _quoted(quote: dict[str, Any], row: Row | None, business: str) -> Quoted:
    product = quote.get("product")
    if row is None:
        author = quote.get("from_")
        return Quoted(quote["wamid"], by=author and ("business" if author == business else "customer"), product=product)
    text = in_words(stored_content(row["direction"], row["author"], row["content"], row["id"]))
    return Quoted(quote["wamid"], row["id"], "customer" if row["direction"] == "in" else "business", text, product)
