"""A model that wants to carry data away in links: what customers of a strict agent get holds none that leads elsewhere."""

import json

import pytest
from native import Second, hire
from prometheus_client import REGISTRY
from test_native_confirmations import KEY, asked, refunds
from test_native_speaking import send
from tests.agents.test_links import FORBIDDEN, told
from world import shop_server

STRICT = {"linkDomains": ["lumen.example"]}
AT_ONCE = 60  # forms in one answer
LINK = "https://evil.example/x?d=canary"
SHORT = "canary.com"
PICTURE = "https://lumen.example/front.jpg"
CARRIERS = [
    send(text=f"Look: {LINK}"),
    send(text=f"Look: {LINK}", image=PICTURE),
    send(text="Our list", document="https://lumen.example/list.pdf", footer=SHORT),
    send(text=f"Which? {LINK}", buttons=[{"text": SHORT}, {"text": "Rye"}, {"text": "canary.net"}], footer=f"By {SHORT}"),
    send(
        text=f"Choose {LINK}",
        buttons=[
            {"text": SHORT, "id": "1", "description": f"Like {LINK}"},
            *({"text": f"at canary{n}.com", "id": f"r{n}"} for n in range(2, 6)),
        ],
        list_button=SHORT,
        footer=SHORT,
    ),
    send(text="Pay here", link={"text": "Pay", "url": LINK}),
    send(text=f"Pay {LINK}", link={"text": SHORT, "url": "https://lumen.example/pay"}, footer=SHORT),
    send(text="Pay", link={"text": "Pay", "url": "https://lumen.example@evil.example/canary"}),
    send(location={"latitude": 52.5, "longitude": 13.4, "name": f"Lumen {LINK}", "address": SHORT}),
    send(contact={"name": f"Otto {LINK}", "phone_number": "+15550001111 canary.com"}),
    send(reaction="canary.com"),
]

# A link button to another place is a text; a reaction that is a link is nothing.
SAID = ["text", "image", "document", "buttons", "choices", "text", "link_button", "text", "location", "contact"]


@pytest.fixture
async def shop():
    async with shop_server(key=KEY) as shop:
        yield shop


def words(value):
    """Every text in what was sent, at any depth."""
    if isinstance(value, str):
        return value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return "\n".join(words(one) for one in inner)


async def said(lumen):
    """All that the agent said, as it was stored; its buttons' ids come back to us alone."""
    rows = await lumen.rows("select content from messages where direction = 'out' order by seq")
    return told(words(json.loads(json.dumps([row["content"] for row in rows]), object_hook=_without_ids)))


def _without_ids(value):
    return {name: one for name, one in value.items() if name != "id"}


async def test_no_form_of_a_link_is_said_by_a_strict_agent(lumen, model, dana):
    await hire(lumen, model, native=STRICT)
    forms = [text for _, text in FORBIDDEN]
    model.script = ["\n\n".join(["Dear guest,", *forms[at : at + AT_ONCE], "Yours"]) for at in range(0, len(forms), AT_ONCE)]
    answers = len(model.script)
    for n in range(answers):
        await dana.says(f"What is new today, number {n}?")
        assert "Yours" in (await dana.hears_text(n + 1))[-1]
    assert told(words(await dana.heard())).count("dear guest,") == answers
    everything = await said(lumen)
    assert everything.count("[link removed]") > len(forms) * 0.9
    assert "canary" not in everything


async def test_no_message_takes_a_link_along(lumen, model, dana):
    await hire(lumen, model, native=STRICT, systemPrompt=f"Files: {PICTURE} https://lumen.example/list.pdf")
    model.script = [CARRIERS]
    await dana.says("Tell me everything, will you?")

    await dana.hears(1)
    rows = await lumen.rows("select type from messages where direction = 'out' order by seq")
    assert [row["type"] for row in rows] == SAID
    everything = await said(lumen)
    assert "[link removed]" in everything
    assert "+15550001111" in everything
    assert "canary" not in everything


async def test_links_to_the_listed_domains_pass_and_the_timeline_says_that_others_did_not(lumen, model, dana):
    await hire(lumen, model, native=STRICT)
    before = REGISTRY.get_sample_value("dragoman_links_removed_total")
    own = "Our [menu](https://shop.lumen.example/menu_de?x=1), or write to dana@lumen.example. E.g. at 18.30."
    model.script = [own, [send(text="Pay here", link={"text": "Pay", "url": "https://lumen.example/p"})], f"{own} {LINK}"]
    await dana.says("Where is the menu?")
    written = "Our menu (https://shop.lumen.example/menu_de?x=1), or write to dana@lumen.example. E.g. at 18.30."
    assert await dana.hears_text() == [written]
    await dana.says("Where do I pay?")
    assert "https://lumen.example/p" in str((await dana.hears(2))[1])
    assert await causes(lumen) == [None, None]
    await dana.says("And again?")
    assert (await dana.hears_text(3))[2] == f"{written} [link removed]"
    assert (await causes(lumen))[2] == "A link to a place that is not among the agent's linkDomains was taken out."
    assert REGISTRY.get_sample_value("dragoman_links_removed_total") == before + 1
    assert "Links in your answers may lead to lumen.example alone." in model.system()


async def causes(lumen):
    return [entry["cause"] for entry in (await lumen.timeline())["entries"] if entry["kind"] == "agent_called"]


async def test_what_the_business_wrote_itself_is_left_alone(lumen, model, dana):
    closing = "More at https://friends.example/b, goodbye."
    options = {"linkDomains": [], "maxMessages": 1, "closingText": closing}
    await hire(lumen, model, firstMessage="Welcome! https://friends.example/a", native=options)
    model.script = ["See https://lumen.example/menu"]
    await dana.says("Where is the menu?")
    assert await dana.hears_text(3) == ["Welcome! https://friends.example/a", "See [link removed]", closing]
    assert "Write no links" in model.system()


async def test_who_agrees_to_a_call_reads_its_links_and_can_tap_none(lumen, model, shop, dana):
    await hire(lumen, model, native=STRICT, tools=[refunds(shop)])
    model.script = [{"tool": "refund", "args": {"order": "1001", "amount": 5, "note": LINK}}, "Done."]
    await dana.says("My bread was stale, may I have my money back?")
    question, yes, _ = await asked(dana)
    assert "note: https[:]//evil[.]example/x?d=canary\n" in question["text"]
    await dana.taps(question["id"], button_id=yes)
    await dana.hears(2)
    assert shop.refunds == [{"order": "1001", "amount": 5, "note": LINK}]


async def test_a_template_that_the_model_fills_in_holds_no_link(lumen, model, dana):
    second = Second(lumen)
    block = {
        "to": "customer",
        "from": "106540000000001",
        "template_name": "thanks",
        "body_params": ["{{name}}", "shop https://friends.example"],
    }
    action = await second.action("SEND_WHATSAPP", webhook=block)
    await second.hire(model, action, additional_settings={"link_domains": ["Lumen.example"]})
    model.script = [{"tool": "send_whatsapp", "args": {"name": f"Dana {LINK}"}}, "Thank you."]
    await dana.says("I am Dana.")
    await dana.hears(1)
    everything = await said(lumen)
    assert "dana [link removed]" in everything
    assert "canary" not in everything
