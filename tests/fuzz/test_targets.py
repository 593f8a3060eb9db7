"""Twenty thousand inputs for each reader of what strangers write: none raises, none takes long, none stays in memory.

`make fuzz` goes on for longer. What once broke a reader lies in tests/fixtures/fuzz and is played first.
"""

import pytest
from tests.fuzz import driver, targets_doors, targets_words

TARGETS = {target.name: target for target in (*targets_words.TARGETS, *targets_doors.TARGETS)}
INPUTS = 20_000
FEWER = {"mcp_listing": 5_000, "links": 3_000}  # a millisecond each


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_kept_does_no_harm(name):
    for data in driver.kept(TARGETS[name]):
        driver.one(TARGETS[name], data)


@pytest.mark.filterwarnings(
    "ignore:.*SpooledTemporaryFile", "ignore::pytest.PytestUnraisableExceptionWarning"
)  # of a form that breaks off in a file
@pytest.mark.parametrize("name", TARGETS)
def test_many_inputs_do_no_harm(name):
    played = driver.play(TARGETS[name], count=FEWER.get(name, INPUTS))
    assert played.inputs == FEWER.get(name, INPUTS)
    assert len(played.outcomes) > 3, "it does not always end the same way"
    assert played.grown < driver.MOST_GROWTH
