"""From what a model says to what the customer gets: the text of its answer, and the rich messages it asks for."""

import re
from typing import Any
from urllib.parse import urlsplit

from dragoman.agents.llm.journal import CONFIRM, DECLINE
from dragoman.agents.parts import say, words
from dragoman.agents.shapes import contents_of
from dragoman.agents.tools import Call, Json, Result, Tool
from dragoman.errors import Invalid
from dragoman.whatsapp.content import Outgoing, Reaction

SEND, SILENT = "send_message", "stay_silent"

_CHOICE = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "description": "At most 20 characters (24 in a list)"},
        "id": {"type": "string", "description": "What you will be told when it is chosen; the text when left out"},
        "description": {"type": "string", "description": "In lists only: a second line, at most 72 characters"},
    },
    "required": ["text"],
}
_PLACE = {
    "type": "object",
    "properties": {
        "latitude": {"type": "number"},
        "longitude": {"type": "number"},
        "name": {"type": "string"},
        "address": {"type": "string"},
    },
    "required": ["latitude", "longitude"],
}
_FILE = {"type": "string", "description": "Address of a file that you were given; never one you made up"}
PARAMETERS: Json = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "description": "What you say; the caption of a picture, the text above buttons"},
        "buttons": {"type": "array", "items": _CHOICE, "maxItems": 10, "description": "Up to 3 become buttons, up to 10 a list"},
        "list_button": {"type": "string", "description": "What opens the list"},
        "link": {
            "type": "object",
            "properties": {"text": {"type": "string"}, "url": {"type": "string"}},
            "required": ["text", "url"],
            "description": "One button that opens a page",
        },
        "footer": {"type": "string", "description": "Small print, at most 60 characters"},
        "image": _FILE,
        "video": _FILE,
        "audio": _FILE,
        "document": _FILE,
        "location": _PLACE,
        "contact": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "phone_number": {"type": "string"}},
            "required": ["name", "phone_number"],
        },
        "reaction": {"type": "string", "description": "One emoji on the customer's message"},
        "quote": {"type": "boolean", "description": "Show the customer's message above yours"},
    },
    "additionalProperties": False,
}
FILES = ("image", "video", "audio", "document")


async def _spoken(call: Call) -> Result:
    return Result(text="said")


SEND_TOOL = Tool(
    name=SEND,
    description="Answer with more than text: buttons, a list, a link, a file, a place, a contact card, a reaction. Calling it is your answer.",
    parameters=PARAMETERS,
    run=_spoken,
)
SILENT_TOOL = Tool(
    name=SILENT, description="Say nothing to the customer now.", parameters={"type": "object", "properties": {}}, run=_spoken
)


def of_text(text: str) -> list[Outgoing]:
    """A model's text as messages. Raises Invalid when it is too long even for several."""
    return say(words(text, "the answer"), "the answer")


def of_call(args: Json, wamid: str | None, known: str, hosts: frozenset[str]) -> tuple[list[Outgoing], bool]:
    """The messages of one `send_message`, and whether the first quotes the customer. `known` is all text that the model was given.

    Raises Invalid with what is wrong. A file must be one that stands in `known`, word for word, so that nothing can be written into its
    address; and lie at one of the business's own `hosts`, so that a page that was read cannot show its own pictures to the customer.
    """
    value: dict[str, Any] = {key: item for key, item in args.items() if item not in (None, "", [], {})}
    for kind in FILES:
        if kind in value and (not isinstance(value[kind], str) or value[kind] not in known):
            raise Invalid(f"{kind} must be the address of a file that you were given, exactly as it was written", field=kind)
        if kind in value and _host(value[kind]) not in hosts:
            raise Invalid(f"{kind} lies at a host that the business has not named; send only files of the business's own", field=kind)
    contents: list[Outgoing] = []
    reaction = value.pop("reaction", None)
    if isinstance(reaction, str) and wamid and _EMOJI.fullmatch(reaction):
        contents.append(Reaction(message_id=wamid, emoji=reaction))
    quote = bool(value.pop("quote", False))
    link = value.pop("link", None)
    if isinstance(link, dict):
        value["buttons"] = [{"type": "url", "text": link.get("text", ""), "url": link.get("url", "")}]
    if "list_button" in value:
        value["listButton"] = value.pop("list_button")
    for choice in value.get("buttons") or ():
        if isinstance(choice, dict) and str(choice.get("id") or choice.get("text") or "").strip().startswith((CONFIRM, DECLINE)):
            raise Invalid(f"a button's id cannot begin with {CONFIRM} or {DECLINE}; these words are ours", field="buttons")
    if value:
        contents += contents_of(value)
    return contents, quote


def hosts_in(text: str) -> set[str]:
    """The hosts of all web addresses in a text."""
    return {host for found in _ADDRESS.findall(text) if (host := _host(found))}


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


_ADDRESS = re.compile(r"https?://[^\s\"'<>\\)\]]+", re.IGNORECASE)
_EMOJI = re.compile(r"\D{1,16}")
