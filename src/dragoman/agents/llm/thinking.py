"""Thinking with a language model: it is asked, its calls are made, it is asked again, until it answers.

Before each step a limit may end the turn, and a newer message of the customer may replace the draft, as long as no call has been made that
can change something. What happened is in the journal: the same turn, begun again, goes on where it was.

This module and those it imports load pydantic-ai; `loop` loads it when the first model is asked.
"""

from typing import Any

from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart

from dragoman.agents.capability import Run
from dragoman.agents.linking import Strict
from dragoman.agents.llm import asking, calling, confirming, fitting, gathering, queries, speaking
from dragoman.agents.llm.draft import Draft
from dragoman.agents.llm.journal import Journal, Ledger
from dragoman.agents.llm.providers import Choice
from dragoman.agents.llm.spending import Spending
from dragoman.agents.turns import Transfer, brings_others_words
from dragoman.errors import Invalid
from dragoman.whatsapp.content import Outgoing, Text

REPAIRS = 2  # answers that could not be used, in one turn


async def think(run: Run, ledger: Ledger, choice: Choice, gathered: gathering.Gathered) -> Draft:
    """What is to be said. Raises ModelError, and Superseded when the customer wrote again before anything was done."""
    journal = await Journal.of(run, ledger)
    journal.outside |= run.scene.session.outside or run.scene.outside or gathered.outside or _reads_others_words(run)
    noted = await _remember_outside(run, journal, run.scene.session.outside)
    thinking = _Thinking(run, journal, choice, gathered, await Spending.of(run))
    draft = await thinking.think()
    draft.cause = " ".join(filter(None, (draft.cause, thinking.strict.cause))) or None
    await _remember_outside(run, journal, noted)
    return draft


async def _remember_outside(run: Run, journal: Journal, noted: bool) -> bool:
    """What was read stays in what the agent says and in its summary: from then on the session says that it was read."""
    if journal.outside and not noted:
        await run.kit.db.execute(queries.READ_OUTSIDE, {"organisation_id": run.organisation_id, "id": run.scene.session.id})
    return journal.outside


def _reads_others_words(run: Run) -> bool:
    """Whether somebody else's words stand in what the customer sends, or in the past that is told.

    A quoted message of this session brings nothing that is not there already: buttons are answered by a quote.
    """
    past, said = run.scene.history, run.turn.said
    if any(line.outside for line in past) or any(brings_others_words(one.content) for one in said):
        return True
    known = {line.text for line in past} | {str(one.content.get("text")) for one in said}
    return any(one.quoted is not None and one.quoted.text is not None and one.quoted.text not in known for one in said)


class _Thinking:
    def __init__(self, run: Run, journal: Journal, choice: Choice, gathered: gathering.Gathered, spending: Spending) -> None:
        self.run = run
        self.journal = journal
        self.gathered = gathered
        self.spending = spending
        self.draft = Draft()
        self._waits = False  # somebody has to agree to a call first
        self.ask = asking.Asking(run, journal, choice, gathered, spending)
        self.strict = Strict(run.agent.options.link_domains)
        self.calls = calling.Calling(run, journal, gathered.tools, self.strict)

    async def think(self) -> Draft:
        messages = await self.ask.opening()
        if confirmed := await confirming.answered(self.run, self.journal, self.gathered.tools):
            if confirmed.declined:
                return Draft([Text(body=self.run.agent.options.confirmations.declined)])
            messages += confirmed.messages
            for result in confirmed.results:
                self._take(result.contents, result.transfer)
        position = 0
        while True:
            reason = self.spending.over() or ("the model's calls could not be used" if self.draft.repairs > REPAIRS else None)
            if reason:
                return self._limited(reason)
            response = await self.ask.next(messages, position)
            self.spending.steps += 1
            if await self._finished(messages, response, position):
                return self.draft
            position += 1

    async def _finished(self, messages: list[ModelMessage], response: ModelResponse, position: int) -> bool:
        """Take a response in; True when it was the answer. Else its calls are made and `messages` are ready for the next step."""
        calls = list(response.tool_calls)
        if not calls:
            return self._final(messages, response)
        returns: list[Any] = []
        ended = False
        for call in calls:
            ended |= await self._made(call, position, returns)
        if ended and all(call.tool_name in (speaking.SEND, speaking.SILENT) for call in calls):
            return True
        if self.draft.transfer or self._waits:
            self._add_text(response.text or "")
            # Nobody goes away without a word to the customer, except to an agent who begins with one.
            if self._waits or self.draft.contents or (self.draft.transfer and self.draft.transfer.agent_id):
                return True
        messages += [response, asking.request(returns)]
        return False

    async def _made(self, call: ToolCallPart, position: int, returns: list[Any]) -> bool:
        """Make one call; True when it was the answer itself."""
        args, wrong = calling.arguments(call)
        tool = self.gathered.tools.get(call.tool_name)
        if wrong or tool is None or (wrong := fitting.misfit(tool, args)):
            error = wrong or f"there is no tool {call.tool_name[:64]}; use one you were offered"
            await self.journal.refuse(call.tool_name, position, call.tool_call_id, args, error)
            returns.append(asking.returned(call, f"Not done: {error}", ok=False))
            self.draft.repairs += 1
            return False
        if tool.name == speaking.SILENT:
            return True
        if tool.name == speaking.SEND:
            return self._say(call, args, returns)
        self.spending.calls += 1
        verdict = await self.calls.make(tool, position, call.tool_call_id, args, self.spending)
        if verdict.waits:
            self._waits = True
            self.draft.contents += verdict.contents
        self._take(verdict.contents if not verdict.waits else [], verdict.transfer)
        returns.append(asking.returned(call, verdict.text, ok=not verdict.error))
        return False

    def _say(self, call: ToolCallPart, args: dict[str, Any], returns: list[Any]) -> bool:
        said = self.run.turn.said
        try:
            contents, quote = speaking.of_call(args, said[-1].wamid if said else None, self.ask.known, self.gathered.hosts)
        except Invalid as wrong:
            self.draft.repairs += 1
            returns.append(asking.returned(call, f"Not sent: {wrong.message}", ok=False))
            return False
        self.draft.contents += self.strict.contents(contents)
        self.draft.quote |= quote
        returns.append(asking.returned(call, "sent"))
        return True

    def _take(self, contents: list[Outgoing], transfer: Transfer | None) -> None:
        self.draft.contents += contents
        self.draft.transfer = self.draft.transfer or transfer

    def _final(self, messages: list[ModelMessage], response: ModelResponse) -> bool:
        text = response.text or ""
        try:
            self._add_text(text)
        except Invalid as wrong:
            self.draft.repairs += 1
            if self.draft.repairs > REPAIRS:
                self._limited(wrong.message)
                return True
            messages += [response, asking.correction(f"Your answer could not be sent: {wrong.message}. Answer again, shorter.")]
            return False
        if not text and not self.draft.contents and response.finish_reason == "content_filter":
            self.draft.cause = "The model refused to answer."
            self._limited("the model refused to answer")
        return True

    def _add_text(self, text: str) -> None:
        self.draft.contents += self.strict.contents(speaking.of_text(text))

    def _limited(self, reason: str) -> Draft:
        """What is configured for a turn that may not go on."""
        on_limit = self.run.agent.options.on_limit
        self.draft.cause = f"The agent stopped: {reason}."
        if on_limit.action != "silence" and on_limit.text:
            self.draft.contents.append(Text(body=on_limit.text))
        if on_limit.action == "hand_over":
            self.draft.transfer = Transfer(reason=reason)
        return self.draft
