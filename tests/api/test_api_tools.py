"""Trying an API tool by hand, and making one from a curl command or an OpenAPI document, through the door of the API."""

import asyncio
import json
from uuid import uuid4

import pytest
from world import shop_server

from dragoman.settings import Settings

KEY = "sk-shop-0123456789"
ORDER_STATUS = {"type": "description", "description": "The order's number"}


@pytest.fixture
def settings(tmp_path):
    return Settings(
        data_dir=tmp_path,
        public_url="https://dragoman.example",
        api_rate_limit=1000,
        graph_url="http://127.0.0.1:1",
        allow_private_urls="127.0.0.0/8",
    )


@pytest.fixture
async def shop():
    async with shop_server(key=KEY) as shop:
        yield shop


@pytest.fixture
async def agent(lumen):
    created = await lumen.post("/agents/", {"name": "Lumi"})
    assert created.status == 201, created
    return created.body


def place_order(shop, **more):
    body = {
        "required": ["item"],
        "properties": {
            "item": {"type": "string", "input": {"type": "description", "description": "What"}},
            "customer": {"type": "string", "input": {"type": "value", "value": "%PHONE_NUMBER%"}},
            "picture": {"type": "string", "input": {"type": "value", "value": "%IMAGE_URL%"}},
        },
    }
    headers = {"X-Shop-Key": {"type": "string", "input": {"type": "value", "value": KEY}}}
    schema = {"url": f"{shop.url}/orders", "method": "POST", "request_headers": headers, "request_body": body}
    return {"name": "Place order", "description": "When the customer orders.", "apiSchema": schema, **more}


async def give(lumen, agent, *tools):
    changed = await lumen.patch(f"/agents/{agent['id']}/", {"tools": list(tools)})
    assert changed.status == 200, changed
    return changed["tools"]


