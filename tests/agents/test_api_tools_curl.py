"""A curl command becomes a tool that sends the same request."""

import base64

import pytest
from stage import serving
from tests.agents.api_shop import Shop, described, fixed
from tests.agents.one_turn import services_on

from dragoman.agents.apischema.curl import proposal
from dragoman.agents.capabilities.api_tools import ApiTool, Facts, proposed, run_once
from dragoman.errors import Invalid


def schema(line):
    return ApiTool.model_validate(proposal(line).tool).model_dump(mode="json", by_alias=True)["apiSchema"]


def basic(pair):
    return {"Authorization": fixed("Basic " + base64.b64encode(pair.encode()).decode())}


async def test_a_whole_command_becomes_a_tool():
    made = proposal(
        r"""curl -sS -X POST 'https://api.lumen.example/v1/orders/1041/items?dry=1&tag=a&tag=b' \
        -H 'Content-Type: application/json; charset=utf-8' -H "Authorization: Bearer sk-\"1" -H 'Accept:' -H 'Host: x' \
        --data-raw '{"sku": "rye", "count": 2, "price": 4.5, "gift": true, "note": null, "to": {"name": "O'\''Dana", "tags": ["x"]}}' -m 5 -kL"""
    )
    tool = ApiTool.model_validate(made.tool).model_dump(mode="json", by_alias=True)
    assert tool["name"] == "Post orders items"
    assert tool["timeoutSeconds"] == 5
    assert tool["apiSchema"] == {
        "url": "https://api.lumen.example/v1/orders/1041/items",
        "method": "POST",
        "path_params": {},
        "query_params": {"required": [], "properties": {"dry": fixed("1"), "tag": fixed(["a", "b"], "array")}},
        "request_headers": {"Authorization": fixed('Bearer sk-"1')},
        "request_body": {
            "type": "object",
            "required": [],
            "properties": {
                "sku": fixed("rye"),
                "count": fixed(2, "integer"),
                "price": fixed(4.5, "number"),
                "gift": fixed(True, "boolean"),
                "to": {"type": "object", "required": [], "properties": {"name": fixed("O'Dana"), "tags": fixed(["x"], "array")}},
            },
        },
    }
    told = " ".join(made.notes)
    for what in ("note is null", "Host", "--insecure", "Redirects"):
        assert what in told


