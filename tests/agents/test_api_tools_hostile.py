"""API tools when somebody means harm: a model that was talked into something, a server that sends whatever it likes."""

import asyncio
import time

import pytest
from aiohttp import web
from tests.agents.api_shop import described, fixed
from tests.agents.one_turn import bakery_on, call, services_on

from dragoman.agents.capabilities.api_tools import CAPABILITY
from dragoman.agents.llm.fitting import misfit
from dragoman.agents.tools import LONGEST_RESULT


async def tool(lumen, shop, path="/orders", method="GET", **parts):
    config = {key: parts.pop(key) for key in ("timeoutSeconds",) if key in parts}
    item = {"name": "Shop", "description": "", "apiSchema": {"url": shop.url + path, "method": method, **parts}} | config
    [made] = await CAPABILITY.tools(lumen.run(), await lumen.give(CAPABILITY, item))
    return made


BAD_PARTS = [
    "..",
    ".",
    "../admin",
    "1/refund",
    "1\\refund",
    "..;/admin",
    ";admin=1",
    "%2e%2e/x",
    "",
    "   ",
    "a\r\nb",
    "a\x00b",
    "//evil.example/",
]


@pytest.mark.parametrize("value", BAD_PARTS)
async def test_a_value_in_the_path_stays_one_part_of_it(lumen, shop, value):
    status = await tool(lumen, shop, "/shops/7/orders/{order}/status", path_params={"order": described()})
    found = await status.run(call({"order": value}))
    assert found.error
    assert "address" in found.error
    assert not found.outside
    assert shop.asked == []


ODD_PARTS = ["1?x=1", "1#x", "a&b", "@evil.example", "ü", "%", "%2e%2e", "{order}", "1:80", "…", "\ud800"]


@pytest.mark.parametrize("value", ODD_PARTS)
async def test_odd_characters_travel_in_the_path_as_they_are(lumen, shop, value):
    status = await tool(lumen, shop, "/orders/{order}/status?a=1", path_params={"order": described()})
    found = await status.run(call({"order": value}))
    if value == "%2e%2e":  # some servers decode twice
        assert (found.error != "", shop.asked) == (True, [])
        return
    assert found.error == ""
    raw = shop.last.raw_path
    assert raw.startswith("/orders/")
    assert raw.endswith("/status?a=1")
    assert raw.count("/") == 3
    assert raw.count("?") == 1
    assert shop.last.query == [("a", "1")]


async def test_dots_that_meet_the_text_beside_them_do_not_climb(lumen, shop):
    status = await tool(lumen, shop, "/orders/.{order}/status", path_params={"order": described()})
    assert (await status.run(call({"order": "."}))).error
    assert shop.asked == []


async def test_a_value_in_the_query_adds_no_other(lumen, shop):
    find = await tool(lumen, shop, "/find?in=shop&q={q}", path_params={"q": described()}, query_params={"properties": {"r": described()}})
    value = "x&admin=1;role=root#frag?+%26"
    await find.run(call({"q": value.replace(";", ""), "r": value}))
    assert shop.last.query == [("in", "shop"), ("q", value.replace(";", "")), ("r", value)]
    assert ";" not in shop.last.raw_path


async def test_a_header_is_one_line(lumen, shop):
    status = await tool(lumen, shop, request_headers={"X-Lang": described(), "X-Phone": fixed("%PHONE_NUMBER%")})
    found = await status.run(call({"X-Lang": "de\r\nX-Admin: 1"}))
    assert "must be one line" in found.error
    assert shop.asked == []


async def test_arguments_that_were_not_asked_for_are_refused_by_the_schema(lumen, shop):
    status = await tool(
        lumen, shop, "/o/{id}", "POST", path_params={"id": described()}, request_body={"properties": {"phone": fixed("%PHONE_NUMBER%")}}
    )
    assert misfit(status, {"id": "1"}) is None
    for args in ({}, {"id": ""}, {"id": 1}, {"id": "1", "phone": "+1999"}, {"id": "1", "url": "https://evil.example"}):
        assert misfit(status, args)
    await status.run(call({"id": "1", "phone": "+1999"}))
    assert shop.last.json == {"phone": "+15550007890"}


async def test_numbers_that_json_cannot_carry_are_not_sent(lumen, shop):
    place = await tool(lumen, shop, method="POST", request_body={"properties": {"n": described(kind="number"), "s": described()}})
    assert (await place.run(call({"n": float("nan")}))).error
    assert shop.asked == []
    await place.run(call({"n": 10**30, "s": "half \ud800"}))
    assert shop.last.json == {"n": 10**30, "s": "half ?"}


