"""The JSON Schema of a tool's arguments, cut down to what is safe to check against and useful to a model.

A stranger's schema can make the check itself dangerous: a `pattern` that takes an hour, a `$ref` that is fetched over the network or
that doubles itself thirty times. So nothing is taken over but the words listed here, references are written out, and the result is
capped. What is left out makes our check laxer; the server makes its own.
"""

from collections.abc import Callable
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import msgspec

from dragoman.agents.tools import Json

LARGEST = 16 * 1024
DEEPEST = 16
MOST_PARTS = 1000
LONGEST_TEXT = 1024
LONGEST_NAME = 128

_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_TEXTS = ("title", "description")
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_PARTS = ("items", "additionalProperties", "not", "if", "then", "else")
_CHOICES = ("anyOf", "oneOf", "allOf", "prefixItems")
_LARGEST_NUMBER = 2**53

Clean = Callable[[Any], str]


class Unfit(Exception):
    """Why a schema is not used, in words that follow a colon."""


def fit(schema: Any, clean: Clean) -> Json:
    """`schema` as it is stored, shown and checked against. `clean` makes a text fit to read. Raises Unfit."""
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        raise Unfit("they are not an object")
    fitted: Json = {"type": "object", "properties": {}} | _Fitting(schema, clean).part(schema, 0, ())
    if len(msgspec.json.encode(fitted)) > LARGEST:
        raise Unfit(f"their description is larger than {LARGEST // 1024} KB")
    try:
        jsonschema.Draft202012Validator.check_schema(fitted)
    except jsonschema.SchemaError as error:
        raise Unfit(f"{'.'.join(map(str, error.absolute_path))[:100]} is not as JSON Schema has it") from None
    return fitted


class _Fitting:
    def __init__(self, root: Json, clean: Clean) -> None:
        self._root, self._clean = root, clean
        self._left = MOST_PARTS

    def part(self, part: Any, depth: int, through: tuple[str, ...]) -> Any:
        """One schema within the schema; `through` are the references that led here."""
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            raise Unfit("they are described in too many parts")
        if isinstance(part, bool):
            return part
        if not isinstance(part, dict):
            raise Unfit("a part of their description is not a schema")
        if isinstance(reference := part.get("$ref"), str):
            part = self._written_out(part, reference, through)
            through = (*through, reference)
        made = self._words(part)
        for word in _PARTS:
            if isinstance(part.get(word), dict | bool):
                made[word] = self.part(part[word], depth + 1, through)
        if isinstance(part.get("items"), list):  # how older schemas write prefixItems
            part = {**part, "prefixItems": part["items"]}
        for word in _CHOICES:
            if isinstance(part.get(word), list) and part[word]:
                made[word] = [self.part(choice, depth + 1, through) for choice in part[word]]
        if isinstance(part.get("properties"), dict):
            made["properties"] = {self._name(name): self.part(one, depth + 1, through) for name, one in part["properties"].items()}
        return made

    def _written_out(self, part: Json, reference: str, through: tuple[str, ...]) -> Json:
        """What a reference stands for, with what is written beside it. One that leads to itself stands for anything."""
        beside = {word: value for word, value in part.items() if word != "$ref"}
        if reference in through:
            return beside
        if not reference.startswith("#"):
            raise Unfit("they are described elsewhere")
        target: Any = self._root
        for step in reference[1:].split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            target = target.get(step) if isinstance(target, dict) else None
        if not isinstance(target, dict):
            raise Unfit("a part of their description is missing")
        if isinstance(further := target.get("$ref"), str):
            target = self._written_out(target, further, (*through, reference))
        return {**target, **beside}

    def _words(self, part: Json) -> Json:
        made: Json = {}
        kinds = part.get("type")
        if kinds in _TYPES or (isinstance(kinds, list) and kinds and all(kind in _TYPES for kind in kinds)):
            made["type"] = kinds
        for word in _TEXTS:
            if text := self._clean(part.get(word))[:LONGEST_TEXT]:
                made[word] = text
        for word in (*_NUMBERS, *_COUNTS):
            if _is_number(part.get(word), whole=word in _COUNTS):
                made[word] = part[word]
        if isinstance(part.get("format"), str) and part["format"].isascii():
            made["format"] = part["format"][:LONGEST_NAME]
        if isinstance(part.get("required"), list):
            made["required"] = list(dict.fromkeys(self._name(name) for name in part["required"]))
        if isinstance(part.get("enum"), list) and part["enum"]:
            made["enum"] = [self._value(value) for value in part["enum"]]
        for word in ("const", "default"):
            if word in part and not isinstance(part[word], dict | list):
                made[word] = self._value(part[word])
        return made

    def _name(self, name: Any) -> str:
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not self._all_seen(name):
            raise Unfit("the name of one of them cannot be read")
        return name

    def _value(self, value: Any) -> Any:
        if value is None or isinstance(value, bool) or _is_number(value) or (isinstance(value, str) and self._all_seen(value)):
            return value
        raise Unfit("one of the values that they may have cannot be read")

    def _all_seen(self, text: str) -> bool:
        # A value cannot be cleaned, since the server would not know it again: it is as clean as it must be, or it is refused.
        return self._clean(text) == " ".join(text.split())


def _is_number(value: Any, *, whole: bool = False) -> bool:
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return False
    return abs(value) < _LARGEST_NUMBER  # which is false for NaN
