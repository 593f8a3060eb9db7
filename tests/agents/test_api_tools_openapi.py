"""An operation of an OpenAPI document becomes a tool."""

import pytest
from tests.agents.api_shop import described, fixed
from tests.agents.one_turn import services_on

from dragoman.agents.apischema.openapi import operations, proposal
from dragoman.agents.capabilities.api_tools import ApiTool, proposed
from dragoman.errors import Invalid

ITEM = {
    "type": "object",
    "required": ["sku"],
    "properties": {"sku": {"type": "string", "description": "Which bread"}, "count": {"type": "integer"}},
}
ORDER = {
    "allOf": [
        {
            "type": "object",
            "required": ["items"],
            "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}},
        },
        {
            "type": "object",
            "required": ["customer", "id"],
            "properties": {
                "id": {"type": "string", "readOnly": True},
                "customer": {"$ref": "#/components/schemas/Customer"},
                "channel": {"const": "whatsapp"},
                "size": {"type": ["string", "null"], "enum": ["S", "L", None]},
                "when": {"anyOf": [{"type": "null"}, {"type": "string", "format": "date", "description": "Day of delivery"}]},
                "parent": {"$ref": "#/components/schemas/Order"},
            },
        },
    ]
}
SHOP = {
    "openapi": "3.1.0",
    "servers": [{"url": "https://{region}.lumen.example/v1/", "variables": {"region": {"default": "eu"}}}],
    "security": [{"bearer": []}],
    "paths": {
        "/orders/{order-id}": {
            "parameters": [{"name": "order-id", "in": "path", "required": True, "schema": {"type": "string"}, "description": "The number"}],
            "get": {
                "operationId": "getOrder",
                "summary": "Order status",
                "description": "Tells where an order is.",
                "parameters": [
                    {"$ref": "#/components/parameters/Lang"},
                    {"name": "fields", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}, "explode": False},
                    {"name": "filter", "in": "query", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}},
                    {"name": "tag", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "session", "in": "cookie", "schema": {"type": "string"}},
                    {"name": "X-Trace", "in": "header", "schema": {"type": "integer"}},
                    {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
                ],
            },
        },
        "/orders": {
            "post": {
                "operationId": "placeOrder",
                "security": [{"shopKey": []}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}},
            }
        },
        "/pictures": {"post": {"requestBody": {"required": True, "content": {"image/png": {}}}}},
        "/raw": {"put": {"operationId": "raw", "requestBody": {"content": {"application/json": {"schema": {"type": "array"}}}}}},
    },
    "components": {
        "parameters": {"Lang": {"name": "lang", "in": "query", "required": True, "schema": {"type": "string", "default": "de"}}},
        "schemas": {
            "Item": ITEM,
            "Order": ORDER,
            "Customer": {"type": "object", "description": "Who orders", "required": ["name"], "properties": {"name": {"type": "string"}}},
        },
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer"},
            "shopKey": {"type": "apiKey", "in": "header", "name": "X-Shop-Key"},
        },
    },
}


def made(operation, document=SHOP, found_at=None):
    found = proposal(document, operation, found_at)
    return ApiTool.model_validate(found.tool).model_dump(mode="json", by_alias=True), found.notes


def test_the_operations_are_listed():
    assert [tuple(operation) for operation in operations(SHOP)] == [
        ("getOrder", "GET", "/orders/{order-id}", "Order status"),
        ("placeOrder", "POST", "/orders", ""),
        ("POST /pictures", "POST", "/pictures", ""),
        ("raw", "PUT", "/raw", ""),
    ]


def test_a_get_becomes_a_tool_whose_values_the_model_finds():
    tool, notes = made("getOrder")
    assert (tool["name"], tool["description"]) == ("Order status", "Order status\nTells where an order is.")
    assert tool["apiSchema"] == {
        "url": "https://eu.lumen.example/v1/orders/{order-id}",
        "method": "GET",
        "path_params": {"order-id": described("The number")},
        "query_params": {
            "required": ["lang"],
            "properties": {
                "lang": described("lang (default: de)"),
                "fields": described("fields"),
                "tag": described("tag", "array", items={"type": "string"}),
            },
        },
        "request_headers": {"X-Trace": described("X-Trace", "integer"), "Authorization": fixed("", secret=True)},
    }
    told = " ".join(notes)
    for what in ("filter is an object", "fields is a list in one text", "cookie session", '"Bearer " and your token'):
        assert what in told


