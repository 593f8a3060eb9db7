"""The files of a turn as a model takes them: pictures to look at, voice notes as their words, documents as their text.

What was read of a file is kept with it, so a turn that begins again pays for nothing twice, and later turns have it in their history.
A file that cannot be read is told in words; no file can keep a turn from being answered.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import structlog
from msgspec.structs import replace
from PIL import Image, ImageOps

from dragoman.agents.capability import Run
from dragoman.agents.knowledge import reading
from dragoman.agents.knowledge.text import Told, Unfit
from dragoman.agents.llm import prompt, providers, queries, usage
from dragoman.agents.llm.providers import ModelError
from dragoman.agents.llm.spending import Spending
from dragoman.agents.parts import clean
from dragoman.agents.pictures import FORMATS, MOST_PIXELS, on_white, painters
from dragoman.agents.turns import File, Said
from dragoman.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from dragoman.agents.llm.gathering import Gathered

log = structlog.get_logger()

MOST_PICTURES = 4  # of one turn
LONGEST_SIDE = 1568  # more is made smaller by the providers themselves
LONGEST_TEXT = 20_000
LARGEST = {"image": 20 * 1024 * 1024, "sticker": 1024 * 1024, "audio": 25 * 1024 * 1024, "document": 20 * 1024 * 1024}
SECONDS = 60.0  # for one file, with its wait for the others
AT_ONCE = 2

# For what customers send, in one process; the knowledge has its own.
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class Unread(Exception):
    """A file could not be read; the message says why, for people, as a whole sentence."""


async def read(run: Run) -> Run:
    """The same run, with the words of its voice notes and documents in their files."""
    said = run.turn.said
    if not any(file.kind in ("audio", "document") for one in said for file in one.files):
        return run
    heard = await asyncio.gather(*(_read_all(run, one) for one in said))
    scene = replace(run.scene, turn=replace(run.turn, said=list(heard)))
    return Run(run.kit, run.agent, scene)


async def _read_all(run: Run, said: Said) -> Said:
    return replace(said, files=list(await asyncio.gather(*(_read(run, file) for file in said.files))))


async def _read(run: Run, file: File) -> File:
    reader = {"audio": _heard, "document": _document}.get(file.kind)
    if reader is None or file.state != "ready" or file.transcript is not None:
        return file
    if file.kind == "audio" and not run.agent.options.speech.transcribe:
        return file
    try:
        async with asyncio.timeout(SECONDS):
            text = clean(await reader(run, file))[:LONGEST_TEXT]
    except TimeoutError:
        return _unread(run, file, f"Reading it took longer than {SECONDS:.0f} seconds.")
    except (Unread, Unfit) as problem:
        return _unread(run, file, str(problem))
    values = {"organisation_id": run.organisation_id, "id": file.id, "transcript": text}
    await run.kit.db.execute(queries.KEEP_TEXT, values)
    return replace(file, transcript=text)


def _unread(run: Run, file: File, cause: str) -> File:
    log.warning("a customer's file could not be read", agent_id=str(run.agent.id), media_id=str(file.id), kind=file.kind)
    return replace(file, unread=cause)


async def _heard(run: Run, file: File) -> str:
    """The words of a recording."""
    spending = await Spending.of(run)
    if reached := spending.over():
        raise Unread(f"It was not written down: {reached}.")
    data = await _bytes(run, file)
    try:
        model = run.agent.options.speech.transcription_model
        words, used = await providers.transcribe(run.kit, run.organisation_id, model, data, file.mime_type)
    except ModelError as problem:
        raise Unread(f"It was not written down: {problem}.") from None
    await usage.note(run, "transcription", used)
    return words


async def _document(run: Run, file: File) -> str:
    """The text of a document, read in a process that may do nothing else."""
    data = await _bytes(run, file)
    turns = _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))
    text = await reading.read(turns, _parts(data), Told(name=file.filename or ""))
    return "\n\n".join(block.text for block in text.blocks)


async def _parts(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _bytes(run: Run, file: File) -> bytes:
    if file.object_key is None:
        raise Unread("It is not here yet.")
    largest = LARGEST[file.kind]
    if (file.size or 0) > largest:
        raise Unread(f"It has more than {largest // 1024 // 1024} MB, which is the most that is read.")
    try:
        return await run.kit.objects.get(file.object_key)
    except (NotFound, Unavailable):
        raise Unread("It could not be loaded.") from None


async def show(run: Run, gathered: "Gathered") -> None:
    """Put what the files of this turn hold into `gathered`, for a model."""
    for said in run.turn.said:
        for file in said.files:
            if file.kind in ("image", "sticker"):
                gathered.files[file.url] = await _picture(run, file, gathered)
            elif file.kind == "audio":
                gathered.files[file.url] = _recording(said, file)
            elif file.kind == "document":
                gathered.files[file.url] = _text(file)
            else:
                gathered.files[file.url] = f"[a {file.kind}, which you cannot see]"


async def _picture(run: Run, file: File, gathered: "Gathered") -> str:
    name = "a sticker" if file.kind == "sticker" else "an image"
    if len(gathered.pictures) == MOST_PICTURES:
        return f"[{name} that you are not shown: at most {MOST_PICTURES} at once]"
    try:
        data = await _bytes(run, file) if file.state == "ready" else b""
    except Unread:
        data = b""
    picture = await asyncio.get_running_loop().run_in_executor(painters, _shrunk, data) if data else None
    if picture is None:
        return f"[{name} that could not be loaded]"
    gathered.pictures.append((picture, "image/jpeg"))
    return f"[{name}: {file.url}]"


def _shrunk(data: bytes) -> bytes | None:
    """The picture made anew as a JPEG of a size that models look at, without what else was in the file; None for what is no picture."""
    made = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:  # known before anything is unpacked
                return None
            picture = on_white(ImageOps.exif_transpose(opened))
            picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            picture.info.clear()  # comments and the like would be written again
            picture.save(made, "JPEG", quality=85)
    except Exception:  # a broken file ends in any of Pillow's, zlib's and struct's exceptions
        return None
    return made.getvalue()


def _recording(said: Said, file: File) -> str:
    """What the customer says in a voice note is his own word; what a recording holds that he sends on is somebody's."""
    if file.unread:
        return "[a voice message that could not be understood; ask the customer to write]"
    if file.transcript is None:
        return "[a voice message]" if file.state == "ready" else "[a voice message that could not be loaded]"
    if not file.transcript:
        return "[a voice message without words]"
    if file.voice and not said.content.get("forwarded"):
        return f"[a voice message, written down by a machine] {file.transcript}"
    return prompt.data("recording, written down by a machine", file.transcript)


def _text(file: File) -> str:
    """A document's name is the sender's text too, so it stands among the data."""
    told = {"name": file.filename} if file.filename else {}
    if file.transcript is None:
        return prompt.data("document that could not be read", {**told, "why": file.unread or "It could not be loaded."})
    return prompt.data("document", f"{file.filename}\n\n{file.transcript}" if file.filename else file.transcript)


def causes(run: Run) -> str | None:
    """Why files of this turn could not be read, for people."""
    found = [
        f"A {'voice message' if file.voice else file.kind} was not read. {file.unread}"
        for said in run.turn.said
        for file in said.files
        if file.unread
    ]
    return " ".join(found) or None
