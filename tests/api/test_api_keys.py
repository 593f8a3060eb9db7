"""Keys made over the API: shown once, good until revoked."""

import json
from datetime import timedelta

import pytest


async def test_a_new_key_is_shown_once_and_works(lumen):
    made = await lumen.post("/api-keys/", {"name": "Oven"})

    assert made.status == 201
    assert made["key"].startswith(made["prefix"] + "_")
    assert (await lumen.get("/api-keys/", key=made["key"])).status == 200
    listed = await lumen.get("/api-keys/")
    assert made["key"] not in json.dumps(listed.body)


async def test_the_list_is_a_bare_array_with_everything_but_the_key(lumen):
    await lumen.post("/api-keys/", {"name": "Oven"})
    till, oven = (await lumen.get("/api-keys/")).body
    assert set(till) == set(oven) == {"prefix", "name", "createdAt", "lastUsedAt", "expiresAt", "revokedAt", "permissions"}
    assert (till["name"], oven["name"]) == ("Till", "Oven")
    assert till["lastUsedAt"] is not None
    assert oven["lastUsedAt"] is None


async def test_a_revoked_key_stops_at_once(lumen):
    made = await lumen.post("/api-keys/", {"name": "Oven"})
    revoked = await lumen.post(f"/api-keys/{made['prefix']}/revoke/")
    again = await lumen.post(f"/api-keys/{made['prefix']}/revoke/")

    assert (revoked.status, again.status) == (200, 200)
    assert revoked["revokedAt"] == again["revokedAt"] is not None
    refused = await lumen.get("/api-keys/", key=made["key"])
    assert (refused.status, refused["code"]) == (401, "unauthorized")


async def test_a_key_can_be_made_to_expire(lumen, clock):
    soon = (clock.now() + timedelta(hours=1)).isoformat()
    made = await lumen.post("/api-keys/", {"name": "Oven", "expiresAt": soon})
    assert made["expiresAt"] is not None
    clock.advance(timedelta(hours=1))
    assert (await lumen.get("/agents/", key=made["key"])).status == 401


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("name", {}),
        ("name", {"name": ""}),
        ("name", {"name": "   "}),
        ("name", {"name": 7}),
        ("expiresAt", {"name": "Oven", "expiresAt": "2020-01-01T00:00:00Z"}),
        ("expiresAt", {"name": "Oven", "expiresAt": "2099-01-01T00:00:00"}),
        ("expiresAt", {"name": "Oven", "expiresAt": 4_102_444_800}),
        ("expiresAt", {"name": "Oven", "expiresAt": "4102444800"}),
        ("permissions", {"name": "Oven", "permissions": ["admin"]}),
    ],
)
async def test_a_wrong_field_is_named(lumen, field, sent):
    refused = await lumen.post("/api-keys/", sent)
    assert (refused.status, refused["code"], refused["field"]) == (400, "invalid", field)


async def test_an_unknown_prefix_is_not_found(lumen):
    assert (await lumen.post("/api-keys/wak_live_nothing0/revoke/")).status == 404
