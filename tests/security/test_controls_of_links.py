"""Without the filter, and without its list, links to anywhere are said."""

import pytest
import test_native_links as stories
from test_native_links import shop
from tests.agents import test_links as forms
from tests.security.switched import fails
from tests.stories.conftest import dana, lumen, model, overrides, role, session

from dragoman.agents import links
from dragoman.agents.linking import Strict


@pytest.fixture(autouse=True)
def impatience(monkeypatch):
    monkeypatch.setattr("cast.PATIENCE", 5.0)


async def test_without_a_list_every_form_is_said(monkeypatch, lumen, model, dana):
    monkeypatch.setattr(stories, "STRICT", {})
    await fails(stories.test_no_form_of_a_link_is_said_by_a_strict_agent, lumen, model, dana, because="link removed")
    missing = [
        text for _, text in forms.FORBIDDEN if "evil.example/canary" in text and "evil.example/canary" not in await stories.said(lumen)
    ]
    assert missing == []


async def test_without_a_filter_every_message_takes_a_link_along(monkeypatch, lumen, model, dana):
    monkeypatch.setattr(Strict, "contents", lambda self, contents: list(contents))
    await fails(stories.test_no_message_takes_a_link_along, lumen, model, dana, because="'link_button' != 'text'")
    assert stories.told(stories.SHORT) in await stories.said(lumen)


async def test_without_a_filter_a_template_takes_a_link_along(monkeypatch, lumen, model, dana):
    monkeypatch.setattr(Strict, "text", lambda self, text, most=None: text)
    await fails(stories.test_a_template_that_the_model_fills_in_holds_no_link, lumen, model, dana, because="dana .link removed")


async def test_without_spelling_a_question_can_be_tapped(monkeypatch, lumen, model, shop, dana):
    monkeypatch.setattr(Strict, "spelled", lambda self, text: text)
    await fails(stories.test_who_agrees_to_a_call_reads_its_links_and_can_tap_none, lumen, model, shop, dana, because="https")


@pytest.mark.parametrize(
    ("name", "value"),
    {
        "_shape": str.lower,  # letters are taken as they come
        "_MARKS": "",  # bold and italic are not looked through
        "top_level": lambda: frozenset(["com"]),  # few domains are known
        "OPAQUE": set(),  # schemes need two slashes
    }.items(),
)
def test_without_a_part_of_the_filter_forms_are_left(monkeypatch, name, value):
    monkeypatch.setattr(links, name, value)
    with pytest.raises(AssertionError, match=r"Left contains [0-9]* more item"):
        forms.test_no_form_is_left(forms.DOMAINS)
