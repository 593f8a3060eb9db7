"""Bakery Lumen makes, changes and retires its agents."""

import json

import pytest

URL = "https://echo.lumen.example/hook"


async def test_a_byoa_agent_needs_only_a_webhook(lumen):
    created = await lumen.post("/agents/byoa/", {"webhookUrl": URL})

    assert created.status == 201
    assert created["name"] == "Agent at echo.lumen.example"
    assert created["byoa"]["webhookUrl"] == URL
    assert created["byoa"]["timeoutSeconds"] == 15
    assert created["byoa"]["retryDelays"] == [2, 10, 30, 120, 600]


async def test_the_signing_secret_is_shown_once(lumen):
    created = await lumen.post("/agents/byoa/", {"webhookUrl": URL})

    secret = created["byoa"]["secret"]
    assert secret.startswith("whsec_")
    assert created["byoa"]["secretHint"] == f"whsec_…{secret[-5:]}"
    read = await lumen.get(f"/agents/{created['id']}/")
    assert "secret" not in read["byoa"]
    assert secret not in json.dumps(read.body)
