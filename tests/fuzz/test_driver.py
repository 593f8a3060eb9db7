"""The driver finds what it looks for: each fault planted here is reported, saved and played again."""

import time

import pytest
from tests.fuzz import driver
from tests.fuzz.driver import Broken, Target

SEED = (b'{"a": {"b": [1, 2, "three"]}, "c": "d"}',)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(driver, "KEPT", tmp_path)
    return tmp_path


def raises_at_null(data):
    if b"null" in data:
        raise KeyError("null")
    return str(len(data) % 7)


def slow_at_brackets(data):
    until = time.process_time() + (0.3 if b"[[" in data else 0)
    while time.process_time() < until:
        pass
    return str(len(data) % 7)


@pytest.mark.parametrize("fault", [raises_at_null, slow_at_brackets])
def test_a_fault_is_found_and_saved_and_found_again(fault, elsewhere):
    target = Target("planted", fault, SEED)
    with pytest.raises(Broken, match="planted"):
        driver.play(target, count=5000)
    [saved] = (elsewhere / "planted").iterdir()
    with pytest.raises(Broken):
        driver.one(target, saved.read_bytes())


def test_memory_that_stays_is_seen():
    hoard = []
    target = Target("planted", lambda data: str(len(hoard.append(b"x" * 200_000) or hoard) % 3), SEED)
    assert driver.play(target, count=600).grown > driver.MOST_GROWTH


def test_the_same_seed_makes_the_same_inputs():
    seen = [[], []]
    for one in seen:
        driver.play(Target("planted", lambda data, one=one: one.append(data) or str(len(data) % 7), SEED), count=500)
    assert seen[0] == seen[1]
    assert len(set(seen[0])) > 300


def test_what_does_something_new_is_made_from_again(elsewhere):
    """Four steps in a row are hardly ever found at once."""

    def steps(data):
        return "".join(word for word in ("null", "true", "NaN", "[[") if word.encode() in data)

    played = driver.play(Target("planted", steps, SEED), count=6000, keep=True)
    assert "nulltrueNaN[[" in played.outcomes
    assert any((elsewhere / "planted").iterdir())
