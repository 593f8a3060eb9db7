"""`apiSchema`: what may be written, and errors that say where and why."""

import json
import re

import pytest
from pydantic import ValidationError
from tests.agents.api_shop import described, fixed
from tests.agents.one_turn import bakery_on, services_on
from tests.project.source import ROOT

from dragoman.agents.apischema.build import parameters
from dragoman.agents.capabilities.api_tools import CAPABILITY, ApiTool
from dragoman.errors import Invalid

URL = "https://api.lumen.example/orders"


def refused(url=URL, method="POST", **parts):
    """Where the error stands and what it says."""
    with pytest.raises(ValidationError) as caught:
        ApiTool.model_validate({"name": "Shop", "description": "", "apiSchema": {"url": url, "method": method, **parts}})
    first = caught.value.errors()[0]
    assert first["loc"][0] == "apiSchema"
    return ".".join(map(str, first["loc"][1:])), first["msg"]


def query(**properties):
    return {"query_params": {"properties": properties}}


def body(**properties):
    return {"request_body": {"properties": properties}}


@pytest.mark.parametrize(
    ("parts", "where", "why"),
    [
        ({"url": "ftp://api.lumen.example/"}, "url", "must start with https://"),
        ({"url": "https://{shop}.lumen.example/orders"}, "url", "placeholder in its host"),
        ({"url": "https://api.lumen.example{path}"}, "url", "placeholder in its host"),
        ({"url": "https://api.lumen.example:{port}/"}, "url", "placeholder in its host"),
        ({"url": "{scheme}://api.lumen.example/"}, "url", "must start with https://"),
        ({"url": f"{URL}#x"}, "url", "holds a #"),
        ({"url": f"{URL}/%PHONE_NUMBER%"}, "url", "holds a token"),
        ({"url": f"{URL}/{{id"}, "url", "brace without its other half"),
        ({"url": f"{URL}?{{what}}=1"}, "url", "placeholder for the name"),
        ({"url": f"{URL}?api_key=s3cret"}, "url", "put it into query_params"),
        ({"url": f"{URL}/{{id}}"}, "path_params", "has no entry for {id}"),
        ({"method": "TRACE"}, "method", "should be"),
        ({"path_params": {"id": described()}}, "path_params.id", "the url has no {id}"),
        ({"url": f"{URL}/{{id}}", "path_params": {"id": described(kind="array")}}, "path_params.id.type", "must be a plain type"),
        (query(q={"type": "string"}), "query_params.properties.q.input", "is missing"),
        (query(q={"type": "text", "input": {}}), "query_params.properties.q.type", "should be"),
        (query(q={"input": {"type": "guess"}}), "query_params.properties.q.input.type", "should be"),
        (query(q={"input": {"type": "description"}}), "query_params.properties.q.input.description", "must be given"),
        (query(q={"input": {"type": "value"}}), "query_params.properties.q.input.value", "must be given"),
        (
            query(q={"input": {"type": "value", "value": "a", "description": "b"}}),
            "query_params.properties.q.input.description",
            "no place",
        ),
        (
            query(q={"input": {"type": "description", "value": "a", "description": "b"}}),
            "query_params.properties.q.input.value",
            "no place",
        ),
        (query(q=described(kind="object")), "query_params.properties.q.type", "must be a plain type"),
        (query(q=described(kind="array", items={"type": "object"})), "query_params.properties.q.items.type", "must be a plain type"),
        (query(q=described(items={"type": "string"})), "query_params.properties.q.items", "goes with the type array"),
        (query(q=fixed("five", "integer")), "query_params.properties.q.input.value", "not of the type integer"),
        (query(q=fixed(True, "integer")), "query_params.properties.q.input.value", "not of the type integer"),
        (query(q=described(secret=True)), "query_params.properties.q.secret", "is for an input of type value"),
        (query(**{"a/b": fixed("x", secret=True)}), "query_params.properties.a/b.input.value", "cannot hold a /"),
        ({"url": f"{URL}?q=1", **query(q=described())}, "query_params.properties.q", "stands in the url already"),
        ({"query_params": {"required": ["x"], "properties": {}}}, "query_params.required.0", "not one of the properties"),
        ({"request_headers": {"X Y": fixed("a")}}, "request_headers.X Y", "not the name of a header"),
        ({"request_headers": {"Host": fixed("a")}}, "request_headers.Host", "set by Dragoman"),
        ({"request_headers": {"Transfer-Encoding": described()}}, "request_headers.Transfer-Encoding", "set by Dragoman"),
        ({"request_headers": {"Idempotency-Key": fixed("a")}}, "request_headers.Idempotency-Key", "set by Dragoman"),
        ({"request_headers": {"X-A": fixed("a"), "x-a": fixed("b")}}, "request_headers.x-a", "stands here twice"),
        ({"request_headers": {"X-A": fixed("a\nX-B: 1")}}, "request_headers.X-A.input.value", "line break"),
        ({"request_headers": {"Content-Type": fixed("text/xml")}}, "request_headers.Content-Type", "sent as JSON"),
        ({"method": "GET", **body(a=described())}, "request_body", "a GET carries none"),
        ({"request_body": {"type": "array"}}, "request_body.type", "should be 'object'"),
        (body(a={"type": "string", "properties": {}}), "request_body.properties.a.type", "must be object"),
        (
            body(a={"type": "object", "input": {"type": "value", "value": {}}, "properties": {}}),
            "request_body.properties.a.input.type",
            "must be",
        ),
        (body(a={"type": "object", "properties": {}, "required": ["x"]}), "request_body.properties.a.required.0", "not one of"),
        (body(a={"type": "object", "properties": {}, "secret": True}), "request_body.properties.a.secret", "one of the properties"),
        (body(**{f"p{n}": described() for n in range(201)}), "", "200 values"),
        ({"params": {}}, "params", "not permitted"),
    ],
)
def test_an_error_names_the_place_and_the_reason(parts, where, why):
    found, said = refused(**parts)
    assert found == where
    assert why in said


