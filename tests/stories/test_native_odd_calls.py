"""Calls with characters that no database keeps: refused or cleaned, and the customer gets his answer."""

import json

import pytest
from native import hire
from test_native_confirmations import KEY, refunds
from world import shop_server

ODD = ["\0", "\ud800", "a\0b", "\ufffe\U000e0041", "\x1b[2J"]


@pytest.fixture
async def shop():
    async with shop_server(key=KEY) as shop:
        yield shop


def raw(tool, args):
    """As a model writes it: escapes, which are no characters before they are read."""
    return {"tool": tool, "raw_args": json.dumps(args)}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("confirm", ["never", "customer", "person"])
async def test_a_call_of_an_acting_tool(lumen, model, shop, dana, odd, confirm):
    await hire(lumen, model, tools=[refunds(shop, confirm)])
    model.script = [raw("refund", {"order": "1001", "amount": 5, "note": odd}), "Well."]
    await dana.says("My bread was stale, may I have my money back?")
    [answer] = await dana.hears(1)
    assert answer["text"]


@pytest.mark.parametrize("odd", ODD)
async def test_a_call_of_a_tool_that_is_not_there_and_of_a_message(lumen, model, dana, odd):
    await hire(lumen, model)
    model.script = [
        [raw("no_such_tool", {"a": odd, odd: 1})],
        [raw("stay_here", {"a": [{"b": odd}]})],
        [raw("send_message", {"text": f"Hello {odd}!"})],
    ]
    await dana.says("Hello?")
    [answer] = await dana.hears(1)
    assert answer["text"]


@pytest.mark.parametrize("odd", ODD)
async def test_an_answer(lumen, model, dana, odd):
    await hire(lumen, model)
    model.script = [f"Hello {odd}!"]
    await dana.says("Hello?")
    [answer] = await dana.hears(1)
    assert answer["text"].startswith("Hello")
