"""kill -9 at every named point of every scenario: each time everything comes to its end as if nothing had happened, or says what did.

The points of a scenario are those that a run without a kill passes. CI kills at the first pass of each point of the main scenarios;
`make crash` at the first three passes of all points of all scenarios.
"""

import os
from collections import Counter

import pytest
from tests.crash.native_scenarios import SCENARIOS
from tests.crash.table import PASSED, REGULAR

IN_CI = ("main job", "callback", "send", "native turn")
PASSES = int(os.environ.get("CRASH_PASSES", "1"))
CHOSEN = [make for make in SCENARIOS if "CRASH_PASSES" in os.environ or make.name in IN_CI]


@pytest.mark.parametrize("make", CHOSEN, ids=lambda make: make.name)
async def test_a_kill_at_any_point_loses_nothing_and_doubles_nothing(stage, make, capsys):
    dry = await stage.run(make())
    assert dry.violations == [], dry.log
    passed = Counter(dry.passed)
    assert set(PASSED[make.name]) - REGULAR - {point.partition(":")[2] for point in passed} == set()
    points = [f"{point}#{n}" for point, count in passed.items() for n in range(1, min(count, PASSES) + 1)]
    results = await stage.run_all(make, points)
    wrong = [f"{result.point}: {violation}\n{result.log}" for result in results for violation in result.violations]
    assert wrong == [], "\n".join(wrong)
    missed = [result.point for result in results if not result.reached]
    with capsys.disabled():
        slowest = max(result.seconds for result in results)
        print(f"\n{make.name}: killed at {len(results) - len(missed)} points, at rest {slowest:.1f} s after a kill at most")  # noqa: T201
    assert [point for point in missed if point.endswith("#1") and point.partition(":")[2][:-2] not in REGULAR] == []
