"""Without its lock, each of these doors opens."""

import msgspec
import pytest
from tests.api import test_connectors as of_connectors
from tests.api import test_errors as of_errors
from tests.api import test_tenancy as first
from tests.api.conftest import api, lumen, rival, services, settings
from tests.api.test_connectors import baker, wild
from tests.api.test_tenancy import mine, theirs
from tests.security.switched import fails

from dragoman.agents.mcp import connectors


@pytest.fixture
def few(monkeypatch):
    """Enough doors for a control: those of one customer and one agent."""
    some = [route for route in first.ROUTES if route[1].startswith(("/contacts/{", "/agents/{agent_id}/"))][:8]
    monkeypatch.setattr(first, "ROUTES", [*some, ("POST", "/phone-numbers/{number}/connect-agent/")])


async def test_a_key_that_is_lumens_finds_its_rows(few, lumen, rival, mine, theirs, services):
    """As if Rival's key said that Lumen is asking."""
    rival.key = lumen.key
    await fails(first.test_rival_cannot_use_lumens_rows_in_a_body_or_filter, lumen, rival, mine, mine, services)
    await fails(first.test_rival_finds_none_of_lumens_rows_by_any_id, lumen, rival, mine, theirs, services)


async def test_secrets_that_stay_when_the_address_moves_are_sent_there(monkeypatch, lumen, baker, wild):
    stays = connectors._secrets
    monkeypatch.setattr(connectors, "_secrets", lambda before, values, moved: stays(before, values, moved=False))
    await fails(of_connectors.test_a_new_address_gets_no_old_secret_by_any_way, lumen, baker, wild)


async def test_a_body_that_is_read_whatever_it_says_it_is_gets_in(monkeypatch, lumen):
    monkeypatch.setattr("dragoman.api.route._parse", lambda body, request: msgspec.json.decode(body))
    await fails(of_errors.test_other_kinds_of_body_are_refused, lumen, "text/plain")
