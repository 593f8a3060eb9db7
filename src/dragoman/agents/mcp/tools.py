"""What a server says of its tools, made fit to read: by the person who approves it and by the model, in the same words.

A tool's fingerprint is taken over everything that the server says of it, before anything is cleaned or cut: a change that nobody
would see is still a change.
"""

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from dragoman.agents.mcp import schemas
from dragoman.agents.tools import Json

LONGEST_DESCRIPTION = 1024
LONGEST_TITLE = 200
MOST_TOOLS = 128
LONGEST_TOOL_NAME = 64  # what model providers take
FINGERPRINTED = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")

_NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_NOT_FOR_MODELS = re.compile(r"[^A-Za-z0-9_-]")
# What a terminal would act on: colours and cursors, window titles, and the rest of its alphabet (ECMA-48).
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]?"
)
# Characters that take no ink although their category does not say so: joiners, fillers, variation selectors.
_BLANK = frozenset([0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])


class Definition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One tool as it is stored, shown and offered. `problem` says why it cannot be offered; "" when it can."""

    name: str
    title: str
    description: str
    input_schema: Json
    read_only: bool
    fingerprint: str
    problem: str = ""


def define(listing: Iterable[Json]) -> list[Definition]:
    """The tools of a server's list, as it sent them. One whose name no provider could write is left out."""
    tools = [tool for tool in listing if isinstance(tool.get("name"), str) and _NAME.fullmatch(tool["name"])][:MOST_TOOLS]
    times = Counter(tool["name"] for tool in tools)
    first = {tool["name"]: tool for tool in reversed(tools)}
    return [_definition(tool, twice=times[name] > 1) for name, tool in reversed(first.items())]


def _definition(tool: Json, twice: bool) -> Definition:
    annotations = tool.get("annotations") or {}
    try:
        schema, problem = schemas.fit(tool.get("inputSchema"), clean), ""
    except schemas.Unfit as unfit:
        schema, problem = {"type": "object"}, f"its arguments cannot be used: {unfit}"
    if twice:
        problem = "the server lists this name more than once"
    return Definition(
        name=tool["name"],
        title=clean(tool.get("title") or annotations.get("title"))[:LONGEST_TITLE],
        description=clean(tool.get("description"))[:LONGEST_DESCRIPTION],
        input_schema=schema,
        read_only=annotations.get("readOnlyHint") is True,
        fingerprint=fingerprint(tool),
        problem=problem,
    )


def fingerprint(tool: Json) -> str:
    """SHA-256 over all that the model could be told of a tool, in a form in which equal things are equal."""
    said = {part: tool[part] for part in FINGERPRINTED if tool.get(part) is not None}
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def clean(text: Any) -> str:
    """`text` as ink on paper: one line, without what cannot be seen or what a terminal would obey; "" for anything but text."""
    if not isinstance(text, str):
        return ""
    text = _ESCAPES.sub("", text)
    return " ".join("".join(map(_seen, text)).split())


@lru_cache(maxsize=4096)
def _seen(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") or ord(character) in _BLANK else character


def clean_lines(text: str) -> str:
    """The same for an answer, in which line breaks mean something."""
    return "\n".join("".join(map(_seen, line)).rstrip() for line in _ESCAPES.sub("", text).splitlines())


def offered_as(slug: str, name: str) -> str:
    """The tool's name for the model. Slugs hold no underscore, so names of two connectors are never the same."""
    plain, room = _NOT_FOR_MODELS.sub("_", name), LONGEST_TOOL_NAME - len(slug) - 2
    if plain == name and len(name) <= room:
        return f"{slug}__{name}"
    mark = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{slug}__{plain[: room - 7]}_{mark}"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A tool as it is stored: what was approved, and what the server says now where that is something else."""

    name: str
    approved: Definition | None = None
    latest: Definition | None = None
    listed: bool = True

    @property
    def state(self) -> str:
        if not self.listed:
            return "gone"
        if self.now.problem:
            return "unusable"
        if self.latest is None:
            return "approved"
        return "new" if self.approved is None else "changed"

    @property
    def now(self) -> Definition:
        """What the server says."""
        return self.latest or self.approved  # type: ignore[return-value]  # one of the two is there

    @property
    def waits(self) -> bool:
        """Somebody has to look at it before it is offered."""
        return self.state in ("new", "changed")


def compared(known: Iterable[Known], listing: Iterable[Definition], *, approve: bool) -> list[Known]:
    """What is to be stored after a listing. `approve`: what is new counts as seen by the one who asked for the list."""
    before = {tool.name: tool for tool in known}
    after = []
    for definition in listing:
        old = before.pop(definition.name, None)
        approved = old.approved if old else None
        if (approve and not definition.problem) or (approved and approved.fingerprint == definition.fingerprint):
            after.append(Known(name=definition.name, approved=definition))
        else:
            after.append(Known(name=definition.name, approved=approved, latest=definition))
    # A tool may be away for an hour; what was approved of it still holds when it comes back the same.
    gone = [Known(name=old.name, approved=old.approved, listed=False) for old in before.values() if old.approved]
    return after + gone
