"""`dragoman models`: an operator brings a model provider from the command line, and an agent thinks with it."""

import pytest
from native import NUMBER
from program import run


@pytest.fixture
def models(database_uri, tmp_path):
    settings = {"database_url": database_uri, "secret_key": "a secret key for tests, of more than 32 characters", "data_dir": tmp_path}

    async def models(*words, allow="127.0.0.0/8"):
        return await run("models", *words, allow_private_urls=allow, **settings)

    return models


async def test_an_agent_thinks_with_a_provider_that_was_added(lumen, model, dana, models):
    code, out, complaint = await models("add", "lab", "--base-url", model.url, "--api-key", model.key)
    assert (code, complaint) == (0, "")
    assert out == "lab is known with the key ••••6789. Its models are called lab/<model>\n"
    agent = await lumen.post("/agents/", {"name": "Lumi", "llmModel": "lab/small"})
    await lumen.post(f"/phone-numbers/{NUMBER}/connect-agent/", {"agentId": agent["id"]})
    await dana.says("Is the shop open?")
    assert await dana.hears_text() == ["You said: Is the shop open?"]

    listed = (await models("list"))[1]
    assert model.url in listed
    assert model.key not in listed
    assert (await models("remove", "lab"))[:2] == (0, "lab is forgotten\n")
    assert model.url not in (await models("list"))[1]


async def test_what_cannot_be_a_provider_is_said(models):
    for words, complaint in [
        (("add", "My Lab"), "small letters"),
        (("add", "lab", "--kind", "oracle"), "openai, anthropic, google"),
        (("remove", "lab"), "there is no provider lab"),
    ]:
        code, _, said = await models(*words)
        assert code != 0
        assert complaint in " ".join(said.replace("│", " ").split())


async def test_an_address_in_a_private_network_has_to_be_allowed(models):
    code, _, said = await models("add", "lab", "--base-url", "http://127.0.0.1:9/v1", allow="")
    assert code == 1
    assert "DRAGOMAN_ALLOW_PRIVATE_URLS" in said
