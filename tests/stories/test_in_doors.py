"""The doors that need no key: Meta's handshake, health, metrics, media; and what they say to a wrong method."""

import base64

import pytest
from meta import DANA, Meta, counted, said, words
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from dragoman.conversations import metrics

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC")
RIGHT = {"hub.mode": "subscribe", "hub.verify_token": "verify 1002003004", "hub.challenge": "1158201444"}


@pytest.fixture
async def meta(lumen):
    return await Meta.app(lumen, lumen.organisation_id, "1002003004", "a secret")


async def shakes(meta, **query):
    """Meta's question about the address of the webhook; the status, the type and the text of the answer."""
    asked = {name: text for name, text in (RIGHT | query).items() if text is not None}
    async with meta.lumen.session.get(meta.door, params=asked) as answer:
        return answer.status, answer.content_type, await answer.text()


async def test_the_handshake_gives_the_challenge_back_to_whom_knows_the_verify_token(meta):
    assert await shakes(meta) == (200, "text/plain", "1158201444")
    assert await shakes(meta, **{"hub.challenge": "a-Word_of_128" + "x" * 115}) == (200, "text/plain", "a-Word_of_128" + "x" * 115)


@pytest.mark.parametrize("token", ["", "verify", "VERIFY 1002003004", "verify 1002003004 ", "verify 1002003004\0", "vérify", None])
async def test_the_handshake_refuses_another_verify_token(meta, token):
    status, _, text = await shakes(meta, **{"hub.verify_token": token})
    assert status == 403
    assert "1158201444" not in text


@pytest.mark.parametrize("challenge", ["", None, "<script>alert(1)</script>", "two words", "x" * 129, "line\nbreak", "١٢٣", "a;b"])
async def test_the_handshake_is_no_mirror_for_odd_challenges(meta, challenge):
    status, kind, text = await shakes(meta, **{"hub.challenge": challenge})
    assert (status, kind) == (400, "text/plain")
    assert not challenge or challenge not in text


async def test_the_handshake_needs_its_mode_and_an_app_that_is_known(lumen, meta):
    assert (await shakes(meta, **{"hub.mode": "unsubscribe"}))[0] == 400
    assert (await shakes(meta, **{"hub.mode": None}))[0] == 400
    assert (await shakes(Meta(lumen, "", "999")))[0] == 403


async def test_of_several_verify_tokens_no_one_is_believed(meta):
    asked = [*RIGHT.items(), ("hub.verify_token", "wrong")]
    async with meta.lumen.session.get(meta.door, params=asked) as answer:
        assert answer.status == 403


async def test_the_server_says_that_it_lives_and_is_ready(lumen):
    for path, said_so in (("/healthz", {"status": "ok"}), ("/readyz", {"status": "ready"})):
        async with lumen.session.get(lumen.url + path) as answer:
            assert (answer.status, await answer.json()) == (200, said_so)
        async with lumen.session.head(lumen.url + path) as answer:
            assert (answer.status, await answer.read()) == (200, b"")


async def test_every_metric_is_shown_under_its_name(lumen):
    async with lumen.session.get(f"{lumen.url}/metrics") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/plain"
        shown = {family.name: family.type for family in text_string_to_metric_families(await answer.text())}
    ours = {one._name: one._type for one in vars(metrics).values() if isinstance(one, Counter | Gauge | Histogram)}
    assert len(ours) >= 10
    assert ours.items() <= shown.items()


async def test_what_comes_in_is_counted(lumen):
    names = ("dragoman_messages_received_total", "dragoman_messages_duplicate_total")
    received, doubled = [await counted(lumen, name) for name in names]
    for _ in range(3):
        assert await Meta.of(lumen).posts(words(said(lumen, "wamid.1", "Hello", DANA))) == 200
    assert [await counted(lumen, name) for name in names] == [received + 1, doubled + 2]


WRONG_METHODS = {
    "/webhooks/whatsapp/sandbox": ("PUT", "PATCH", "DELETE"),
    "/api/callback/some-token": ("GET", "HEAD", "PUT", "PATCH", "DELETE"),
    "/api/callback/some-token/": ("GET", "HEAD", "PUT"),
    "/media/some-token": ("POST", "PUT", "DELETE"),
    "/healthz": ("POST", "PUT", "DELETE"),
    "/readyz": ("POST", "DELETE"),
    "/metrics": ("POST", "DELETE"),
}


@pytest.mark.parametrize("path", WRONG_METHODS)
async def test_a_door_does_not_open_to_another_method(lumen, path):
    for method in WRONG_METHODS[path]:
        async with lumen.session.request(method, lumen.url + path) as answer:
            assert answer.status == 405, method
            assert method not in {allowed.strip() for allowed in answer.headers["Allow"].split(",")}


async def test_the_doors_answer_to_nothing_beside_them(lumen):
    for path in (
        "/webhooks/whatsapp/",
        "/webhooks/whatsapp/sandbox/more",
        "/api/callback/",
        "/api/callback/a/b",
        "/media/",
        "/media/../healthz/",
    ):
        for method in ("GET", "POST"):
            async with lumen.session.request(method, lumen.url + path) as answer:
                assert answer.status == 404, (method, path)


async def test_a_file_of_a_customer_is_a_download_and_never_a_page(lumen, echo, dana):
    """The type and the name are a stranger's: neither may make a browser run what is in the file."""
    page = b"<html><script>alert(document.domain)</script></html>"
    name = 'x".html\r\nSet-Cookie: a=b'
    await dana.sends_file("document", page, "text/html", filename=name)
    url = (await echo.delivered())[0]["context"]["media"][0]["url"]
    async with lumen.session.get(url) as answer:
        assert (answer.status, await answer.read()) == (200, page)
        assert answer.content_type == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''x%22.html")
        assert "Set-Cookie" not in answer.headers
        assert secure(answer.headers)
        assert "max-age=3600" in answer.headers["Cache-Control"]
        assert "private" in answer.headers["Cache-Control"]


async def test_media_headers_are_there_on_every_answer(lumen, echo, dana):
    await dana.sends_file("image", PIXEL, "image/png")
    url = (await echo.delivered())[0]["image"]
    async with lumen.session.get(url) as answer:
        assert (answer.status, answer.content_type, await answer.read()) == (200, "image/png", PIXEL)
        assert secure(answer.headers)
    async with lumen.session.head(url) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
        assert secure(answer.headers)
    async with lumen.session.get(url, headers={"Range": "bytes=0-1,5-6,3-4"}) as answer:
        assert (answer.status, await answer.read()) == (200, PIXEL), "no ranges: nothing to flood"
    await lumen.rows("update media set state = 'pending' returning 1")
    async with lumen.session.get(url) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        assert secure(answer.headers)
        assert answer.headers["Cache-Control"] == "no-store"
    async with lumen.session.get(f"{lumen.url}/media/unknown") as answer:
        assert answer.status == 404
        assert secure(answer.headers)


def secure(headers):
    return (
        headers["X-Content-Type-Options"] == "nosniff"
        and headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        and headers["Referrer-Policy"] == "no-referrer"
    )


async def test_a_callback_is_remembered_by_nobody(lumen):
    async with lumen.session.post(f"{lumen.url}/api/callback/unknown", json={"content": "Hi"}) as answer:
        assert answer.status == 404
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
