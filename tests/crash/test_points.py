"""No durable step without a crash point: every statement that writes is passed by a scenario, or is an exception with a reason."""

from tests.crash import points
from tests.crash.native_scenarios import SCENARIOS
from tests.crash.table import EXCEPTIONS, PASSED, REGULAR

# Where messages, turns and campaigns live; the rest are settings, each changed by one request.
MODULES = ("campaigns.", "agents.llm.")
OUTSIDE = {name for _, _, name in points.CALLS} | {"tool.act", "tool.look"}


def durable():
    """The statements of these modules, and of `conversations`, whose names have one dot only."""
    return {
        name for name, text in points.statements().items() if points.writes(text) and (name.startswith(MODULES) or name.count(".") == 1)
    }


def test_every_statement_that_writes_is_a_point_or_an_exception():
    passed = {name for names in PASSED.values() for name in names} | REGULAR
    assert durable() - passed - set(EXCEPTIONS) == set()
    assert set(EXCEPTIONS) - durable() == set(), "no such statement any more"
    assert set(EXCEPTIONS) & passed == set(), "passed, and yet an exception"
    assert OUTSIDE - passed == set()


def test_every_scenario_is_in_the_table():
    assert set(PASSED) == {make.name for make in SCENARIOS}


def test_what_only_reads_is_no_point_and_what_locks_alone_is_none():
    assert points.writes("with x as (insert into a values (1)) select 1")
    assert points.writes("update a set b = 1")
    assert points.writes("delete from a")
    assert not points.writes("select 1 from a for update skip locked")
    assert not points.writes("select 1 from a for update of a -- update a set b = 1")
    assert not points.writes("select 'insert into' from a")
