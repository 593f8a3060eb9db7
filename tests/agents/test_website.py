"""Website tools: a page that the business named is read as it is now, and nothing but that page and those below it."""

import asyncio
import time

import pytest
from aiohttp import web
from stage import serving
from tests.agents.one_turn import bakery_on, call, services_on

from dragoman.agents.capabilities.website import CAPABILITY, LONGEST_TEXT
from dragoman.agents.names import tool_names
from dragoman.agents.pages import text as pages
from dragoman.errors import Invalid

MENU = """<!doctype html><html><head><title>Menu</title><script>track()</script></head><body>
<nav><a href="/">Home</a></nav>
<main><h1>Breads</h1><p>We bake every morning.</p>
<table><tr><th>Bread</th><th>Price</th></tr><tr><td>Rye</td><td>4.20 €</td></tr></table>
<p>See <a href="/shop/cakes">our cakes</a>.</p></main><footer>Imprint</footer></body></html>"""


class Site:
    """A small website: `pages` by path, each a str (HTML), a web.Response, or a coroutine function that makes one."""

    def __init__(self):
        self.pages = {"/shop": MENU}
        self.asked = []

    async def handle(self, request):
        self.asked.append(request.path_qs)
        page = self.pages.get(request.path)
        if callable(page):
            return await page(request)
        if page is None:
            return web.Response(status=404, text="no such page")
        return web.Response(text=page, content_type="text/html") if isinstance(page, str) else page


@pytest.fixture
async def site():
    site = Site()
    async with serving(site.handle) as url:
        site.url = url
        yield site


async def tool(lumen, url, prompt="for the prices of today"):
    [tool] = await CAPABILITY.tools(lumen.run(), await lumen.give(CAPABILITY, {"url": url, "prompt": prompt}))
    return tool


async def read(lumen, site, path=None, url="/shop"):
    reader = await tool(lumen, site.url + url)
    return await reader.run(call({"path": path} if path is not None else {}))


def answering(status, **headers):
    async def page(request):
        return web.Response(status=status, headers=headers)

    return page


async def test_the_main_text_of_the_page_is_read_as_somebody_elses_words(lumen, site):
    found = await read(lumen, site)

    assert found.error == ""
    assert found.outside
    assert found.text.startswith(f"{site.url}/shop\n\n")
    assert "| Rye | 4.20 € |" in found.text
    assert f"[our cakes]({site.url}/shop/cakes)" in found.text
    assert not [word for word in ("track()", "Imprint", "Home") if word in found.text]


async def test_the_tool_says_when_to_use_it_and_changes_nothing(lumen, site):
    reader = await tool(lumen, f"{site.url}/shop")

    assert reader.name == "read_127_0_0_1_shop"
    assert reader.description == f"Read the web page {site.url}/shop as it is now. for the prices of today"
    assert (reader.acts, reader.type) == (False, "web_search")
    assert list(reader.parameters["properties"]) == ["path"]
    assert (await tool(lumen, f"{site.url}/shop/menu.html")).parameters["properties"] == {}
    assert (await tool(lumen, f"{site.url}/shop?day=today")).parameters["properties"] == {}


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("cakes", "/shop/cakes"),
        ("/shop/cakes", "/shop/cakes"),
        ("cakes/with cherries", "/shop/cakes/with%20cherries"),
        ("cakes/cr%C3%A8me", "/shop/cakes/cr%C3%A8me"),
        ("", "/shop"),
        ("/shop", "/shop"),
    ],
)
async def test_a_page_below_the_named_one_can_be_read(lumen, site, path, asked):
    await read(lumen, site, path)

    assert site.asked == [asked]


async def test_a_page_can_be_named_by_its_whole_address(lumen, site):
    await read(lumen, site, f"{site.url}/shop/cakes")

    assert site.asked == ["/shop/cakes"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/admin",
        "/shopping",
        "..",
        "../admin",
        "/shop/../admin",
        "/shop/%2e%2e/admin",
        "/shop/%2E%2e/admin",
        "/shop/%252e%252e/admin",
        "/shop/..%2fadmin",
        "/shop/..%5cadmin",
        "/shop\\..\\admin",
        "//127.0.0.1/shop",
        "https://rival.example/shop",
        "http://127.0.0.1:1/shop",
        "cakes?phone=15550007890",
        "cakes#x",
        "cakes\r\nHost: rival.example",
        "cakes%0d%0aHost: rival.example",
        "cakes/%00",
        "a" * 301,
    ],
)
async def test_no_path_leads_anywhere_else(lumen, site, path):
    found = await read(lumen, site, path)

    assert found.error
    assert site.asked == []


async def test_a_whole_site_can_be_named(lumen, site):
    site.pages["/about"] = MENU

    assert (await read(lumen, site, "about", url="/")).error == ""
    assert (await read(lumen, site, "/../about", url="")).error
    assert site.asked == ["/about"]


async def test_redirects_are_followed_on_the_same_host_only(lumen, site):
    site.pages["/old"] = answering(301, Location="/older")
    site.pages["/older"] = answering(302, Location=f"{site.url}/shop")

    assert "Rye" in (await read(lumen, site, url="/old")).text
    assert site.asked == ["/old", "/older", "/shop"]


