"""Putting a native agent to work in a story: on the scripted model that the business brought, on the sandbox number."""

NUMBER = "15550001234"


async def hire(lumen, model, **options):
    """An agent of Lumen's that thinks with `model`; `options` are fields of the API, such as `websiteTools`."""
    status, body = await lumen.call("PUT", "/model-providers/lab/", {"baseUrl": model.url, "apiKey": model.key})
    assert status == 200, body
    agent = await lumen.post("/agents/", {"name": "Lumi", "llmModel": "lab/small", **options})
    await lumen.post(f"/phone-numbers/{NUMBER}/connect-agent/", {"agentId": agent["id"]})
    return agent


async def change(lumen, agent, **fields):
    status, body = await lumen.call("PATCH", f"/agents/{agent['id']}/", fields)
    assert status == 200, body
    return body
