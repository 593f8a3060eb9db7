"""One turn of a native agent: who thinks about it, and what came of it as an Outcome. See `thinking` for the work itself."""

import asyncio
from typing import Any

import structlog

from dragoman.agents.actions import linked
from dragoman.agents.capability import Run
from dragoman.agents.kit import Kit
from dragoman.agents.llm import faq, gathering, media, providers, voice
from dragoman.agents.llm.draft import Superseded
from dragoman.agents.llm.given import Given
from dragoman.agents.llm.journal import Ledger
from dragoman.agents.llm.providers import ModelError
from dragoman.agents.turns import Outcome, Scene

log = structlog.get_logger()


async def answer(kit: Kit, ledger: Ledger, given: Given, scene: Scene) -> Outcome:
    """Think about `scene` and say what came of it. Whatever happens is an Outcome; nothing is raised for what others do wrong."""
    agent = given.agent
    started, clock = kit.clock.now(), asyncio.get_running_loop().time
    begun = clock()

    def outcome(kind: Any, **fields: Any) -> Outcome:
        return Outcome(kind=kind, started_at=started, duration_ms=(clock() - begun) * 1000, **fields)

    run = Run(kit, agent, scene)
    try:
        choice = providers.chosen(kit, run.organisation_id, agent.llm_model, given.provider)
        run = await media.read(run)
        gathered = await gathering.gather(run, given, choice)
        brought = await linked.bring(run, ledger, gathered.actions)
        gathered.tell(brought.told)
        if choice is None:
            draft = await faq.answer(run, gathered)
        else:
            from dragoman.agents.llm.thinking import think

            await media.show(run, gathered)
            draft = await think(run, ledger, choice, gathered)
        draft.contents[:0] = brought.contents
    except ModelError as error:
        log.warning("a model did not answer", agent_id=str(agent.id), lasting=error.lasting)
        return outcome("refused" if error.lasting else "failed", cause=f"The model did not answer: {error}.", retry_after=error.retry_after)
    except Superseded:
        return outcome("superseded")
    cause = " ".join(filter(None, (draft.cause, media.causes(run)))) or None
    said = {
        "contents": await voice.spoken(run, draft.contents),
        "transfer": draft.transfer,
        "cause": cause,
        "citations": gathered.citations,
    }
    wamid = scene.turn.said[-1].wamid if scene.turn.said else None
    kind = "answered" if draft.contents or draft.transfer else "silent"
    return outcome(kind, reply_to=wamid if draft.quote else None, **said)