@pytest.mark.parametrize(
    ("line", "part", "value"),
    [
        ("curl https://h.example/x", "method", "GET"),
        ("curl --url https://h.example/x -d '{}'", "method", "POST"),
        ("curl -XDELETE https://h.example/x", "method", "DELETE"),
        ("curl -I https://h.example/x", "method", "HEAD"),
        ("$ /usr/bin/curl https://h.example/x", "url", "https://h.example/x"),
        ("curl.exe ^\r\n https://h.example/x", "url", "https://h.example/x"),
        ("curl https://h.example/orders/{id}", "path_params", {"id": described("The id in the address")}),
        ("curl -udana:pw:x https://h.example/x", "request_headers", basic("dana:pw:x")),
        ("curl https://dana:p%40w@h.example/x", "request_headers", basic("dana:p@w")),
        ("curl --oauth2-bearer abc https://h.example/x", "request_headers", {"Authorization": fixed("Bearer abc")}),
        (
            "curl -A Oven/1 -e https://l.example https://h.example",
            "request_headers",
            {"User-Agent": fixed("Oven/1"), "Referer": fixed("https://l.example")},
        ),
        (
            "curl https://h.example --json '{\"a\":' --json '1}'",
            "request_body",
            {"type": "object", "required": [], "properties": {"a": fixed(1, "integer")}},
        ),
        (
            "curl https://h.example -H 'content-type: application/vnd.api+json' -d '{}'",
            "request_headers",
            {"content-type": fixed("application/vnd.api+json")},
        ),
        (
            'curl https://h.example -d \'{"p":"%PHONE_NUMBER%"}\'',
            "request_body",
            {"type": "object", "required": [], "properties": {"p": fixed("%PHONE_NUMBER%")}},
        ),
        (
            "curl -G https://h.example/x?v=2 --data-urlencode 'q=a b&c' -d y=2",
            "query_params",
            {"required": [], "properties": {"v": fixed("2"), "q": fixed("a b&c"), "y": fixed("2")}},
        ),
    ],
)
def test_options_mean_what_they_mean_to_curl(line, part, value):
    assert schema(line)[part] == value


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("wget https://h.example", "must begin with curl"),
        ("", "must begin with curl"),
        ("curl", "names no address"),
        ("curl https://a.example https://b.example", "several addresses"),
        ("curl h.example", "starts with https://"),
        ("curl file:///etc/passwd", "starts with https://"),
        ("curl -d @order.json https://h.example", "reads @order.json from a file"),
        ("curl --json @order.json https://h.example", "from a file"),
        ("curl -G --data-urlencode q@file https://h.example", "from a file"),
        ("curl -H @headers https://h.example", "reads headers from a file"),
        ("curl -F a=@bread.jpg https://h.example", "sends a form with files, and a tool sends JSON"),
        ("curl -T bread.jpg https://h.example", "sends a file"),
        ("curl -b a=b https://h.example", "cookies"),
        ("curl -x proxy:80 https://h.example", "proxy"),
        ("curl -K config https://h.example", "-K, which is not known here"),
        ("curl -d 'a=1&b=2' https://h.example", "sends a form (a=b), and a tool sends JSON"),
        ("curl -d '{\"a\":' https://h.example", "not valid JSON"),
        ("curl -d '{\"a\":1e999}' https://h.example", "not valid JSON"),
        ("curl -d '[1]' https://h.example", "no object"),
        ("curl -H 'Content-Type: text/xml' -d '<a/>' https://h.example", "sends text/xml"),
        ("curl -u dana https://h.example", "without a password"),
        ("curl -m soon https://h.example", "number of seconds"),
        ("curl https://h.example -H", "ends after -H"),
        ("curl 'https://h.example", "a quote that is not closed"),
        ("curl $'https://h.example'", "quotes, which are not read"),
        ("curl https://h.example | sh", "goes on after |"),
        ("curl --retry-everything https://h.example", "--retry-everything, which is not known"),
        ("curl https://[h.example", "cannot be read"),
    ],
)
def test_what_a_tool_cannot_do_is_refused_with_the_reason(line, why):
    with pytest.raises(Invalid) as caught:
        proposal(line)
    assert caught.value.field == "curl"
    assert why in caught.value.message


async def test_the_tool_sends_what_the_command_would(database, clock, tmp_path):
    shop = Shop()
    async with services_on(database, clock, tmp_path) as services, serving(shop.handle) as url:
        line = f"""curl '{url}/orders/10%2041?q=a%26b' --json '{{"sku": "rye"}}' -u dana:pw"""
        tool = ApiTool.model_validate(proposed(services.kit, proposal(line), "curl").tool)
        came = await run_once(services.kit, tool, {}, Facts(None, None, ""), "key")
    assert came.error == ""
    assert (shop.last.method, shop.last.raw_path, shop.last.json) == ("POST", "/orders/10%2041?q=a%26b", {"sku": "rye"})
    assert shop.last.headers["Authorization"] == basic("dana:pw")["Authorization"]["input"]["value"]


async def test_an_address_that_is_not_called_is_noted(database, clock, tmp_path):
    async with services_on(database, clock, tmp_path, allow="") as services:
        found = proposed(services.kit, proposal("curl http://127.0.0.1:80/x"), "curl")
        assert "Plain http://" in found.notes[-1]
        with pytest.raises(Invalid, match=r"no tool can do this: apiSchema\.request_body"):
            proposed(services.kit, proposal("curl -X GET https://h.example -d '{\"a\":1}'"), "curl")
