"""Without the detector of programs they go on, and without what spares people these are taken for programs."""

import pytest
import test_loops as loops
from test_loops import clock
from tests.security.switched import fails
from tests.security.test_controls_of_stories import replaced
from tests.stories.conftest import dana, echo, lumen, model, overrides, role, second, session

from dragoman.conversations import inbox_queries as queries
from dragoman.conversations import policy


@pytest.fixture
def impatience(monkeypatch):
    monkeypatch.setattr("cast.PATIENCE", 3.0)


async def test_without_a_detector_a_program_is_answered_on_and_on(monkeypatch, lumen, echo, dana):
    monkeypatch.setattr(policy, "is_program", lambda echoes, most: False)
    await fails(loops.test_a_phone_that_answers_itself_is_stopped_and_told_of, lumen, echo, dana, because="assert 14 == 11")


async def test_without_a_detector_two_agents_talk_on_and_on(monkeypatch, lumen, second, dana, model):
    monkeypatch.setattr(policy, "is_program", lambda echoes, most: False)
    await fails(loops.test_two_agents_of_dragoman_that_talk_to_each_other_are_stopped, lumen, second, dana, model, because=r"\(19, 19\)")


async def test_without_pauses_a_person_who_writes_fast_is_taken_for_a_program(monkeypatch, impatience, lumen, echo, dana):
    replaced(monkeypatch, queries, "RECEIVE", " or c.pair_at < %(now)s - interval '3.0 seconds'", "")
    test = loops.test_ten_quick_fragments_are_a_persons_and_so_are_ten_more_after_a_pause
    await fails(test, lumen, echo, dana, because="hears 1[0-9] messages")


async def test_without_answers_between_them_fragments_are_taken_for_a_programs(monkeypatch, impatience, lumen, echo, dana):
    replaced(monkeypatch, queries, "RECEIVE", "c.queued_seq > c.echoed_seq and ", "")
    await fails(loops.test_messages_that_do_not_follow_an_answer_are_a_persons, lumen, echo, dana, because="hears . messages")


async def test_taps_that_count_are_taken_for_a_programs(monkeypatch, impatience, lumen, echo, dana):
    replaced(monkeypatch, queries, "RECEIVE", "excluded.echoes_since is null or ", "")
    await fails(loops.test_whoever_taps_is_a_person, lumen, echo, dana, because="hears . messages")
