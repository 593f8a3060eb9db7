"""A campaign reaches people: each with the own name, once, in the hours it may; the assistant answers who replies."""

import pytest
from campaigning import Campaigns
from cast import Phone


@pytest.fixture
async def campaigns(lumen, model):
    return await Campaigns.of(lumen, model)


@pytest.fixture
async def carol(lumen):
    """A second customer who shows her number."""
    return await Phone.of(lumen, name="Carol", phone="+15550007891")


async def test_a_campaign_reaches_everybody_with_the_own_name_and_the_assistant_answers(campaigns, model, dana, carol):
    await campaigns.name(dana)
    await campaigns.name(carol, "Zoë")
    model.script = ["Until six."]
    rye = await campaigns.create([dana, carol])
    assert await dana.hears_text(1) == ["Hello Dana, rye is fresh today."]
    assert await carol.hears_text(1) == ["Hello Zoë, rye is fresh today."]
    await campaigns.completed(rye)
    await dana.says("Until when?")
    assert await dana.hears_text(2) == ["Hello Dana, rye is fresh today.", "Until six."]
    assert "Hello Dana, rye is fresh today." in str(model.requests[-1])
    counts = await campaigns.counts(rye, delivered=2, replied=1)
    assert (counts["total"], counts["sent"], counts["failed"], counts["queued"], counts["pending"]) == (2, 2, 0, 0, 0)
