"""API tools: what the model is offered, and the request that comes of its arguments."""

import dataclasses
import json

import msgspec
from tests.agents.api_shop import described, fixed
from tests.agents.one_turn import call

from dragoman.agents.capabilities.api_tools import CAPABILITY, function_names
from dragoman.agents.turns import File

BREAD = "https://dragoman.example/media/bread"


def dana(lumen, *files, phone="15550007890"):
    """Her turn, with these files; without a `phone` she hides it."""
    run = lumen.run()
    turn = run.turn
    said = [msgspec.structs.replace(turn.said[0], files=list(files))]
    contact = msgspec.structs.replace(turn.contact, phone=phone, user_id="US.1349")
    callback = "https://dragoman.example/api/callback/abc"
    turn = msgspec.structs.replace(turn, contact=contact, said=said, callback_url=callback)
    return dataclasses.replace(run, scene=msgspec.structs.replace(run.scene, turn=turn))


def image(lumen, name="bread", state="ready", kind="image"):
    at = lumen.kit.clock.now()
    return File(url=f"https://dragoman.example/media/{name}", kind=kind, mime_type="image/jpeg", state=state, expires_at=at)


async def tool(lumen, shop, path="/orders", method="POST", run=None, config=None, **parts):
    item = {"name": "Shop", "description": "Use it for orders.", "apiSchema": {"url": shop.url + path, "method": method, **parts}}
    [made] = await CAPABILITY.tools(run or dana(lumen), await lumen.give(CAPABILITY, item | (config or {})))
    return made


async def test_a_get_fills_the_path_and_the_query_and_reads_compact_json(lumen, shop):
    shop.answer = {"status": "in the oven", "total": 12.5, "note": "für Dana"}
    status = await tool(
        lumen,
        shop,
        "/orders/{order}?v=2",
        "get",
        path_params={"order": described("The order's number")},
        query_params={
            "required": ["lang"],
            "properties": {"lang": described("Language", enum=["de", "en"]), "page": described(kind="integer")},
        },
    )
    assert status.parameters == {
        "type": "object",
        "properties": {
            "order": {"type": "string", "description": "The order's number", "minLength": 1},
            "lang": {"type": "string", "description": "Language", "enum": ["de", "en"]},
            "page": {"type": "integer", "description": "What it is"},
        },
        "required": ["order", "lang"],
        "additionalProperties": False,
    }
    assert (status.name, status.description, status.type, status.acts) == ("shop", "Use it for orders.", "api", False)
    found = await status.run(call({"order": "10 41", "lang": "de"}))
    assert (found.text, found.error, found.outside) == ('{"status":"in the oven","total":12.5,"note":"für Dana"}', "", True)
    assert shop.last.raw_path == "/orders/10%2041?v=2&lang=de"
    assert "Idempotency-Key" not in shop.last.headers
    assert shop.last.body == b""


async def test_a_post_sends_json_and_the_key_of_the_call(lumen, shop):
    items = {"type": "object", "properties": {"sku": {"type": "string"}, "count": {"type": "integer"}}, "required": ["sku"]}
    place = await tool(
        lumen,
        shop,
        config={"confirm": "customer", "creditCost": 3},
        request_headers={"X-Lang": described("Language"), "X-Source": fixed("whatsapp")},
        request_body={
            "type": "object",
            "required": ["items"],
            "properties": {
                "items": described("What is ordered", "array", items=items),
                "gift": described("Is it a gift?", "boolean"),
                "channel": fixed("whatsapp"),
                "limit": fixed(3, "integer"),
                "tags": fixed(["bread", "%PHONE_NUMBER%"], "array"),
            },
        },
    )
    assert (place.acts, place.confirm, place.credit_cost) == (True, "customer", 3)
    assert set(place.parameters["properties"]) == {"X-Lang", "items", "gift"}
    assert place.parameters["properties"]["items"] == {"type": "array", "description": "What is ordered", "items": items}
    assert place.parameters["required"] == ["items"]
    for _ in range(2):
        await place.run(call({"items": [{"sku": "rye", "count": 2}], "gift": True, "X-Lang": "de"}, key="turn-0-call"))
    assert shop.last.json == {
        "items": [{"sku": "rye", "count": 2}],
        "gift": True,
        "channel": "whatsapp",
        "limit": 3,
        "tags": ["bread", "+15550007890"],
    }
    assert [asked.headers["Idempotency-Key"] for asked in shop.asked] == ["turn-0-call", "turn-0-call"]
    assert shop.last.headers["Content-Type"] == "application/json"
    assert (shop.last.headers["X-Lang"], shop.last.headers["X-Source"]) == ("de", "whatsapp")


