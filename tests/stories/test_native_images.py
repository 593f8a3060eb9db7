"""An agent that has a picture made for the customer."""

from native import hire

SKETCH = {"name": "Cake sketch", "prompt": "A cake, in watercolours.", "description": "When a cake is planned", "model": "lab/painter"}


async def test_a_picture_reaches_the_customer_before_the_answer(lumen, model, dana, session):
    agent = await hire(lumen, model, imageGenerateTools=[{**SKETCH, "creditCost": 3}])
    [tool] = agent["imageGenerateTools"]
    assert {**SKETCH, "creditCost": 3, "active": True}.items() <= tool.items()
    model.script = [{"tool": "cake_sketch", "args": {"details": "three layers, cherries"}}, "Like this?"]
    await dana.says("Can you show me a cake with cherries?")
    picture, answer = await dana.hears(2)
    assert (picture["type"], answer["text"]) == ("image", "Like this?")
    [(what, asked)] = model.others
    assert (what, asked["model"]) == ("images/generations", "painter")
    assert asked["prompt"] == "A cake, in watercolours.\n\nthree layers, cherries"
    [said] = [message for message in await lumen.messages() if message["type"] == "image"]
    [row] = [row for row in await lumen.get("/usage/") if row["purpose"] == "image"]
    assert (row["model"], row["paidBy"], row["generations"]) == ("lab/painter", "organisation", 1)
    async with session.get(said["image"]["image"]["url"]) as shown:
        assert (shown.status, shown.content_type) == (200, "image/jpeg")
        assert (await shown.read())[:3] == b"\xff\xd8\xff"


async def test_a_provider_that_draws_nothing_leaves_the_words(lumen, model, dana):
    await hire(lumen, model, imageGenerateTools=[{**SKETCH, "creditCost": 0, "model": "nobody/painter"}])
    model.script = [{"tool": "cake_sketch", "args": {"details": "cherries"}}, "I cannot draw right now."]
    await dana.says("Can you show me a cake?")
    assert await dana.hears_text() == ["I cannot draw right now."]
    assert "no picture was made: no key is set for the provider nobody" in model.prompt()
