"""Without its lock, each of these doors opens."""

import msgspec
import pytest
from tests.api import test_errors as of_errors
from tests.api import test_tenancy as first
from tests.api.conftest import api, lumen, rival, services, settings
from tests.api.test_tenancy import mine, theirs
from tests.security.switched import fails


@pytest.fixture
def few(monkeypatch):
    """Enough doors for a control: those of one customer and one agent."""
    some = [route for route in first.ROUTES if route[1].startswith(("/contacts/{", "/agents/{agent_id}/"))][:8]
    monkeypatch.setattr(first, "ROUTES", [*some, ("POST", "/phone-numbers/{number}/connect-agent/")])


async def test_a_key_that_is_lumens_finds_its_rows(few, lumen, rival, mine, theirs, services):
    """As if Rival's key said that Lumen is asking."""
    rival.key = lumen.key
    await fails(first.test_rival_cannot_use_lumens_rows_in_a_body_or_filter, lumen, rival, mine, mine, services, because="connect-agent")
    await fails(first.test_rival_finds_none_of_lumens_rows_by_any_id, lumen, rival, mine, theirs, services, because="/agents/")


def believing(body, request):
    """Whatever it says it is, it is taken for JSON; FastAPI, the second wall, is told that it says so."""
    others = [header for header in request.scope["headers"] if header[0] != b"content-type"]
    request.scope["headers"] = [*others, (b"content-type", b"application/json")]
    return msgspec.json.decode(body)


async def test_a_body_that_is_read_whatever_it_says_it_is_gets_in(monkeypatch, lumen):
    monkeypatch.setattr("dragoman.api.route._parse", believing)
    await fails(of_errors.test_other_kinds_of_body_are_refused, lumen, "text/plain", because="415")
    made = await lumen.post("/agents/", data=b'{"name": "Mallory"}', headers={"Content-Type": "text/plain"})
    assert (made.status, made["name"]) == (201, "Mallory")
