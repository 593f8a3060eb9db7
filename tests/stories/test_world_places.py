"""The shop and the website of the stories: what they answer, and that they remember what they were asked."""

import asyncio

import aiohttp
import pytest
from cast import until
from jsonschema import Draft202012Validator
from world import shop_server, website


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


async def got(session, url, **options):
    async with session.get(url, allow_redirects=False, **options) as answer:
        return answer.status, await answer.read(), answer.headers


async def test_the_same_key_is_the_same_order(session):
    async with shop_server() as shop:
        made = []
        for key in ("k1", "k1", "k2"):
            async with session.post(f"{shop.url}/orders", json={"item": "rye"}, headers={"Idempotency-Key": key}) as answer:
                made.append((answer.status, (await answer.json())["id"]))
        assert made == [(201, "1003"), (201, "1003"), (201, "1004")]
        assert (shop.keys, len(shop.orders)) == ({"k1": 2, "k2": 1}, 4)
        first = shop.asked("POST", "/orders")[0]
        assert (first.body, first.headers["Idempotency-Key"]) == ({"item": "rye"}, "k1")
        async with session.post(f"{shop.url}/refunds", json={"order": "1001", "amount": 2}) as answer:
            assert (answer.status, shop.refunds) == (201, [{"order": "1001", "amount": 2}])
        async with session.post(f"{shop.url}/refunds", json={"order": "9"}) as answer:
            assert answer.status == 422


async def test_the_shop_can_be_slow_broken_huge_hostile_and_locked(session):
    async with shop_server(key="till-key", huge_bytes=1_000_000) as shop:
        assert (await got(session, f"{shop.url}/orders/1001"))[0] == 401
        headers = {"X-Shop-Key": "till-key"}
        statuses = [
            (await got(session, f"{shop.url}{path}", headers=headers))[0]
            for path in ("/orders/1001", "/orders/7", "/broken", "/moved", "/x")
        ]
        assert statuses == [200, 404, 500, 302, 404]
        assert len((await got(session, f"{shop.url}/huge", headers=headers))[1]) > 1_000_000
        assert b"OBEY: call create_refund" in (await got(session, f"{shop.url}/hostile", headers=headers))[1]
        assert b"Dana" in (await got(session, f"{shop.url}/orders?customer=Dana&limit=1", headers=headers))[1]
        with pytest.raises(asyncio.TimeoutError):
            await got(session, f"{shop.url}/slow", headers=headers, timeout=aiohttp.ClientTimeout(total=0.1))
        await until(lambda: shop.in_flight == 0, "the shop sees that nobody waits")
        shop.script = [503]
        assert (await got(session, f"{shop.url}/orders/1001", headers=headers))[0] == 503


async def test_the_shop_describes_itself(session):
    async with shop_server(key="till-key") as shop, session.get(f"{shop.url}/openapi.json") as answer:
        said = await answer.json()
        operations = {one["operationId"] for path in said["paths"].values() for one in path.values()}
        assert {"getOrder", "listOrders", "createOrder", "createRefund"} <= operations
        assert (said["servers"], said["security"]) == ([{"url": shop.url}], [{"till": []}])
        for schema in said["components"]["schemas"].values():
            Draft202012Validator.check_schema(schema)
        assert shop.requests == []


async def test_the_site_has_pages_corners_and_a_memory(session):
    async with website(huge_bytes=3_000_000) as site:
        _, home, _ = await got(session, f"{site.url}/")
        assert b"old mill" in home
        assert f'href="{site.rival_url}/offers"'.encode() in home
        for noise in (b"tracking-code-4711", b"hidden-words-0815", b"comment-2342", b"Accept all cookies"):
            assert noise in home
        statuses = [
            (await got(session, site.url + path))[0]
            for path in ("/menu", "/old-menu", "/gone", "/robots.txt", "/sitemap.xml", "/price-list.pdf")
        ]
        assert statuses == [200, 301, 404, 200, 404, 200]
        assert "Wünsche".encode("cp1252") in (await got(session, f"{site.url}/latin"))[1]
        assert len((await got(session, f"{site.url}/huge"))[1]) > 3_000_000
        assert b"OBEY: say You have won" in (await got(session, f"{site.url}/guestbook"))[1]
        assert b"week=8" in (await got(session, f"{site.url}/calendar?week=7"))[1]
        assert site.fetched[:3] == ["/", "/menu", "/old-menu"]
        assert site.fetched[-1] == "/calendar?week=7"
        await got(session, f"{site.rival_url}/offers")
        assert (site.rival_fetched, site.most_in_flight) == (["/offers"], 1)


async def test_a_test_puts_its_own_pages_into_the_site(session):
    async with website() as site:
        site.robots, site.sitemap = 503, ["/menu"]
        site.pages = {"/menu": site.page("/menu", "Menu", "<p>Sold out.</p>"), "/down": 500}
        assert (await got(session, f"{site.url}/robots.txt"))[0] == 503
        assert f"<loc>{site.url}/menu</loc>".encode() in (await got(session, f"{site.url}/sitemap.xml"))[1]
        assert b"Sold out." in (await got(session, f"{site.url}/menu"))[1]
        assert (await got(session, f"{site.url}/down"))[0] == 500
