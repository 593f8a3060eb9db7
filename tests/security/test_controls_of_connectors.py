"""A connector whose secrets do not mind where they are sent."""

from tests.api import test_connectors as of_connectors
from tests.api.conftest import api, lumen, services
from tests.api.test_connectors import baker, settings, wild
from tests.security.switched import fails

from dragoman.agents.mcp import connectors


async def test_secrets_that_stay_when_the_address_moves_are_sent_there(monkeypatch, lumen, baker, wild):
    stays = connectors._secrets
    monkeypatch.setattr(connectors, "_secrets", lambda before, values, moved: stays(before, values, moved=False))
    await fails(of_connectors.test_a_new_address_gets_no_old_secret_by_any_way, lumen, baker, wild, because="error")
    assert f"Bearer {of_connectors.TOKEN}" in [request.headers.get("Authorization") for request in wild.requests]