@pytest.mark.parametrize(
    ("location", "problem"),
    [
        ("https://rival.example/", "sends on to another place, https://rival.example,"),
        ("//rival.example/", "sends on to another place"),
        ("http://127.0.0.1:1/", "sends on to another place"),
        ("http://localhost/", "sends on to another place"),
        ("file:///etc/passwd", "sends on to an"),
        ("http://[", "sends on to an address that cannot be read"),
        ("/loop", "on and on"),
    ],
)
async def test_a_redirect_elsewhere_is_not_followed(lumen, site, location, problem):
    site.pages["/loop"] = answering(302, Location=location)

    found = await read(lumen, site, url="/loop")

    assert problem in found.error
    assert len(site.asked) == (4 if location == "/loop" else 1)


async def test_what_is_no_page_is_said_to_be_none(lumen, site):
    async def picture(request):
        return web.Response(body=b"\xff\xd8\xff", content_type="image/jpeg")

    site.pages |= {"/picture": picture, "/broken": answering(500)}

    assert (await read(lumen, site, url="/picture")).error == "there is no web page at this address but a file of another kind"
    assert (await read(lumen, site, url="/nowhere")).error == "the website answered with status 404"
    assert (await read(lumen, site, url="/broken")).error == "the website answered with status 500"


async def test_plain_text_and_json_are_read_as_they_are(lumen, site):
    async def prices(request):
        return web.json_response({"rye": "<b>4.20</b>"})

    async def note(request):
        return web.Response(body="Grüße".encode("latin-1"), headers={"Content-Type": "text/plain; charset=ISO-8859-1"})

    site.pages |= {"/prices": prices, "/note": note}

    assert (await read(lumen, site, url="/prices")).text.endswith('{"rye": "<b>4.20</b>"}')
    assert (await read(lumen, site, url="/note")).text.endswith("\n\nGrüße")


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "x-unknown", ""])
async def test_letters_are_read_as_the_website_says(lumen, site, charset):
    async def page(request):
        body = "<html><body><p>Bäckerei für alle</p></body></html>".encode("latin-1" if charset == "iso-8859-1" else "utf-8")
        return web.Response(body=body, headers={"Content-Type": f"text/html; charset={charset}" if charset else "text/html"})

    site.pages["/page"] = page

    assert "Bäckerei für alle" in (await read(lumen, site, url="/page")).text


async def test_a_long_page_is_cut_and_says_so(lumen, site):
    site.pages["/long"] = (
        "<article>" + "<p>Some words about rye, and some more of them, so that it counts as text.</p>" * 2000 + "</article>"
    )

    found = await read(lumen, site, url="/long")

    assert LONGEST_TEXT < len(found.text) < LONGEST_TEXT + 100
    assert found.text.endswith("\n[the page goes on]")


async def test_a_page_without_words_says_so(lumen, site):
    site.pages["/empty"] = "<html><body><img src='bread.jpg'></body></html>"

    assert (await read(lumen, site, url="/empty")).text.endswith("[the page holds no words]")


async def test_a_page_that_is_too_large_is_not_read(lumen, site):
    site.pages["/huge"] = "x" * (2 * 1024 * 1024 + 1)

    assert (await read(lumen, site, url="/huge")).error == "the page is larger than 2 MB"


async def test_a_page_that_keeps_its_reader_busy_is_given_up_while_others_are_served(lumen, site, monkeypatch):
    monkeypatch.setattr(pages, "SECONDS", 1.0)
    site.pages["/bomb"] = "<html><body>" + "<table><tr><td>a</td></tr></table>" * 40_000 + "</body></html>"
    slowest = 0.0

    async def look_at_the_clock():
        nonlocal slowest
        while True:
            start = time.process_time()
            await asyncio.sleep(0.01)
            slowest = max(slowest, time.process_time() - start)

    looking = asyncio.create_task(look_at_the_clock())
    found = await read(lumen, site, url="/bomb")
    looking.cancel()

    assert found.error == "the page takes too long to read"
    assert slowest < 0.5


async def test_a_page_inside_the_network_is_neither_named_nor_read(database, clock, tmp_path, site):
    async with services_on(database, clock, tmp_path, allow="") as services:
        lumen = await bakery_on(services.kit)
        for url in (site.url, "https://10.0.0.1/", "https://localhost/", "ftp://lumen.example/", "https://a:b@lumen.example/", "lumen"):
            with pytest.raises(Invalid) as refused:
                await lumen.give(CAPABILITY, {"url": url, "prompt": ""})
            assert refused.value.field == "website_tools[0].url"


def test_names_of_tools_fit_models_and_are_never_the_same_twice():
    assert tool_names(["Read lumen.example/shop", "read lumen example shop", "Käse & Brot", "面包", "面包"], "read_website") == [
        "read_lumen_example_shop",
        "read_lumen_example_shop_2",
        "kase_brot",
        "read_website",
        "read_website_2",
    ]
    long = tool_names(["a" * 100] * 12, "x")
    assert len(set(long)) == 12
    assert max(map(len, long)) <= 64
