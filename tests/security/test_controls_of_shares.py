"""Without turns, all businesses stand in one line."""

import pytest
import tests.faults.test_fair_share as share
from tests.faults.test_fair_share import business
from tests.security.switched import fails
from tests.stories.conftest import dana, echo, lumen, overrides, role, session

from dragoman.conversations.shares import Shares


@pytest.mark.parametrize(("overrides", "role"), [({"worker_concurrency": share.PLACES}, "web")])
async def test_without_turns_a_customer_waits_until_anothers_crowd_is_through(monkeypatch, lumen, echo, dana, business):
    monkeypatch.setattr(Shares, "turns", lambda self, at: False)
    test = share.test_a_customer_is_asked_about_before_anothers_crowd_is_through
    await fails(test, lumen, echo, dana, business, because=f"assert (29.|300) < {share.CROWD}")
