"""The files of a turn as a model takes them: pictures to look at, voice notes as their words, documents as their text.

What was made of a file is kept with it, so a turn that begins again pays for nothing twice, and later turns read it in their history.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from PIL import Image, UnidentifiedImageError

from dragoman.agents.capability import Run
from dragoman.agents.files import keep
from dragoman.agents.knowledge import reading
from dragoman.agents.knowledge.text import Told, Unfit
from dragoman.agents.llm import prompt, providers, queries
from dragoman.agents.llm.journal import Generation, Ledger
from dragoman.agents.llm.providers import ModelError
from dragoman.agents.turns import File
from dragoman.errors import NotFound, Unavailable
from dragoman.ids import new_id
from dragoman.store.database import Row
from dragoman.whatsapp.content import Media, Outgoing, Text

if TYPE_CHECKING:
    from dragoman.agents.llm.gathering import Gathered

log = structlog.get_logger()

MOST_PICTURES = 4  # of one turn
LONGEST_SIDE = 1568  # more is made smaller by the providers themselves
MOST_PIXELS = 40_000_000
LONGEST_TEXT = 20_000
LONGEST_SPOKEN = 1500
# One at a time in a process for what customers send; the knowledge has its own two.
_CHILDREN = asyncio.Semaphore(1)


async def look(run: Run, ledger: Ledger, gathered: "Gathered") -> None:
    """Put what the files of this turn hold into `gathered`. A file that cannot be used is told in words; nothing is raised."""
    for said in run.turn.said:
        for file in said.files:
            if file.kind in ("image", "sticker"):
                await _picture(run, file, gathered)
            elif file.kind == "audio":
                gathered.files[file.url] = await _heard(run, ledger, file)
            elif file.kind == "document":
                gathered.files[file.url] = await _document(run, file)
            else:
                gathered.files[file.url] = f"[a {file.kind}, which you cannot see]"


async def _picture(run: Run, file: File, gathered: "Gathered") -> None:
    if len(gathered.pictures) < MOST_PICTURES and (data := await _bytes(run, file)) is not None:
        picture = await asyncio.to_thread(_shrunk, data)
        if picture is not None:
            gathered.pictures.append((picture, "image/jpeg"))
            gathered.files[file.url] = f"[an image: {file.url}]"
            return
    gathered.files[file.url] = "[an image that could not be loaded]"


def _shrunk(data: bytes) -> bytes | None:
    """The picture made anew as a JPEG of a size that models look at, without what else was in the file; None for what is no picture."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return None
            opened.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            made = io.BytesIO()
            opened.convert("RGB").save(made, "JPEG", quality=85)
            return made.getvalue()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


async def _heard(run: Run, ledger: Ledger, file: File) -> str:
    """The words of a voice note."""
    speech = run.agent.options.speech
    row = await _row(run, file)
    if row is None or not speech.transcribe:
        return "[a voice message]"
    words = row["transcript"]
    if words is None:
        data = await _bytes(run, file)
        if data is None:
            return "[a voice message that could not be loaded]"
        try:
            words, paid_by = await providers.transcribe(run.kit, run.organisation_id, speech.transcription_model, data, file.mime_type)
        except ModelError as error:
            log.warning("a voice message could not be written down", agent_id=str(run.agent.id), cause=str(error))
            return "[a voice message that could not be understood; ask the customer to write]"
        await _keep_text(run, row["id"], words)
        await _note(run, ledger, "transcription", speech.transcription_model, paid_by)
    return f"[a voice message, written down by a machine] {words}"


async def _document(run: Run, file: File) -> str:
    name = file.filename or "document"
    row = await _row(run, file)
    data = await _bytes(run, file) if row is not None and row["transcript"] is None else None
    if row is None or (row["transcript"] is None and data is None):
        return f"[the document {name}, which could not be loaded]"
    text = row["transcript"]
    if text is None and data is not None:
        try:
            read = await reading.read(_CHILDREN, _parts(data), Told(name=name))
        except Unfit as unfit:
            return f"[the document {name}, which could not be read: {unfit}]"
        text = "\n\n".join(part.text for part in read.blocks)[:LONGEST_TEXT]
        await _keep_text(run, row["id"], text)
    return prompt.data(f"document {name}", text)


async def _parts(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _row(run: Run, file: File) -> Row | None:
    if file.id is None or file.state != "ready":
        return None
    return await run.kit.db.fetch_one(queries.FILE, {"organisation_id": run.organisation_id, "id": file.id})


async def _bytes(run: Run, file: File) -> bytes | None:
    row = await _row(run, file)
    if row is None or not row["object_key"]:
        return None
    with suppress(NotFound, Unavailable):
        return await run.kit.objects.get(row["object_key"])
    return None


async def _keep_text(run: Run, file_id: UUID, text: str) -> None:
    values = {"organisation_id": run.organisation_id, "id": file_id, "transcript": text.replace("\0", "")}
    await run.kit.db.execute(queries.KEEP_TEXT, values)


async def spoken(run: Run, ledger: Ledger, contents: list[Outgoing]) -> list[Outgoing]:
    """The answer as a voice note, when the agent is set up so; as text when it cannot be spoken."""
    speech = run.agent.options.speech
    asked = any(file.voice or file.kind == "audio" for said in run.turn.said for file in said.files)
    if speech.reply_with_voice == "never" or (speech.reply_with_voice == "to_voice" and not asked):
        return contents
    if len(contents) != 1 or not isinstance(contents[0], Text) or len(contents[0].body) > LONGEST_SPOKEN:
        return contents
    try:
        data, paid_by = await providers.speak(run.kit, run.organisation_id, speech.speech_model, speech.voice, contents[0].body)
        url = await keep(run.kit, run.organisation_id, new_id(), data, "ogg")
    except (ModelError, Unavailable) as error:
        log.warning("an answer could not be spoken", agent_id=str(run.agent.id), cause=str(error))
        return contents
    await _note(run, ledger, "speech", speech.speech_model, paid_by)
    return [Media(kind="audio", url=url, voice=True)]


async def _note(run: Run, ledger: Ledger, purpose: str, model: str, paid_by: str) -> None:
    await ledger.note(
        Generation(
            organisation_id=run.organisation_id,
            agent_id=run.agent.id,
            turn_id=run.turn.id,
            conversation_id=run.turn.conversation_id,
            contact_id=run.contact_id,
            position=-1,
            purpose=purpose,
            model=model,
            paid_by=paid_by,
        )
    )
