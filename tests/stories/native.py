"""Putting a native agent to work in a story: on the scripted model that the business brought, on the sandbox number."""

from datetime import timedelta

from dragoman.accounts import tokens
from dragoman.accounts.secrets import Vault
from dragoman.clock import Clock

NUMBER = "15550001234"
SECRET_KEY = "a secret key for tests, of more than 32 characters"


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


class Second:
    """The second dialect, on the same server."""

    def __init__(self, lumen):
        self.lumen = lumen
        vault, clock = (lumen.services.vault, lumen.services.clock) if lumen.services else (Vault(SECRET_KEY), Clock())
        self.token = tokens.create(vault, clock, lumen.organisation_id, "story", timedelta(days=1000)).text

    async def call(self, method, path, json=None, expect=(200, 201), **more):
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.lumen.session.request(method, f"{self.lumen.url}/v2{path}", json=json, headers=headers, **more) as answer:
            body = await answer.json()
            assert answer.status in expect, (answer.status, body)
            return body.get("data", body)

    async def action(self, kind, timing="DURING", **more):
        """The id of a new action."""
        new = {"name": kind.title(), "description": f"Use it to {kind.lower()}.", "action_timing": timing, "type": kind, **more}
        return (await self.call("POST", "/_actions", new))["action_id"]

    async def hire(self, model, *actions, **more):
        """An assistant on the sandbox number that thinks with `model` and has these actions."""
        status, body = await self.lumen.call("PUT", "/model-providers/lab/", {"baseUrl": model.url, "apiKey": model.key})
        assert status == 200, body
        new = {"name": "Maya", "type": "WHATSAPP", "model": "lab/small", "instructions": "Sell bread.", "phone_number": "106540000000001"}
        made = await self.call("POST", "/_new_assistants?force=true", {**new, "action_ids": list(actions), **more})
        return made["assistant_id"]

    async def customer(self, name="Dana"):
        found = (await self.call("GET", "/_customers?per_page=100"))["data"]
        return next(one for one in found if one["name"] == name)