async def test_a_tool_is_kept_as_it_was_written_with_its_secret_masked(lumen, agent, shop):
    [tool] = await give(lumen, agent, place_order(shop))
    assert tool["apiSchema"]["request_headers"]["X-Shop-Key"]["input"]["value"] == "••••6789"
    assert (tool["active"], tool["creditCost"], tool["confirm"], tool["timeoutSeconds"]) == (True, 0, "outside", 20)
    assert (await give(lumen, agent, {**tool, "name": "Order"}))[0] == {**tool, "name": "Order"}
    run = await lumen.post(f"/agents/{agent['id']}/tools/{tool['id']}/run/", {"arguments": {"item": "rye"}, "phoneNumber": "15550007890"})
    assert run["error"] == ""
    assert shop.requests[-1].headers["X-Shop-Key"] == KEY
    assert shop.requests[-1].body == {"item": "rye", "customer": "+15550007890"}
    read = await lumen.get(f"/agents/{agent['id']}/")
    assert KEY not in str(read.body)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"apiSchema": {"url": "https://10.0.0.1/", "method": "GET"}}, "tools[1].apiSchema.url"),
        ({"apiSchema": {"url": "https://h.example/", "method": "GET", "query_params": {"properties": {"q": {"input": {"type": "x"}}}}}},
         "tools.1.apiSchema.query_params.properties.q.input.type"),
        ({"apiSchema": {"url": "https://{host}/", "method": "GET"}}, "tools.1.apiSchema.url"),
        ({"apiSchema": {"url": "https://h.example/", "method": "GET", "request_headers": {"Host": {"input": {"type": "value", "value": "a"}}}}},
         "tools.1.apiSchema.request_headers.Host"),
        ({"name": ""}, "tools.1.name"),
        ({"apiSchema": {"url": "https://h.example/", "method": "GET", "requestBody": {}}}, "tools.1.apiSchema.requestBody"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named_by_its_place(lumen, agent, shop, change, field):
    refused = await lumen.patch(f"/agents/{agent['id']}/", {"tools": [place_order(shop), {**place_order(shop), **change}]})
    assert (refused.status, refused["field"]) == (400, field), refused
    assert refused["error"].startswith(field)
    assert (await lumen.get(f"/agents/{agent['id']}/"))["tools"] == []


async def test_a_run_shows_what_was_sent_and_what_came_of_it(lumen, agent, shop):
    [tool] = await give(lumen, agent, place_order(shop))
    sent = {"arguments": {"item": "rye bread"}, "phoneNumber": "+15550007890", "imageUrl": "https://dragoman.example/p"}
    run = (await lumen.post(f"/agents/{agent['id']}/tools/{tool['id']}/run/", sent)).body
    order = {"item": "rye bread", "customer": "+15550007890", "picture": "https://dragoman.example/p"}
    assert run["request"]["method"] == "POST"
    assert run["request"]["url"] == f"{shop.url}/orders"
    assert run["request"]["headers"]["X-Shop-Key"] == "••••"
    assert run["request"]["headers"]["Idempotency-Key"] == shop.requests[-1].headers["Idempotency-Key"]
    assert json.loads(run["request"]["body"]) == order
    assert (run["status"], run["error"]) == (201, "")
    assert json.loads(run["text"]) == {"status": "taken", "quantity": 1, **order, "id": "1003"}
    assert run["responseHead"].startswith('{"status": "taken"')
    assert run["durationMs"] > 0
    assert KEY not in str(run)


async def test_a_run_that_goes_wrong_says_why(lumen, agent, shop):
    status = {"url": f"{shop.url}/orders/{{id}}", "method": "GET", "path_params": {"id": {"input": ORDER_STATUS}}}
    slow = {"url": f"{shop.url}/slow", "method": "GET"}
    asked, order, late = await give(
        lumen,
        agent,
        {"name": "Status", "description": "", "apiSchema": status},
        place_order(shop),
        {"name": "Slow", "description": "", "apiSchema": slow, "timeoutSeconds": 1},
    )
    shop.key = None
    runs = f"/agents/{agent['id']}/tools"
    lost = (await lumen.post(f"{runs}/{asked['id']}/run/", {"arguments": {"id": "77"}})).body
    assert (lost["status"], lost["error"]) == (404, "The server answered with status 404.")
    assert "there is no order 77" in lost["text"]
    climbing = (await lumen.post(f"{runs}/{asked['id']}/run/", {"arguments": {"id": "../refunds"}})).body
    assert (climbing["request"], climbing["status"]) == (None, None)
    assert "part of an address" in climbing["error"]
    nobody = (await lumen.post(f"{runs}/{order['id']}/run/", {"arguments": {"item": "rye"}})).body
    assert "the customer's phone number is not known" in nobody["error"]
    never = (await lumen.post(f"{runs}/{late['id']}/run/", {})).body
    assert "did not answer in time" in never["error"]
    misfit = await lumen.post(f"{runs}/{asked['id']}/run/", {"arguments": {"order": "77"}})
    assert (misfit.status, misfit["field"]) == (400, "arguments")
    assert (await lumen.post(f"{runs}/{uuid4()}/run/", {})).status == 404


async def test_a_run_with_a_key_is_made_once(lumen, agent, shop):
    [tool] = await give(lumen, agent, place_order(shop))
    address, sent = f"/agents/{agent['id']}/tools/{tool['id']}/run/", {"arguments": {"item": "rye"}, "phoneNumber": "15550007890"}
    both = [await lumen.post(address, sent, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert both[0].body == both[1].body
    assert len(shop.asked("POST", "/orders")) == 1


async def test_a_curl_command_becomes_a_tool_that_can_be_stored(lumen, agent, shop):
    line = f"""curl -X POST '{shop.url}/orders' -H 'X-Shop-Key: {KEY}' --json '{{"item": "rye bread", "quantity": 2}}'"""
    proposed = await lumen.post(f"/agents/{agent['id']}/tools/from-curl/", {"curl": line})
    tool = proposed["tool"]
    assert tool["apiSchema"]["request_headers"]["X-Shop-Key"]["input"]["value"] == KEY
    assert (await lumen.get(f"/agents/{agent['id']}/"))["tools"] == []
    tool["apiSchema"]["request_body"]["properties"]["item"]["input"] = {"type": "description", "description": "Which bread"}
    [stored] = await give(lumen, agent, tool)
    run = (await lumen.post(f"/agents/{agent['id']}/tools/{stored['id']}/run/", {"arguments": {"item": "spelt"}})).body
    assert run["error"] == ""
    assert shop.requests[-1].body == {"item": "spelt", "quantity": 2}
    refused = await lumen.post(f"/agents/{agent['id']}/tools/from-curl/", {"curl": "curl -d @order.json https://h.example"})
    assert (refused.status, refused["field"]) == (400, "curl")
    assert "write the data out" in refused["error"]


async def test_an_openapi_document_lists_its_operations_and_each_becomes_a_tool(lumen, agent, shop):
    address = f"/agents/{agent['id']}/tools/from-openapi/"
    listed = await lumen.post(address, {"url": f"{shop.url}/openapi.json"})
    assert {"operationId": "createOrder", "method": "POST", "path": "/orders", "summary": "Take an order"} in listed["operations"]
    assert listed["proposal"] is None
    chosen = await lumen.post(address, {"url": f"{shop.url}/openapi.json", "operationId": "createOrder"})
    tool = chosen["proposal"]["tool"]
    assert list(tool["apiSchema"]["request_body"]["properties"]) == ["item", "quantity", "customer", "wish"]
    assert "X-Shop-Key" in " ".join(chosen["proposal"]["notes"])
    tool["apiSchema"]["request_headers"]["X-Shop-Key"]["input"]["value"] = KEY
    [stored] = await give(lumen, agent, tool)
    run = (await lumen.post(f"/agents/{agent['id']}/tools/{stored['id']}/run/", {"arguments": {"item": "spelt", "quantity": 2}})).body
    assert (run["status"], run["error"]) == (201, "")
    assert shop.orders["1003"]["item"] == "spelt"
    async with asyncio.timeout(20):
        for operation in [one["operationId"] for one in listed["operations"]]:
            assert (await lumen.post(address, {"url": f"{shop.url}/openapi.json", "operationId": operation})).status == 200


@pytest.mark.parametrize(
    ("sent", "field", "why"),
    [
        ({}, "document", "one of the two"),
        ({"document": {}, "url": "https://h.example/"}, "document", "one of the two"),
        ({"document": {"swagger": "2.0"}}, "document.openapi", "must be 3.x"),
        ({"url": "https://10.0.0.1/openapi.json"}, "url", "leads into 10.0.0.0/8"),
        ({"url": "SHOP/broken"}, "url", "status 500"),
        ({"url": "SHOP/moved"}, "url", "status 302"),
        ({"url": "SHOP/huge"}, "url", "more than"),
        ({"url": "SHOP/orders/1001", "operationId": "x"}, "document.openapi", "must be 3.x"),
        ({"document": {"openapi": "3.0.0"}, "operationId": "x"}, "operationId", "leave it out"),
    ],
)
async def test_a_document_that_is_none_is_refused(lumen, agent, shop, sent, field, why):
    shop.key = None
    sent = {key: value.replace("SHOP", shop.url) if isinstance(value, str) else value for key, value in sent.items()}
    refused = await lumen.post(f"/agents/{agent['id']}/tools/from-openapi/", sent)
    assert (refused.status, refused["field"]) == (400, field)
    assert why in refused["error"]
