"""What a browser shows and asks for, without what keeps a stranger's words and a stranger's page from doing anything."""

import asyncio

import pytest
import pytest_asyncio
from playwright.async_api import expect
from tests.sandbox import test_control as of_control
from tests.sandbox import test_media as of_media
from tests.sandbox.conftest import dana, lumen, open_town, town, web
from tests.sandbox.test_phone_page import bakery, browser, bubble, port, write
from tests.security.switched import fails

from dragoman.sandbox import app, control

in_a_browser = pytest.mark.asyncio(loop_scope="module")
AS_TEXT, AS_MARKUP = "document.createTextNode(part)", "document.createRange().createContextualFragment(part)"
READ = "(url) => fetch(url).then((answer) => answer.text(), () => '')"
NASTY = "<img src=x onerror='window.ran = true'>"


async def test_without_a_policy_the_page_has_none(monkeypatch, town):
    monkeypatch.setattr(app, "PAGE_HEADERS", {})
    await fails(of_control.test_the_page_comes_with_a_strict_policy, town, because="Content-Security-Policy")


async def test_a_strangers_file_that_is_shown_as_it_comes_is_a_page(monkeypatch, town, lumen, dana):
    monkeypatch.setattr(control, "SHOWN_IN_PAGE", ("text/",))
    await fails(of_media.test_a_strangers_file_cannot_run_in_the_page, town, lumen, dana, because="text/html")


async def test_a_page_from_elsewhere_that_nobody_stops_plays_with_the_sandbox(monkeypatch, town):
    monkeypatch.setattr(control, "_same_origin", lambda request: None)
    await fails(of_control.test_a_page_from_elsewhere_cannot_play_with_the_sandbox, town, because="201 == 403")
    assert [person["name"] for person in await town.control("GET", "/people")] == ["Eve"]


@pytest.fixture
def without_a_policy(monkeypatch):
    """`await without_a_policy(page)`: neither the header nor the page's own word on it."""

    async def unguarded(page):
        monkeypatch.setattr(app, "PAGE_HEADERS", {})
        await page.route("**/phone?*", without('http-equiv="Content-Security-Policy"', "data-no-policy"))

    return unguarded


def without(defence, instead):
    async def careless(route):
        answer = await route.fetch()
        text = await answer.text()
        assert defence in text, "the page has changed; say here how it is guarded now"
        await route.fulfill(response=answer, body=text.replace(defence, instead))

    return careless


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser):
    page = await browser.new_page()
    yield page
    await page.close()


async def mallorys_words(bakery, page):
    """They come to Dana's phone, whose page takes words for markup."""
    await page.route("**/static/js/markup.js", without(AS_TEXT, AS_MARKUP))
    await bakery.control("/people", {"name": "Dana", "phone": "+15550007890"})
    await page.goto(f"{bakery.origin}/sandbox/phone?person=Dana")
    await write(page, "Hello")
    await bakery.hears_a("text")
    await bakery.says({"type": "text", "text": {"body": f"Look {NASTY}"}})
    await expect(bubble(page, "Look").locator("img")).to_have_count(1)


async def becomes_true(page, expression):
    async with asyncio.timeout(5):
        while not await page.evaluate(expression):
            pass


@in_a_browser
async def test_words_that_are_taken_for_markup_are_stopped_by_the_policy_alone(bakery, page):
    await mallorys_words(bakery, page)
    await becomes_true(page, "refused.some((what) => what.startsWith('script-src'))")
    assert not await page.evaluate("'ran' in window")


@in_a_browser
async def test_words_that_are_taken_for_markup_run_without_a_policy(bakery, page, without_a_policy):
    await without_a_policy(page)
    await mallorys_words(bakery, page)
    await becomes_true(page, "window.ran")


@in_a_browser
@pytest.mark.parametrize("allowed", [False, True])
async def test_an_answer_that_allows_it_is_read_by_a_page_from_elsewhere(monkeypatch, bakery, page, allowed):
    """`localhost` is elsewhere for what is served at 127.0.0.1; a page of the business's own server there stands for Mallory's."""
    answered = control._json

    def generous(shown, status=200):
        answer = answered(shown, status)
        answer.headers["Access-Control-Allow-Origin"] = "*"
        return answer

    monkeypatch.setattr(control, "_json", generous if allowed else answered)
    monkeypatch.setattr(control, "_same_origin", lambda request: None)
    await bakery.control("/people", {"name": "Dana", "phone": "+15550007890"})
    await page.goto(bakery.origin.replace("127.0.0.1", "localhost") + "/hook")
    read = await page.evaluate(READ, f"{bakery.origin}/sandbox/control/people")
    assert ("Dana" in read) is allowed
