"""What is done when a session has ended: its agent's AFTER actions, without a word to the customer of the model's own."""

import structlog

from dragoman.agents.actions import linked
from dragoman.agents.capability import Run
from dragoman.agents.kit import Kit
from dragoman.agents.llm import providers, speaking
from dragoman.agents.llm.gathering import Gathered
from dragoman.agents.llm.journal import Journal, Ledger
from dragoman.agents.llm.providers import ModelError
from dragoman.agents.records import Agent
from dragoman.agents.turns import Scene
from dragoman.whatsapp.content import Outgoing, Template

log = structlog.get_logger()

INSTRUCTION = (
    "The conversation has ended and nobody reads what you write. Make each of the calls that you are offered, once, with what was said, "
    "where it says enough for it. Make no other call. Then call stay_silent."
)


async def wrap_up(kit: Kit, ledger: Ledger, agent: Agent, scene: Scene) -> list[Outgoing]:
    """Make the AFTER actions of a session, each once however often this is begun; the templates that they want to be said.

    The turn of `scene` stands for the session: it has its id and no message. Raises ModelError when it is worth trying again.
    """
    run = Run(kit, agent, scene)
    after = await linked.of_end(run)
    journal = await Journal.of(run, ledger, unasked=True)
    said: list[Outgoing] = []
    for one in after.alone:
        result = await journal.made(one.tool, linked.ALONE, f"after {one.action.id}", {})
        said += result.contents
    if after.offered:
        said += await _think(run, ledger, after)
    return [content for content in said if isinstance(content, Template)]


async def _think(run: Run, ledger: Ledger, after: linked.Linked) -> list[Outgoing]:
    try:
        choice = await providers.choose(run.kit, run.organisation_id, run.agent.llm_model)
        if choice is None:
            return []  # builtin/faq makes no calls
        from dragoman.agents.llm.thinking import think

        tools = {tool.name: tool for tool in [*after.offered, speaking.SILENT_TOOL]}
        draft = await think(run, ledger, choice, Gathered(tools=tools, actions=after))
    except ModelError as error:
        log.warning("a model did not wrap a session up", agent_id=str(run.agent.id), lasting=error.lasting)
        if error.lasting:
            return []
        raise
    return draft.contents
