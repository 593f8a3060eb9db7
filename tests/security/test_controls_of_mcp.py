"""A tool whose fingerprint is always the same may turn, and a sign-in that has no end is taken up by whoever finds it."""

from datetime import timedelta

from tests.agents.mcp import test_calls as calls
from tests.agents.mcp import test_signing_in as signing_in
from tests.agents.mcp import test_wild_servers as wild_servers
from tests.agents.mcp.conftest import *  # noqa: F403
from tests.security.switched import fails


async def test_without_a_fingerprint_a_changed_tool_is_called(monkeypatch, lumen, baker):
    monkeypatch.setattr("dragoman.agents.mcp.tools.fingerprint", lambda tool: "the same")
    await fails(calls.test_a_tool_that_changes_between_turns_is_held_until_it_is_approved, lumen, baker, because="so it is not called")


async def test_a_state_that_lives_longer_works_after_ten_minutes(monkeypatch, lumen, wild, authority):
    monkeypatch.setattr("dragoman.agents.mcp.oauth.LIFETIME", timedelta(hours=1))
    await fails(signing_in.test_a_state_works_for_ten_minutes, lumen, wild, authority, because="DID NOT RAISE Gone")


async def test_names_that_nobody_counts_may_be_there_twice(monkeypatch, lumen, wild):
    monkeypatch.setattr("dragoman.agents.mcp.tools.Counter", lambda names: dict.fromkeys(names, 1))
    await fails(wild_servers.test_one_name_for_two_tools_is_no_tool, lumen, wild, because="'echo': 'approved'")


async def test_a_server_that_is_a_program_is_seen(monkeypatch, tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("from mcp.client.stdio import stdio_client\n")
    monkeypatch.setattr(wild_servers, "written", lambda *_: [planted])
    await fails(wild_servers.test_no_server_is_ever_a_program_that_we_start, because="mcp.client.stdio")
