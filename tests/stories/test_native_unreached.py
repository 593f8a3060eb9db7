"""A model provider that cannot be reached: asked again when that may help, and not when its address is one we do not call."""

import pytest
from cast import until
from native import hire

KINDS = ("openai", "anthropic", "google")


async def moves(lumen, kind, address):
    """The provider is elsewhere now: a name that led to the outside when it was given may lead inside today."""
    await lumen.rows("update model_providers set kind = %(kind)s, base_url = %(url)s returning name", kind=kind, url=address)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_address_inside_is_never_asked_and_not_asked_again(lumen, model, dana, kind):
    await hire(lumen, model)
    await moves(lumen, kind, "http://10.0.0.1/v1")
    await dana.says("Hello?")

    async def over():
        return await lumen.rows("select state, cause, attempts from turns where state = 'failed'")

    [turn] = await until(over, "the turn is over")
    assert "the provider was not called" in turn["cause"]
    assert "a private network" in turn["cause"]
    assert turn["attempts"] == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_provider_that_is_down_is_asked_again(lumen, model, dana, kind):
    await hire(lumen, model)
    await moves(lumen, kind, "http://127.0.0.1:1/v1")
    await dana.says("Hello?")

    async def tried():
        return await lumen.rows("select state, cause, attempts from turns where attempts > 1")

    [turn] = await until(tried, "it is asked again")
    assert "could not be reached" in (turn["cause"] or "could not be reached")
