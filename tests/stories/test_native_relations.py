"""Paywall, credits and ads: what stands between a customer and an agent's answers."""

import pytest
from cast import until
from native import hire


async def contact_id(lumen):
    return (await lumen.conversation())["contact"]["id"]


async def test_after_the_free_messages_a_link_to_the_payment_page_is_all_there_is(lumen, model, dana):
    wall = {
        "messageLimit": 2,
        "paywallAction": "purchase_link",
        "paywallUrl": "https://lumen.example/pay?u={user_id}",
        "ctaButtonText": "Buy",
    }
    agent = await hire(lumen, model, paywallConfig=wall)
    for n, words in enumerate(("One?", "Two?", "Three?", "Four?")):
        await dana.says(words)
        await dana.hears(n + 1)
    heard = await dana.heard()
    person = await contact_id(lumen)
    assert [m["text"] for m in heard[:2]] == ["You said: One?", "You said: Two?"]
    assert f"https://lumen.example/pay?u={person}" in str(heard[2])
    assert len(model.requests) == 2
    status, _ = await lumen.call("POST", f"/agents/{agent['id']}/paywall/{person}/", {"paid": True})
    assert status == 204
    await dana.says("Five?")
    assert (await dana.hears_text(5))[4] == "You said: Five?"


async def test_a_wall_without_a_way_says_so_once(lumen, model, dana):
    await hire(lumen, model, paywallConfig={"messageLimit": 0, "paywallAction": "terminal", "terminalStateMessage": "That was the demo."})
    await dana.says("One?")
    assert await dana.hears_text() == ["That was the demo."]
    await dana.says("Two?")

    async def silent():
        return await lumen.rows("select 1 from turns where state = 'silent'")

    await until(silent, "the second turn is silent")
    assert len(await dana.heard()) == 1
    assert model.requests == []


async def test_each_answer_costs_a_credit_and_none_are_left_in_the_end(lumen, model, dana):
    agent = await hire(lumen, model, creditSettings={"initialCredits": 1, "emptyText": "Nothing left."})
    await dana.says("One?")
    await dana.hears(1)
    await dana.says("Two?")
    assert await dana.hears_text(2) == ["You said: One?", "Nothing left."]
    account = f"/agents/{agent['id']}/credits/{await contact_id(lumen)}/"
    shown = await lumen.get(account)
    assert (shown["balance"], [entry["delta"] for entry in shown["ledger"]]) == (0, [-1, 1])
    assert (await lumen.post(account, {"amount": 5}))["balance"] == 5
    await dana.says("Three?")
    assert (await dana.hears_text(3))[2] == "You said: Three?"


async def test_a_tool_that_costs_more_than_there_is_is_not_used(lumen, model, dana):
    tool = {"name": "Draw", "description": "Draws.", "prompt": "A cake", "creditCost": 3}
    await hire(lumen, model, creditSettings={"initialCredits": 2}, imageGenerateTools=[{**tool, "model": "lab/paint"}])
    model.script = [lambda body: {"tool": body["tools"][-1]["function"]["name"], "args": {"details": "a cake"}}, "Sorry, no picture."]
    await dana.says("A picture, please?")
    assert await dana.hears_text() == ["Sorry, no picture."]
    assert model.others == []
    assert "too few credits" in str(model.requests[1]["messages"][-1])


async def test_the_password_brings_credits_once_a_day_and_the_model_never_sees_it(lumen, model, dana):
    settings = {"initialCredits": 0, "creditGrantPassword": "open-sesame", "creditGrantAmount": 2}
    agent = await hire(lumen, model, creditSettings=settings)
    shown = await lumen.get(f"/agents/{agent['id']}/?representation=object")
    assert "open-sesame" not in str(shown)
    await dana.says("open-sesame")
    assert await dana.hears_text() == ["Thank you, your credits were added."]
    await dana.says("Hello?")
    assert (await dana.hears_text(2))[1] == "You said: Hello?"
    assert "open-sesame" not in model.prompt()
    await dana.says("open-sesame")
    assert (await dana.hears_text(3))[2] == "This was used today already."


async def test_an_ad_comes_with_every_second_answer_and_never_with_the_first(lumen, model, dana):
    await hire(lumen, model, adConfig={"everyAnswers": 2, "text": "New: seed bread!", "url": "https://lumen.example/bread"})
    for n, words in enumerate(("One?", "Two?", "Three?")):
        await dana.says(words)
        await dana.hears(n + 1)
    await dana.hears(4)
    assert [m["text"] for m in await dana.heard()] == ["You said: One?", "You said: Two?", "New: seed bread!", "You said: Three?"]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"paywallConfig": {"messageLimit": -1}}, "messageLimit"),
        ({"paywallConfig": {"messageLimit": 1, "paywallAction": "purchase_link"}}, "paywallUrl is missing"),
        ({"paywallConfig": {"limit": 1}}, "limit"),
        ({"creditSettings": {"initialCredits": "many"}}, "initialCredits"),
        ({"adConfig": {"everyAnswers": 1, "text": "x"}}, "everyAnswers"),
    ],
)
async def test_settings_that_cannot_be_meant_are_refused_with_the_field(lumen, sent, words):
    status, body = await lumen.call("POST", "/agents/", {"name": "A", **sent})
    assert status == 400
    assert words in body["error"]
