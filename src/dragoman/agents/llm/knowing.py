"""What an agent knows that bears on a question, and who makes the vectors of its knowledge."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from dragoman.agents import records
from dragoman.agents.capability import Run
from dragoman.agents.kit import Kit
from dragoman.agents.knowledge import bases, searching
from dragoman.agents.knowledge.searching import Passage
from dragoman.agents.knowledge.shelves import NotEmbedded
from dragoman.agents.llm import providers
from dragoman.agents.llm.prompt import data
from dragoman.agents.llm.providers import ModelError
from dragoman.errors import NotFound

LONGEST_QUESTION = 2000


@dataclass(frozen=True)
class Embeddings:
    """An `Embedder` over an OpenAI-compatible provider."""

    kit: Kit
    organisation_id: UUID
    model: str

    async def embed(self, texts: list[str]) -> list[list[float]] | None:
        try:
            return await providers.embed(self.kit, self.organisation_id, self.model, texts)
        except ModelError as error:
            raise NotEmbedded(f"The embedding model {self.model} did not answer: {error}.") from None


async def embedder_for(kit: Kit, organisation_id: UUID, base_id: UUID) -> Embeddings | None:
    """Who makes the vectors of a base: the model that its agent names. A shared base, or an agent without one, is searched by words."""
    base = await bases.get(kit.db, organisation_id, base_id)
    if base.agent_id is None:
        return None
    try:
        agent = await records.get(kit.db, organisation_id, base.agent_id)
    except NotFound:
        return None
    return Embeddings(kit, organisation_id, agent.options.embedding_model) if agent.options.embedding_model else None


async def passages(run: Run, shelves: Sequence[UUID]) -> list[Passage]:
    """The passages of these bases for what the customer says in this turn, best first."""
    question = run.question[:LONGEST_QUESTION]
    if not shelves or not question.strip():
        return []
    model, vector = run.agent.options.embedding_model, None
    if model:
        try:
            [vector] = await providers.embed(run.kit, run.organisation_id, model, [question])
        except ModelError:
            vector = None  # by words alone is better than no answer
    return await searching.search(run.kit.db, run.organisation_id, shelves, question, embedding=vector, model=model or None)


def block(found: list[Passage]) -> str:
    """The passages as the model is given them: data, each with where it is from."""
    if not found:
        return ""
    told = [{"from": passage.name, "heading": passage.heading, "url": passage.url, "text": passage.text} for passage in found]
    return data("passages from the knowledge base", told)
