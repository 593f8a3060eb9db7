"""A tool whose fingerprint is always the same may turn."""

from tests.agents.mcp import test_calls as calls
from tests.agents.mcp.conftest import *  # noqa: F403
from tests.security.switched import fails


async def test_without_a_fingerprint_a_changed_tool_is_called(monkeypatch, lumen, baker):
    monkeypatch.setattr("dragoman.agents.mcp.tools.fingerprint", lambda tool: "the same")
    await fails(calls.test_a_tool_that_changes_between_turns_is_held_until_it_is_approved, lumen, baker)
