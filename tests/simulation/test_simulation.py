"""Three hundred seeds: each is a few servers on the real database, people, an outside that fails, and processes that die and freeze.

A seed that fails is named with the command that plays it again. `make simulate` plays 20,000.
"""

import os

import pytest
from tests.simulation.planted import PLANTED
from tests.simulation.town import Town

SEEDS = int(os.environ.get("SIMULATION_SEEDS", "300"))
CHUNK = 25
ENOUGH = 100  # seeds in which a planted bug must be found


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_nothing_is_lost_or_doubled_whatever_fails(ground, first):
    results = [Town(ground, seed).run() for seed in range(first, min(first + CHUNK, SEEDS))]
    failed = {f"SEED={result.seed} make simulate": result.violations for result in results if result.violations}
    assert failed == {}


def test_the_runs_are_worth_something(ground):
    """Messages arrive, and what should go wrong does."""
    results = [Town(ground, seed).run() for seed in range(20)]
    counts = sum((result.counts for result in results), type(results[0].counts)())
    assert counts["messages at WhatsApp"] > 50
    assert {f"fault: {kind}" for kind in ("killed", "frozen", "clock", "deaf")} <= set(counts)
    told = "\n".join(line for result in results for line in result.trace)
    for sign in ("outcome is lost", "fails before it ran", "starts", "goes on", ": no", "broken", "swallowed", "is frozen", "is killed"):
        assert sign in told, f"no run has {sign!r}"


def test_a_seed_tells_the_same_story_each_time(ground):
    for seed in (2, 11, 46):
        first = Town(ground, seed).run()
        Town(ground, seed + 1).run()  # whatever lies in between leaves no trace
        second = Town(ground, seed).run()
        assert second.trace == first.trace, f"seed {seed}"
        assert second.digest == first.digest
    assert Town(ground, 3).run().digest != first.digest


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found_by_some_seed(ground, name):
    bug = PLANTED[name]
    with bug.put_in():
        for seed in (bug.seed, *range(ENOUGH)):
            if any(violation.startswith(bug.hurts) for violation in Town(ground, seed).run().violations):
                return
    pytest.fail(f'no seed of {ENOUGH} finds it; BUG="{name}" make simulate SEEDS=1000 names those that do')