async def test_a_key_that_no_header_carries_is_sent_as_its_hash(lumen, shop):
    place = await tool(lumen, shop)
    await place.run(call({}, key="turn-0-call\r\nX-Admin: 1"))
    await place.run(call({}, key="turn-0-call\r\nX-Admin: 1"))
    keys = {asked.headers["Idempotency-Key"] for asked in shop.asked}
    assert len(keys) == 1
    assert "X-Admin" not in shop.last.headers


async def test_an_object_is_put_together_from_what_is_fixed_and_what_the_model_says(lumen, shop):
    customer = {
        "type": "object",
        "input": {"type": "description", "description": "Who orders"},
        "required": ["name"],
        "properties": {"name": described("The name"), "phone": fixed("%PHONE_NUMBER%"), "address": described("Where to")},
    }
    meta = {"type": "object", "properties": {"source": fixed("whatsapp"), "note": described("A note")}}
    constant = {"type": "object", "properties": {"shop": fixed("lumen")}}
    body = {"type": "object", "properties": {"customer": customer, "meta": meta, "constant": constant}}
    place = await tool(lumen, shop, request_body=body)
    assert place.parameters["properties"]["customer"] == {
        "type": "object",
        "description": "Who orders",
        "properties": {
            "name": {"type": "string", "description": "The name"},
            "address": {"type": "string", "description": "Where to"},
        },
        "required": ["name"],
        "additionalProperties": False,
    }
    assert set(place.parameters["properties"]) == {"customer", "meta"}
    await place.run(call({"customer": {"name": "Dana"}}))
    always = {"meta": {"source": "whatsapp"}, "constant": {"shop": "lumen"}}
    assert shop.last.json == {"customer": {"name": "Dana", "phone": "+15550007890"}, **always}
    await place.run(call({}))
    assert shop.last.json == always


async def test_one_name_in_several_places_is_told_apart(lumen, shop):
    change = await tool(
        lumen,
        shop,
        "/orders/{id}",
        "PATCH",
        path_params={"id": described("The order")},
        query_params={"properties": {"id": described("The request"), "größe": described("Size")}},
        request_headers={"id": described("The sender")},
        request_body={"required": ["id"], "properties": {"id": described("The new one"), "note": described()}},
    )
    assert list(change.parameters["properties"]) == ["path_id", "query_id", "groe", "header_id", "body_id", "note"]
    assert change.parameters["required"] == ["path_id", "body_id"]
    await change.run(call({"path_id": "1", "query_id": "2", "header_id": "3", "body_id": "4", "groe": "L", "note": "n"}))
    assert shop.last.raw_path == "/orders/1?id=2&gr%C3%B6%C3%9Fe=L"
    assert shop.last.headers["id"] == "3"
    assert shop.last.json == {"id": "4", "note": "n"}


TOKENS = {
    "who": fixed("tel:%PHONE_NUMBER%"),
    "picture": fixed("%IMAGE_URL%"),
    "answer": fixed("%CALLBACK_URL%?for=%PHONE_NUMBER%"),
    "nested": fixed({"image": "see %IMAGE_URL%", "list": ["%IMAGE_URL%", "x"]}, "object"),
    "said": described(),
}


async def test_tokens_stand_for_the_customer_the_image_and_the_callback(lumen, shop):
    files = [image(lumen, "broken", state="failed"), image(lumen, "song", kind="audio"), image(lumen), image(lumen, "second")]
    query, headers = {"properties": {"phone": fixed("%PHONE_NUMBER%")}}, {"X-Image": fixed("%IMAGE_URL%")}
    send = await tool(
        lumen, shop, run=dana(lumen, *files), query_params=query, request_headers=headers, request_body={"properties": TOKENS}
    )
    await send.run(call({"said": "ok"}))
    assert shop.last.json == {
        "who": "tel:+15550007890",
        "picture": BREAD,
        "answer": "https://dragoman.example/api/callback/abc?for=+15550007890",
        "nested": {"image": f"see {BREAD}", "list": [BREAD, "x"]},
        "said": "ok",
    }
    assert shop.last.query == [("phone", "+15550007890")]
    assert shop.last.headers["X-Image"] == BREAD


async def test_a_value_that_speaks_of_an_image_is_left_out_when_there_is_none(lumen, shop):
    query, headers = {"properties": {"image": fixed("%IMAGE_URL%"), "v": fixed("1")}}, {"X-Image": fixed("%IMAGE_URL%")}
    send = await tool(lumen, shop, query_params=query, request_headers=headers, request_body={"properties": TOKENS})
    await send.run(call({"said": "ok"}))
    assert "picture" not in shop.last.json
    assert shop.last.json["nested"] == {"list": ["x"]}
    assert shop.last.query == [("v", "1")]
    assert "X-Image" not in shop.last.headers


