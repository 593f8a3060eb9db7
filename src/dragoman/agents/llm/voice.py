"""Answers as voice notes."""

import asyncio
import re

import structlog

from dragoman.agents.capability import Run
from dragoman.agents.files import keep, speech_of
from dragoman.agents.llm import providers, usage
from dragoman.agents.llm.providers import ModelError
from dragoman.agents.llm.spending import Spending
from dragoman.errors import Unavailable
from dragoman.whatsapp.content import Media, Outgoing, Text

log = structlog.get_logger()

LONGEST = 1500  # characters; more is tiring to listen to
SECONDS = 45.0

# WhatsApp's *bold*, _italic_, ~struck~ and `code`: signs that nobody would read out.
_MARKUP = re.compile(r"(?<!\w)([*_~]|`+)(?=\S)(.+?)(?<=\S)\1(?!\w)")


async def spoken(run: Run, contents: list[Outgoing]) -> list[Outgoing]:
    """The answer as a voice note, where the agent is set up so and it is a plain text; else, and when nobody can speak it, as it is."""
    speech = run.agent.options.speech
    by_voice = any(file.kind == "audio" for said in run.turn.said for file in said.files)
    if speech.reply_with_voice == "never" or (speech.reply_with_voice == "to_voice" and not by_voice):
        return contents
    match contents:
        case [Text(body=text)] if len(text) <= LONGEST and "://" not in text:  # a link is to be tapped
            return [await _spoken(run, text) or contents[0]]
        case _:
            return contents


async def _spoken(run: Run, text: str) -> Media | None:
    speech = run.agent.options.speech
    if (await Spending.of(run)).over():
        return None
    try:
        async with asyncio.timeout(SECONDS):
            data, used = await providers.speak(run.kit, run.organisation_id, speech.speech_model, speech.voice, _plain(text))
        await usage.note(run, "speech", used)
        url = await keep(run.kit, run.organisation_id, speech_of(run.turn.id), data, "ogg")
    except (ModelError, Unavailable, TimeoutError) as problem:
        log.warning("an answer could not be spoken", agent_id=str(run.agent.id), cause=str(problem) or "it took too long")
        return None
    return Media(kind="audio", url=url, voice=True, transcript=text)


def _plain(text: str) -> str:
    while (plainer := _MARKUP.sub(r"\2", text)) != text:
        text = plainer
    return text
