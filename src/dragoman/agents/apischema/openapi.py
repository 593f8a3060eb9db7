"""From an OpenAPI 3 document to a tool: one operation, with its parameters and body described to the model.

Documents are written by strangers: whatever is not of the expected shape counts as not there, and what cannot be carried over is noted.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urljoin

import msgspec

from dragoman.agents.apischema.openapi_values import Values, obj, seq
from dragoman.agents.apischema.proposal import Json, Proposal, described, fixed, together
from dragoman.agents.apischema.schema import NOT_YOURS, PLACEHOLDER
from dragoman.errors import Invalid
from dragoman.http.answers import NoAnswer, Refused
from dragoman.http.guarded import Guarded

LARGEST = 4 * 1024 * 1024
SECONDS = 20.0
METHODS = ("get", "head", "post", "put", "patch", "delete")
# The document's own word for these does not count (OpenAPI 3.1 §4.8.12.1).
_IGNORED = frozenset(["accept", "content-type", "authorization"])


class Operation(NamedTuple):
    """`id` is the document's operationId, or method and path where it has none."""

    id: str
    method: str
    path: str
    summary: str


async def fetched(guarded: Guarded, url: str) -> Json:
    """The document at an address. Raises Invalid when there is none, or when it is not JSON."""
    try:
        answer = await guarded.request("GET", url, headers={"Accept": "application/json"}, timeout=SECONDS, largest=LARGEST)
    except (Refused, NoAnswer) as nothing:
        raise Invalid(f"url: {nothing.reason}", field="url") from None
    if answer.status != 200:
        raise Invalid(f"url: the server answered with status {answer.status} instead of the document", field="url")
    try:
        document = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Invalid("url: there is no JSON document; one in YAML must be converted to JSON first", field="url")
    return document


def operations(document: Json) -> list[Operation]:
    """Everything the document's API can do. Raises Invalid for what is no OpenAPI 3 document."""
    return [Operation(_id(node, method, path), method.upper(), path, _summary(node)) for path, _, method, node in _operations(document)]


def proposal(document: Json, operation_id: str, found_at: str | None = None) -> Proposal:
    """The tool for one operation; `found_at` is the address of the document, for servers that are named relative to it."""
    for path, item, method, node in _operations(document):
        if _id(node, method, path) == operation_id:
            return _Reading(document, path, item, method, node).proposal(found_at)
    raise Invalid(f"operationId: the document has no {operation_id[:200]}; leave it out to see what there is", field="operationId")


def _operations(document: Json) -> Iterator[tuple[str, Json, str, Json]]:
    version = document.get("openapi")
    if not isinstance(version, str) or not version.startswith("3."):
        raise Invalid("document.openapi: must be 3.x; convert an older document first", field="document.openapi")
    values = Values(document)
    for path, item in obj(document.get("paths")).items():
        found = values.resolved(item)
        for method in METHODS:
            if isinstance(node := found.get(method), dict):
                yield path, found, method, node


def _id(node: Json, method: str, path: str) -> str:
    own = node.get("operationId")
    return own if isinstance(own, str) and own else f"{method.upper()} {path}"


def _summary(node: Json) -> str:
    text = node.get("summary") or node.get("description")
    return text[:500] if isinstance(text, str) else ""


