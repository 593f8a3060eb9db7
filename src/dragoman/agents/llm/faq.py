"""`builtin/faq`: answers without a language model, alone from the agent's knowledge, and says so when it does not know.

A passage that is strong enough is the answer, word for word. Below that the customer is asked to say it in other words, and after a
second time in a row a person takes over, if the agent is set up so.
"""

from dragoman.agents.capability import Run
from dragoman.agents.llm import speaking
from dragoman.agents.llm.draft import Draft
from dragoman.agents.llm.gathering import Gathered
from dragoman.agents.turns import Transfer
from dragoman.whatsapp.content import Text


async def answer(run: Run, gathered: Gathered) -> Draft:
    options = run.agent.options.faq
    best = max(gathered.passages, key=lambda passage: passage.strength, default=None)
    if best is not None and best.strength >= options.answer_from:
        return Draft(speaking.of_text(best.answer))
    asked_before = [line.text for line in run.scene.history if line.by == "agent"][-1:] == [options.rephrase.strip()]
    if options.hand_over and asked_before:
        return Draft(
            [Text(body=options.handing_over)], transfer=Transfer(reason="the agent did not know an answer", summary=run.question[:500])
        )
    return Draft([Text(body=options.rephrase)])