async def test_a_refusal_of_the_server_is_told_with_how_it_begins(lumen, shop):
    shop.answer = web.json_response({"error": "no such order", "more": "x" * 5000}, status=404)
    found = await (await tool(lumen, shop)).run(call({}))
    assert found.error == "The server answered with status 404."
    assert found.text.startswith('This did not work: The server answered with status 404.\n{"error":"no such order"')
    assert len(found.text) < 1200
    assert found.outside


async def test_a_redirect_is_not_followed(lumen, shop):
    shop.answer = web.Response(status=302, headers={"Location": f"{shop.url}/admin"})
    found = await (await tool(lumen, shop)).run(call({}))
    assert "redirects are not followed" in found.error
    assert len(shop.asked) == 1


async def test_an_answer_that_does_not_come_in_time_is_a_failure(lumen, shop):
    over = asyncio.Event()

    async def slow(request):
        await over.wait()

    shop.answer = slow
    start = time.monotonic()
    asking = await (await tool(lumen, shop, timeoutSeconds=1)).run(call({}))
    placing = await (await tool(lumen, shop, method="POST", timeoutSeconds=1)).run(call({}))
    assert time.monotonic() - start < 10
    over.set()
    assert asking.error == "127.0.0.1 did not answer in time."
    assert placing.error == "127.0.0.1 did not answer in time. Nobody knows whether the request took effect."
    assert not asking.outside


async def test_nobody_there_is_a_failure(lumen, shop):
    shop.url = "http://127.0.0.1:9"
    found = await (await tool(lumen, shop, method="POST")).run(call({}))
    assert "could not be reached" in found.error
    assert "took effect" not in found.error


async def test_an_address_that_became_private_is_refused_when_it_is_called(database, clock, tmp_path, shop):
    async with services_on(database, clock, tmp_path, allow="10.0.0.0/8") as services:
        lumen = await bakery_on(services.kit)
        shop.url = "http://localhost:8050"
        found = await (await tool(lumen, shop)).run(call({}))
        assert found.error.startswith("The request was not made: ")


async def test_an_endless_answer_is_cut_off(lumen, shop):
    shop.answer = "x" * (300 * 1024)
    found = await (await tool(lumen, shop)).run(call({}))
    assert "more than 262144 bytes" in found.error
    shop.answer = "x" * (200 * 1024)
    found = await (await tool(lumen, shop)).run(call({}))
    assert len(found.text) == LONGEST_RESULT
    assert found.text.endswith("[the answer is longer; this is its beginning]")


PAGE = "<html><head><style>p {}</style></head><body><h1>Oops</h1><script>evil()</script><p>No such <b>order</b> here.</p></body></html>"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (lambda: web.Response(status=204), "(status 204, no content)"),
        (
            lambda: web.Response(body=b"\x89PNG\x00\x01", content_type="image/png"),
            "(a file of type image/png, 6 bytes, which cannot be read here)",
        ),
        (lambda: web.Response(body=b"\x00\xff\x01"), "(a file of type application/octet-stream, 3 bytes, which cannot be read here)"),
        (lambda: web.Response(body="Brötchen".encode("latin-1"), headers={"Content-Type": "text/plain; charset=latin-1"}), "Brötchen"),
        (lambda: web.Response(body=b"ok \xff", headers={"Content-Type": "text/plain; charset=nonsense"}), "ok �"),
        (lambda: web.Response(body=b'{"a":\n 1.50, "b": "\\u00fc\\/"}', content_type="text/plain"), '{"a":1.50,"b":"ü/"}'),
        (lambda: web.Response(body=b'{"broken": ', content_type="application/json"), '{"broken":'),
        (lambda: web.Response(body=b'{"n": NaN}', content_type="application/json"), '{"n": NaN}'),
        (lambda: web.Response(body=b"[" * 100_000, content_type="application/json"), "[" * 100),
        (lambda: web.Response(text="<b>bold</b>", content_type="application/xml"), "<b>bold</b>"),
        (lambda: web.Response(body=b"a\x00b", content_type="text/plain"), "ab"),
    ],
)
async def test_every_kind_of_answer_becomes_text(lumen, shop, answer, text):
    shop.answer = answer()
    found = await (await tool(lumen, shop)).run(call({}))
    assert found.error == ""
    assert found.text.startswith(text)
    assert found.outside


async def test_of_a_web_page_only_the_words_are_told(lumen, shop):
    shop.answer = web.Response(text=PAGE, content_type="text/html")
    found = await (await tool(lumen, shop)).run(call({}))
    assert "No such" in found.text
    assert not [word for word in ("evil", "<", "p {}") if word in found.text]


async def test_a_head_tells_the_status(lumen, shop):
    shop.answer = web.Response(status=200)
    found = await (await tool(lumen, shop, method="HEAD")).run(call({}))
    assert (found.text, found.error) == ("(status 200)", "")
