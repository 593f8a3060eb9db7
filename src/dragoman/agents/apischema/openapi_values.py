"""The schemas of an OpenAPI document as values of an `apiSchema`."""

from typing import Any

from dragoman.agents.apischema.proposal import Json, described, fixed, type_of
from dragoman.agents.apischema.schema import MOST_PARAMS
from dragoman.errors import Invalid

TYPES = ("string", "integer", "number", "boolean", "array", "object")
DEEPEST = 4  # below it, the model writes the rest as it likes
MOST_REFERENCES = 20
LONGEST_WORDS = 2000


def obj(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def seq(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


class Values:
    """Reads schemas of one document; `notes` say what was simplified."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self.notes: list[str] = []
        self._count = 0

    def resolved(self, node: Any) -> Json:
        """What a `$ref` points to, inside the document; {} for everything that leads nowhere."""
        found = obj(node)
        for _ in range(MOST_REFERENCES):
            if "$ref" not in found:
                return found
            found = obj(self._pointed(found["$ref"]))
        return {}

    def param(self, name: str, schema: Any, words: str, depth: int = 1) -> Json:
        """The Param for `schema`: an object in its parts, everything else described by `words` or the schema's own."""
        self._count_one()
        whole = self._whole(schema)
        words = _words(name, words, whole)
        only = [whole["const"]] if "const" in whole else seq(whole.get("enum"))
        if len(only) == 1 and isinstance(only[0], str | int | float | bool):
            return fixed(only[0])
        kind = self._kind(whole)
        if kind == "object" and obj(whole.get("properties")) and depth <= DEEPEST:
            return self._object(whole, words, depth)
        made = described(words, kind)
        if enum := _enum(whole, kind):
            made["enum"] = enum
        if kind == "array":
            made["items"] = self._shape(whole.get("items"), depth + 1)
        return made

    def _object(self, whole: Json, words: str, depth: int) -> Json:
        writable = {name: part for name, part in self._properties(whole).items() if part.get("readOnly") is not True}
        properties = {name: self.param(name, part, "", depth + 1) for name, part in writable.items()}
        required = [name for name in seq(whole.get("required")) if name in properties]
        made: Json = {"type": "object", "properties": properties, "required": list(dict.fromkeys(required))}
        return made | ({"input": {"type": "description", "description": words}} if words else {})

    def _shape(self, schema: Any, depth: int) -> Json:
        self._count_one()
        whole = self._whole(schema)
        kind = self._kind(whole)
        made: Json = {"type": kind}
        if isinstance(words := whole.get("description"), str):
            made["description"] = words[:LONGEST_WORDS]
        if enum := _enum(whole, kind):
            made["enum"] = enum
        if depth <= DEEPEST and kind == "array":
            made["items"] = self._shape(whole.get("items"), depth + 1)
        if depth <= DEEPEST and kind == "object":
            made["properties"] = {name: self._shape(part, depth + 1) for name, part in self._properties(whole).items()}
            made["required"] = [name for name in seq(whole.get("required")) if name in made["properties"]]
        return made

    def _properties(self, whole: Json) -> dict[str, Json]:
        return {name: self.resolved(part) for name, part in obj(whole.get("properties")).items() if name}

    def _whole(self, schema: Any, depth: int = 0) -> Json:
        """A schema with what it refers to and what it is put together from (`allOf`); of alternatives, the only one that is no null."""
        whole = dict(self.resolved(schema))
        if depth > DEEPEST:
            return whole
        for part in seq(whole.pop("allOf", None)):
            self._count_one()
            inner = self._whole(part, depth + 1)
            properties = obj(whole.get("properties")) | obj(inner.get("properties"))
            required = [*seq(whole.get("required")), *seq(inner.get("required"))]
            whole = inner | whole | ({"properties": properties, "required": required} if properties else {})
        options = [self.resolved(option) for key in ("oneOf", "anyOf") for option in seq(whole.get(key))]
        options = [option for option in options if option.get("type") != "null"]
        if options and "properties" not in whole:
            if len(options) > 1:
                self.notes.append("Where the document gives alternatives, the first one was taken.")
                self.notes[:] = dict.fromkeys(self.notes)
            self._count_one()
            whole = self._whole(options[0], depth + 1) | {key: part for key, part in whole.items() if key not in ("oneOf", "anyOf")}
        return whole

    def _kind(self, whole: Json) -> str:
        kinds = whole.get("type")
        named = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind in TYPES]
        if named:
            return str(named[0])
        if obj(whole.get("properties")):
            return "object"
        return type_of(seq(whole.get("enum"))[0]) if seq(whole.get("enum")) else "string"

    def _pointed(self, reference: Any) -> Any:
        if not isinstance(reference, str) or not reference.startswith("#/"):
            note = "A reference to another document was left out."
            if note not in self.notes:
                self.notes.append(note)
            return None
        found: Any = self.document
        for part in reference[2:].split("/"):
            found = obj(found).get(part.replace("~1", "/").replace("~0", "~"))
        return found

    def _count_one(self) -> None:
        self._count += 1
        if self._count > MOST_PARAMS:
            why = f"this operation has more than {MOST_PARAMS} values; write the tool by hand, with those it needs"
            raise Invalid(f"operationId: {why}", field="operationId")


def _words(name: str, words: str, whole: Json) -> str:
    own = whole.get("description") or whole.get("title")
    found = (words or (own if isinstance(own, str) else "") or name)[:LONGEST_WORDS]
    for key in ("format", "default", "example", "minimum", "maximum", "maxLength"):
        if isinstance(told := whole.get(key), str | int | float) and str(told):
            found += f" ({key}: {str(told)[:100]})"
    return found


def _enum(whole: Json, kind: str) -> list[Any]:
    if kind in ("array", "object"):
        return []
    return [value for value in seq(whole.get("enum")) if isinstance(value, str | int | float | bool)][:500]
