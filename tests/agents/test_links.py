"""Which links are taken out of a text, and that nothing else is touched.

tests/fixtures/links/forbidden.json has the forms by which a model could carry data away, each with the word "canary" where the data would
be; harmless.json has what passes unchanged.
"""

import json
import unicodedata
from pathlib import Path

import pytest

from dragoman.agents import links

FIXTURES = Path(__file__).parents[1] / "fixtures" / "links"
FORBIDDEN = [(kind, text) for kind, texts in json.loads((FIXTURES / "forbidden.json").read_text()).items() for text in texts]
HARMLESS = [text for texts in json.loads((FIXTURES / "harmless.json").read_text()).values() for text in texts]
DOMAINS = ["lumen.example", "xn--bcher-kva.example"]


def told(text):
    """What a reader makes of a text, whatever is between and around its letters."""
    seen = "".join(letter for letter in text if letter not in "*_~`" and unicodedata.category(letter) not in ("Cf", "Cc", "Mn"))
    return unicodedata.normalize("NFKC", seen).replace("\u1160", "").lower()


def test_there_are_more_than_two_hundred_forms():
    assert len(set(FORBIDDEN)) == len(FORBIDDEN) >= 200
    assert all("canary" in told(text) for _, text in FORBIDDEN)


@pytest.mark.parametrize("domains", [DOMAINS, []], ids=["some domains", "none"])
def test_no_form_is_left(domains):
    left = [(kind, text, shown) for kind, text in FORBIDDEN if "canary" in told(shown := links.without(text, domains)[0])]
    assert left == []


def test_no_form_is_left_inside_a_sentence():
    left = []
    for kind, text in FORBIDDEN:
        shown, removed = links.without(f"Hello Dana, see {text} and tell me.", DOMAINS)
        if "canary" in told(shown) or not removed or not shown.startswith("Hello Dana, see ") or not shown.endswith(" and tell me."):
            left.append((kind, text, shown))
    assert left == []


def test_what_is_left_holds_no_link_either():
    """Taking a link out makes no new one of what stood around it."""
    for _, text in FORBIDDEN:
        shown, _ = links.without(text, DOMAINS)
        assert links.without(shown, DOMAINS) == (shown, 0)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_allowed_or_no_link_passes_unchanged(text):
    assert links.without(text, DOMAINS) == (text, 0)


def test_what_may_not_stay_is_marked_and_the_rest_stays():
    text = "Menu: https://lumen.example/menu, gifts: https://evil.example/x?d=1. Questions? dana@evil.example"
    assert links.without(text, DOMAINS) == (
        "Menu: https://lumen.example/menu, gifts: [link removed]. Questions? [link removed]",
        2,
    )


def test_a_mark_that_does_not_fit_is_a_short_one():
    assert links.without("a.co b.co c.co", DOMAINS, most=20) == ("… … …", 3)


def test_who_agrees_reads_every_link_and_can_tap_none():
    assert links.spelled("to: https://evil.example/x\nmail: dana@evil.com", DOMAINS) == (
        "to: https[:]//evil[.]example/x\nmail: dana[at]evil[.]com",
        2,
    )
    for _, text in FORBIDDEN:
        shown, _ = links.spelled(text, DOMAINS)
        assert links.without(shown, DOMAINS) == (shown, 0)


@pytest.mark.parametrize(
    ("url", "allowed"),
    {
        "https://lumen.example/pay?a=1": True,
        "https://shop.lumen.example": True,
        "https://evil.example/pay": False,
        "https://lumen.example<@evil/x": False,
        'https://lumen.example"@evil/x': False,
        "https://lumen.example@evil.example": False,
        "https://lumen.example\\.evil.example": False,
        "https://lumen.example/\u200b": False,
        "http://3405803783/": False,
    }.items(),
)
def test_the_address_of_a_button_is_read_as_a_whole(url, allowed):
    assert links.leads_to(url, DOMAINS) is allowed


@pytest.mark.parametrize(
    ("written", "stored"),
    {
        "lumen.example": "lumen.example",
        " Lumen.Example ": "lumen.example",
        "bücher.example": "xn--bcher-kva.example",
        "XN--BCHER-KVA.example": "xn--bcher-kva.example",
        "a.b-c.lumen.example": "a.b-c.lumen.example",
    }.items(),
)
def test_a_domain_is_kept_in_its_ascii_form(written, stored):
    assert links.domain(written) == stored


NO_DOMAINS = ["", "com", "https://lumen.example", "lumen.example/menu", "lumen.example:443", "*.lumen.example", "a@lumen.example"]
NO_DOMAINS += ["lumen..example", ".lumen.example", "lumen.example.", "-a.example", "a b.example", "xn--a.example", "203.0.113.7", "a.\0b"]


@pytest.mark.parametrize("text", [*NO_DOMAINS, "a" * 64 + ".example"])
def test_what_is_no_host_name_is_refused(text):
    with pytest.raises(ValueError, match="is not a host name such as"):
        links.domain(text)