def test_a_body_is_taken_apart_so_that_each_value_can_be_fixed():
    tool, notes = made("placeOrder")
    body = tool["apiSchema"]["request_body"]
    assert body["required"] == ["items", "customer"]
    assert list(body["properties"]) == ["items", "customer", "channel", "size", "when", "parent"]
    assert body["properties"]["items"] == described(
        "items",
        "array",
        items={
            "type": "object",
            "required": ["sku"],
            "properties": {"sku": {"type": "string", "description": "Which bread"}, "count": {"type": "integer"}},
        },
    )
    assert body["properties"]["customer"] == {
        "type": "object",
        "input": {"type": "description", "description": "Who orders"},
        "required": ["name"],
        "properties": {"name": described("name")},
    }
    assert body["properties"]["channel"] == fixed("whatsapp")
    assert body["properties"]["size"] == described("size", enum=["S", "L"])
    assert body["properties"]["when"] == described("Day of delivery (format: date)")
    assert tool["apiSchema"]["request_headers"] == {"X-Shop-Key": fixed("", secret=True)}
    assert "request_headers.X-Shop-Key.input.value" in " ".join(notes)


def changed(**parts):
    return {**SHOP, **parts}


@pytest.mark.parametrize(
    ("operation", "document", "field", "why"),
    [
        ("noSuch", SHOP, "operationId", "leave it out to see what there is"),
        ("POST /pictures", SHOP, "operationId", "takes image/png, and a tool sends JSON"),
        ("raw", SHOP, "operationId", "no object with named values"),
        ("getOrder", {"swagger": "2.0"}, "document.openapi", "must be 3.x"),
        ("getOrder", changed(servers=[]), "document.servers", "names no full address"),
        ("getOrder", changed(servers=[{"url": "/v1"}]), "document.servers", "names no full address"),
    ],
)
def test_what_a_tool_cannot_do_is_refused_with_the_reason(operation, document, field, why):
    with pytest.raises(Invalid) as caught:
        proposal(document, operation)
    assert caught.value.field == field
    assert why in caught.value.message


def test_a_relative_server_is_beside_the_document():
    for server, url in (("/v1", "https://h.example/v1/orders"), ("v2/", "https://h.example/docs/v2/orders")):
        tool, _ = made("placeOrder", changed(servers=[{"url": server}]), "https://h.example/docs/openapi.json")
        assert tool["apiSchema"]["url"] == url


NONSENSE = [None, 5, "x", [], {}, [None], {"a": None}, {"$ref": "#/paths"}, {"$ref": "#/x/y"}, {"$ref": "http://h.example/x"}, {"$ref": 5}]


@pytest.mark.parametrize("nonsense", NONSENSE, ids=repr)
def test_nonsense_in_a_document_is_passed_over(nonsense):
    operation = {"operationId": "op", "parameters": [nonsense, {"name": "q", "in": "query", "schema": nonsense}]}
    for node in (
        operation,
        {**operation, "requestBody": nonsense},
        {**operation, "requestBody": {"content": nonsense}},
        {**operation, "requestBody": {"content": {"application/json": {"schema": {"properties": {"a": nonsense}, "required": nonsense}}}}},
        {**operation, "security": nonsense, "servers": nonsense, "summary": nonsense, "parameters": nonsense},
    ):
        document = {"openapi": "3.0.0", "servers": [{"url": "https://h.example"}], "paths": {"/a": {"post": node}, "/b": nonsense}}
        assert len(operations(document)) == 1
        made("op", document)
    for part in ("paths", "components", "servers", "security"):
        document = {"openapi": "3.0.0", "servers": [{"url": "https://h.example"}], "paths": {"/a": {"get": operation}}, part: nonsense}
        if part == "paths":
            assert operations(document) == []
        elif part == "servers":
            with pytest.raises(Invalid):
                proposal(document, "op")
        else:
            made("op", document)


def test_a_document_that_refers_to_itself_without_end_is_read_to_an_end():
    schemas = {
        f"S{n}": {"allOf": [{"$ref": f"#/components/schemas/S{n}"}] * 5, "properties": {"a": {"$ref": f"#/components/schemas/S{n}"}}}
        for n in range(3)
    }
    schemas["Loop"] = {"$ref": "#/components/schemas/Loop"}
    for name in schemas:
        body = {"content": {"application/json": {"schema": {"properties": {"a": {"$ref": f"#/components/schemas/{name}"}}}}}}
        document = {
            "openapi": "3.0.0",
            "servers": [{"url": "https://h.example"}],
            "paths": {"/a": {"post": {"operationId": "op", "requestBody": body}}},
            "components": {"schemas": schemas},
        }
        if name == "Loop":
            made("op", document)
        else:
            with pytest.raises(Invalid, match="more than 200 values"):
                proposal(document, "op")


async def test_a_proposal_that_no_tool_can_be_is_refused_by_name(database, clock, tmp_path):
    node = {"operationId": "op", "parameters": [{"name": "q" * 200, "in": "query", "schema": {"type": "string"}}]}
    document = {"openapi": "3.0.0", "servers": [{"url": "https://h.example"}], "paths": {"/a": {"get": node}}}
    async with services_on(database, clock, tmp_path) as services:
        with pytest.raises(Invalid, match=r"operationId: no tool can do this: apiSchema\.query_params"):
            proposed(services.kit, proposal(document, "op"), "operationId")