async def test_a_customer_who_hides_the_number_is_known_by_whatsapps_id(lumen, shop):
    mine = await tool(lumen, shop, method="GET", run=dana(lumen, phone=None), query_params={"properties": {"who": fixed("%PHONE_NUMBER%")}})
    await mine.run(call({}))
    assert shop.last.query == [("who", "US.1349")]


async def test_what_the_model_writes_is_text_also_when_it_looks_like_a_token(lumen, shop):
    words = "%CALLBACK_URL% %PHONE_NUMBER% %IMAGE_URL%"
    say = await tool(
        lumen,
        shop,
        "/say/{what}",
        path_params={"what": described()},
        query_params={"properties": {"q": described()}},
        request_body={"properties": {"body": described()}},
        run=dana(lumen, image(lumen)),
    )
    await say.run(call({"what": "%PHONE_NUMBER%", "q": words, "body": words}))
    assert shop.last.raw_path.startswith("/say/%25PHONE_NUMBER%25?")
    assert shop.last.query == [("q", words)]
    assert shop.last.json == {"body": words}


async def test_a_list_repeats_its_name_in_the_query(lumen, shop):
    find = await tool(
        lumen, shop, method="GET", query_params={"properties": {"tag": described(kind="array"), "fresh": described(kind="boolean")}}
    )
    assert find.parameters["properties"]["tag"]["items"] == {"type": "string"}
    await find.run(call({"tag": ["rye", "a&b=c"], "fresh": True}))
    assert shop.last.query == [("tag", "rye"), ("tag", "a&b=c"), ("fresh", "true")]


async def test_the_older_form_of_the_guide_does_the_same(lumen, shop):
    older = {
        "type": "object",
        "properties": {
            "endpoint": {"const": f"{shop.url}/orders/{{order}}/notes"},
            "method": {"const": "post"},
            "headers": {"properties": {"X-Source": {"const": "whatsapp"}}},
            "parameters": {
                "type": "object",
                "properties": {
                    "order": {"type": "string", "description": "The order"},
                    "note": {"type": "string", "description": "What to write"},
                    "phone": {"const": "%PHONE_NUMBER%"},
                    "pages": {"type": "array", "items": {"type": "integer"}},
                },
                "required": ["order", "note"],
            },
        },
    }
    [made] = await CAPABILITY.tools(dana(lumen), await lumen.give(CAPABILITY, {"name": "Note", "description": "", "apiSchema": older}))
    assert made.parameters["required"] == ["order", "note"]
    assert made.parameters["properties"]["pages"] == {"type": "array", "description": "pages", "items": {"type": "integer"}}
    await made.run(call({"order": "1041", "note": "seeds please"}))
    assert (shop.last.method, shop.last.raw_path) == ("POST", "/orders/1041/notes")
    assert shop.last.json == {"note": "seeds please", "phone": "+15550007890"}
    assert shop.last.headers["X-Source"] == "whatsapp"


def test_each_tool_has_a_function_name_of_its_own():
    names = ["Order status", "order-status", "Größe?", "注文", "2nd order", "Send message", "stay_silent", "x" * 100, "x" * 100]
    made = function_names(names)
    assert made[:4] == ["order_status", "order_status_2", "groe", "api_tool"]
    assert made[4:7] == ["api_2nd_order", "send_message_2", "stay_silent_2"]
    assert len(set(made)) == len(made)
    assert all(len(name) <= 64 for name in made)


async def test_what_is_stored_is_what_was_written(lumen, shop):
    written = {
        "url": f"{shop.url}/orders/{{id}}",
        "method": "POST",
        "path_params": {"id": described("The order")},
        "query_params": {"required": [], "properties": {}},
        "request_headers": {"X-Source": fixed("whatsapp")},
        "request_body": {"type": "object", "required": ["note"], "properties": {"note": described("What to write")}},
    }
    [item] = await lumen.give(CAPABILITY, {"name": "Note", "description": "d", "apiSchema": written})
    shown = item.config.model_dump(mode="json", by_alias=True)
    assert json.loads(json.dumps(shown)) == {
        "name": "Note",
        "description": "d",
        "apiSchema": written,
        "active": True,
        "creditCost": 0,
        "confirm": "outside",
        "timeoutSeconds": 20,
    }