def nested(depth):
    value = described()
    for _ in range(depth):
        value = {"type": "object", "properties": {"a": value}}
    return value


def test_depth_has_an_end():
    ApiTool.model_validate({"name": "a", "description": "", "apiSchema": {"url": URL, "method": "POST", **body(a=nested(6))}})
    for depth in (9, 100, 900):
        refused(**body(a=nested(depth)))
    deep = "x"
    for _ in range(900):
        deep = [deep]
    assert refused(**body(a=fixed(deep, "array")))[0] == "request_body.properties.a.input.value"
    older = {"type": "string"}
    for _ in range(900):
        older = {"properties": {"a": older}}
    with pytest.raises(ValidationError, match="8 levels"):
        ApiTool.model_validate({"name": "a", "description": "", "apiSchema": guide(parameters={"properties": {"a": older}})})


def guide(**parts):
    constants = {"endpoint": {"const": URL}, "method": {"const": "POST"}}
    return {"type": "object", "properties": {name: part for name, part in (constants | parts).items() if part is not None}}


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (guide(endpoint=None), "properties.endpoint.const is not a text"),
        (guide(method={"enum": ["POST"]}), "properties.method.const is not a text"),
        (guide(auth={"const": "x"}), "has auth in its properties"),
        (guide(parameters={"properties": {"a": {"$ref": "#/x"}}}), r"a has \$ref"),
        (guide(parameters={"properties": ["a"]}), "not an object of schemas"),
        (guide(parameters=["a"]), "not an object of schemas"),
        (guide(method={"const": "DELETE"}, parameters={"properties": {"a": {}}}), "does not say where the parameters of a DELETE go"),
    ],
)
def test_the_older_form_is_converted_or_refused_in_words(sent, why):
    with pytest.raises(ValidationError, match=why):
        ApiTool.model_validate({"name": "a", "description": "", "apiSchema": sent})


def test_the_older_form_of_a_get_asks_in_the_query():
    sent = guide(method={"const": "GET"}, parameters={"properties": {"q": {"enum": ["a"]}, "n": {"const": 5}}, "required": ["q"]})
    made = ApiTool.model_validate({"name": "a", "description": "", "apiSchema": sent}).api_schema
    assert made.query_params.required == ["q"]
    assert made.query_params.properties["q"].enum == ["a"]
    assert (made.query_params.properties["n"].type, made.query_params.properties["n"].fixed) == ("integer", True)


@pytest.mark.parametrize(
    "name", ["Connection", "TE", "Trailer", "Upgrade", "Keep-Alive", "Proxy-Authorization", "Content-Length", "Cookie"]
)
def test_headers_of_the_connection_are_not_the_businesss(name):
    where, why = refused(request_headers={name: fixed("x")})
    assert where == f"request_headers.{name}"
    assert "leave it out" in why


@pytest.mark.parametrize(
    ("item", "where"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"timeoutSeconds": 61}, "timeoutSeconds"),
        ({"timeoutSeconds": 0.5}, "timeoutSeconds"),
        ({"confirm": "maybe"}, "confirm"),
        ({"creditCost": -1}, "creditCost"),
        ({"apiSchema": "x"}, "apiSchema"),
        ({"apiSchema": None}, "apiSchema"),
    ],
)
def test_the_other_fields_have_limits(item, where):
    with pytest.raises(ValidationError) as caught:
        ApiTool.model_validate({"name": "a", "description": "", "apiSchema": {"url": URL, "method": "GET"}, **item})
    assert caught.value.errors()[0]["loc"] == (where,)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://10.0.0.1/orders", "leads into 10.0.0.0/8"),
        ("http://api.lumen.example/orders", "Plain http://"),
        ("https://api.lumen.example:8443/", "Port 8443"),
        ("https://dana:pw@api.lumen.example/", "user name or password"),
        ("https://metadata.internal/{id}", "not a name on the public internet"),
    ],
)
async def test_an_address_that_is_not_called_is_refused_when_it_is_stored(database, clock, tmp_path, url, why):
    async with services_on(database, clock, tmp_path, allow="") as services:
        lumen = await bakery_on(services.kit)
        path = {"id": described()} if "{id}" in url else {}
        with pytest.raises(Invalid) as caught:
            await lumen.give(CAPABILITY, {"name": "a", "description": "", "apiSchema": {"url": url, "method": "GET", "path_params": path}})
    assert caught.value.field == "tools[0].apiSchema.url"
    assert why in caught.value.message


def test_the_example_in_the_documents_is_one():
    page = (ROOT / "docs/capabilities/api-tools.md").read_text()
    [example] = re.findall(r"-d '(\{\s*\"tools\".*?)'\n```", page, re.S)
    status, order = [ApiTool.model_validate(tool) for tool in json.loads(example)["tools"]]
    assert parameters(status.api_schema)["required"] == ["id"]
    assert list(parameters(order.api_schema)["properties"]) == ["item", "quantity"]