class _Reading:
    """One operation on its way to an `apiSchema`."""

    def __init__(self, document: Json, path: str, item: Json, method: str, node: Json) -> None:
        self.document, self.path, self.item, self.method, self.node = document, path, item, method, node
        self.values = Values(document)
        self.notes = self.values.notes

    def proposal(self, found_at: str | None) -> Proposal:
        schema: Json = {"url": self._url(found_at), "method": self.method.upper()}
        schema |= {"path_params": {}, "query_params": together({}), "request_headers": {}}
        self._parameters(schema)
        for name in PLACEHOLDER.findall(schema["url"]):
            schema["path_params"].setdefault(name, described(name))
        self._body(schema)
        self._security(schema)
        name = _summary(self.node) or _id(self.node, self.method, self.path)
        words = [text for key in ("summary", "description") if isinstance(text := self.node.get(key), str) and text]
        description = "\n".join(dict.fromkeys(words)) or name
        return Proposal({"name": " ".join(name.split())[:255], "description": description[:4000], "apiSchema": schema}, self.notes)

    def _url(self, found_at: str | None) -> str:
        levels = (self.node, self.item, self.document)
        server = next((one for level in levels for one in seq(level.get("servers")) if isinstance(one, dict)), {})
        url = server.get("url") if isinstance(server.get("url"), str) else "/"
        variables = obj(server.get("variables"))
        url = PLACEHOLDER.sub(lambda found: str(obj(variables.get(found[1])).get("default", found[0])), url or "/")
        if not re.match(r"https?://", url):
            if not found_at:
                raise Invalid("document.servers: names no full address; add one such as https://api.example", field="document.servers")
            url = urljoin(found_at, url)
        return url.rstrip("/") + self.path

    def _parameters(self, schema: Json) -> None:
        found: dict[tuple[str, str], Json] = {}
        for one in [*seq(self.item.get("parameters")), *seq(self.node.get("parameters"))]:
            parameter = self.values.resolved(one)
            if isinstance(name := parameter.get("name"), str) and name:
                found[str(parameter.get("in")), name] = parameter
        for (place, name), parameter in found.items():
            self._parameter(schema, place, name, parameter)

    def _parameter(self, schema: Json, place: str, name: str, parameter: Json) -> None:
        words = parameter.get("description") if isinstance(parameter.get("description"), str) else ""
        content = next(iter(obj(parameter.get("content")).values()), None)
        param = self.values.param(name, parameter.get("schema", obj(content).get("schema")), words or "")
        required = parameter.get("required") is True
        if place == "path" and f"{{{name}}}" in self.path:
            schema["path_params"][name] = _scalar(param)
        elif place == "query":
            self._query(schema["query_params"], name, parameter, param, required)
        elif place == "header" and name.lower() not in NOT_YOURS | _IGNORED:
            schema["request_headers"][name] = _scalar(param)
        elif place == "cookie":
            self.notes.append(f"The cookie {name} was left out, because no cookies are sent.")

    def _query(self, query: Json, name: str, parameter: Json, param: Json, required: bool) -> None:
        if param["type"] == "object":
            self.notes.append(f"The query value {name} is an object, which cannot be sent; it was left out.")
            return
        listed = param["type"] == "array" and (
            obj(param.get("items")).get("type") in ("array", "object") or parameter.get("explode") is False
        )
        query["properties"][name] = _scalar(param) if listed else param
        if listed:
            self.notes.append(f"The query value {name} is a list in one text; say in its description how it is written.")
        if required:
            query["required"].append(name)

    def _body(self, schema: Json) -> None:
        body = self.values.resolved(self.node.get("requestBody"))
        content = obj(body.get("content"))
        if not content or self.method in ("get", "head"):
            return
        kind = next((kind for kind in content if re.fullmatch(r"application/([\w.-]+\+)?json", kind.partition(";")[0].strip())), None)
        if kind is None:
            if body.get("required") is True:
                raise Invalid(f"operationId: this operation takes {', '.join(content)[:200]}, and a tool sends JSON", field="operationId")
            self.notes.append("The body was left out, because it is not JSON.")
            return
        param = self.values.param("body", obj(content[kind]).get("schema"), "")
        if "properties" not in param:
            raise Invalid(
                "operationId: the body of this operation is no object with named values, and a tool sends one", field="operationId"
            )
        schema["request_body"] = {"type": "object", **together(param["properties"], param["required"])}
        if kind.partition(";")[0].strip() != "application/json":
            schema["request_headers"]["Content-Type"] = fixed(kind)

    def _security(self, schema: Json) -> None:
        wanted = self.node.get("security", self.document.get("security"))
        schemes = obj(obj(self.document.get("components")).get("securitySchemes"))
        for name in obj(seq(wanted)[0]) if seq(wanted) else {}:
            scheme = self.values.resolved(schemes.get(name))
            key = scheme.get("name")
            if scheme.get("type") == "apiKey" and isinstance(key, str) and scheme.get("in") in ("header", "query"):
                place = ("query_params", "properties") if scheme["in"] == "query" else ("request_headers",)
                self._key(schema, place, key, "your key")
            elif scheme.get("type") == "http" and str(scheme.get("scheme")).lower() == "basic":
                self._key(schema, ("request_headers",), "Authorization", '"Basic " and name:password in base64')
            elif scheme.get("type") in ("http", "oauth2", "openIdConnect"):
                self._key(schema, ("request_headers",), "Authorization", '"Bearer " and your token')
            else:
                self.notes.append(f"How to sign in with {name} cannot be carried over.")

    def _key(self, schema: Json, place: tuple[str, ...], name: str, what: str) -> None:
        if place == ("request_headers",) and name.lower() in NOT_YOURS:
            self.notes.append(f"The header {name} is set by Dragoman, so this API cannot be signed in to.")
            return
        at = schema
        for part in place:
            at = at[part]
        at[name] = fixed("", secret=True)
        self.notes.append(f"Write {what} into {'.'.join(place)}.{name}.input.value; it is kept secret.")


def _scalar(param: Json) -> Json:
    """The value as one text, where no other can stand."""
    if param["type"] not in ("array", "object"):
        return param
    return described(obj(param.get("input")).get("description") or "")
