"""Image generation tools: the model says what is to be seen, a provider draws it, and the customer gets the picture."""

import asyncio
import io
from collections.abc import Sequence
from typing import Annotated

from PIL import Image, ImageOps
from pydantic import Field

from dragoman.agents import files
from dragoman.agents.capability import Capability, Configured, Run
from dragoman.agents.llm import providers, usage
from dragoman.agents.names import tool_names
from dragoman.agents.pictures import FORMATS, MOST_PIXELS, on_white, painters
from dragoman.agents.schema import Schema
from dragoman.agents.tools import Call, Json, Result, Tool, failure
from dragoman.errors import Unavailable
from dragoman.whatsapp import limits
from dragoman.whatsapp.content import Media

LARGEST = 20 * 1024 * 1024  # of what a provider sends; WhatsApp's own limit is for what we make of it
LONGEST_SIDE = 2048  # more than a phone shows
LONGEST_DETAILS = 4000

_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")
_QUALITIES = (90, 75, 50)


class ImageTool(Schema):
    name: Annotated[str, Field(max_length=255)] = ""
    description: Annotated[str, Field(max_length=4000, description="Tells the model when to make a picture")] = ""
    prompt: Annotated[str, Field(min_length=1, max_length=8000, description="What every picture is to be like; the details come after it")]
    active: Annotated[bool, Field(strict=True)] = True
    credit_cost: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    model: Annotated[str, Field(min_length=1, max_length=255, description="Our addition: provider/model that draws")] = "openai/gpt-image-1"


class Unfit(Exception):
    """What the provider sent cannot be sent on, and why: one sentence, without an end."""


async def _tools(run: Run, items: Sequence[Configured[ImageTool]]) -> list[Tool]:
    names = tool_names((item.config.name for item in items), "generate_image")
    return [_tool(run, item, name) for item, name in zip(items, names, strict=True)]


def _tool(run: Run, item: Configured[ImageTool], name: str) -> Tool:
    config = item.config

    async def draw(call: Call) -> Result:
        return await _draw(run, config, call)

    about = config.description or config.name
    return Tool(
        name=name,
        description=f"Make a picture and send it to the customer. {about}".strip(),
        parameters=_PARAMETERS,
        run=draw,
        type="content_generation",
        capability_id=item.id,
        acts=True,  # it costs money, and is made once
        confirm="never",
        credit_cost=config.credit_cost,
    )


_PARAMETERS: Json = {
    "type": "object",
    "properties": {
        "details": {"type": "string", "minLength": 1, "maxLength": LONGEST_DETAILS, "description": "What is to be seen on this picture"}
    },
    "required": ["details"],
    "additionalProperties": False,
}


async def _draw(run: Run, config: ImageTool, call: Call) -> Result:
    kit = run.kit
    try:
        drawn, used = await providers.image(kit, run.organisation_id, config.model, f"{config.prompt}\n\n{call.args['details']}")
        await usage.note(run, "image", used)
        picture = await asyncio.get_running_loop().run_in_executor(painters, sendable, drawn)
        url = await files.keep(kit, run.organisation_id, call.id, picture, "jpg")
    except providers.ModelError as problem:
        return failure(f"no picture was made: {problem}")
    except (Unfit, Unavailable) as problem:
        return failure(f"the picture cannot be sent: {problem}")
    return Result(text="The picture is made, and the customer gets it right before your answer.", contents=[Media(kind="image", url=url)])


def sendable(drawn: bytes) -> bytes:
    """A provider's PNG, JPEG or WebP as a JPEG that WhatsApp takes, without what else the file held. Raises Unfit."""
    if not drawn.startswith(_STARTS):
        raise Unfit("the provider sent neither PNG nor JPEG nor WebP")
    if len(drawn) > LARGEST:
        raise Unfit(f"the provider sent more than {LARGEST // 1024 // 1024} MB")
    try:
        with Image.open(io.BytesIO(drawn), formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:  # known before anything is unpacked
                raise Unfit(f"the provider sent a picture of more than {MOST_PIXELS // 1_000_000} megapixels")
            picture = on_white(ImageOps.exif_transpose(opened))
    except Unfit:
        raise
    except Exception as error:  # a broken file ends in any of Pillow's, zlib's and struct's exceptions
        raise Unfit(f"what the provider sent is not a whole picture ({type(error).__name__})") from None
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    picture.info.clear()  # comments and the like would be written again
    for quality in _QUALITIES:
        made = io.BytesIO()
        picture.save(made, "JPEG", quality=quality)
        if made.tell() <= limits.MEDIA_BYTES["image"]:
            return made.getvalue()
    raise Unfit("it is too large for WhatsApp")


CAPABILITY = Capability(field="image_generate_tools", schema=ImageTool, tools=_tools)
