"""What an agent answers and what a model calls, without what keeps them within bounds."""

import re

import pytest
from aiohttp import ClientError
from tests.agents import test_answers_hostile as of_answers
from tests.agents import test_fuzzed_calls as of_calls
from tests.http import test_mangled_answers as mangled
from tests.http.conftest import authority, guard, serve

from dragoman.agents import answers, parts
from dragoman.agents.llm import calling, fitting
from dragoman.errors import Invalid
from dragoman.http import exchange
from dragoman.whatsapp import messages

NOTHING = re.compile("(?!)")


class Another(Exception):
    """Caught instead of what comes."""


ANSWERS = {
    "limits": ([(parts, "split", lambda content: [content]), (parts, "check", lambda content, names: None)], Invalid),
    "halves": ([(parts, "_HALF_PAIR", NOTHING), (messages, "_UNSENDABLE", NOTHING)], UnicodeEncodeError),
    "depth": ([(answers, "RecursionError", Another)], RecursionError),
    "bytes": ([(answers, "UnicodeDecodeError", Another)], UnicodeDecodeError),
    "NUL": ([(answers, "_UNFIT", NOTHING)], AssertionError),
}


def switched(monkeypatch, walls):
    for module, name, without in walls:
        monkeypatch.setattr(module, name, without, raising=not isinstance(without, type))


@pytest.mark.parametrize("defence", ANSWERS)
def test_without_it_an_answer_breaks_the_reader_or_cannot_be_sent(monkeypatch, defence):
    walls, broken = ANSWERS[defence]
    switched(monkeypatch, walls)
    with pytest.raises(broken):
        of_answers.test_no_answer_breaks_the_reader_and_every_reply_can_be_sent()


async def test_a_failure_that_nobody_catches_comes_through_the_door(monkeypatch, serve, guard):
    monkeypatch.setattr(exchange, "_FAILURES", ())
    with pytest.raises(ClientError):
        await mangled.test_a_mangled_answer_never_breaks_anything(serve, guard)


CALLS = {
    "the schema": ([(fitting, "misfit", lambda tool, args: None)], TypeError),
    "the schema's own faults": ([(fitting, "_OF_THE_SCHEMA", ())], fitting._OF_THE_SCHEMA),
    "broken JSON": ([(calling, "ValueError", Another)], ValueError),
}


@pytest.mark.parametrize("defence", CALLS)
def test_without_it_a_call_breaks_what_makes_it(monkeypatch, defence):
    monkeypatch.setattr(of_calls, "CALLS", 3000)
    walls, broken = CALLS[defence]
    switched(monkeypatch, walls)
    with pytest.raises(broken):
        of_calls.test_a_hundred_thousand_calls_are_made_or_refused_in_words()


def test_without_the_schema_a_call_is_made_that_does_not_fit(monkeypatch):
    order = of_calls.TOOLS[1]
    assert of_calls.outcome(order, '{"amount": -1}') == "refused"
    monkeypatch.setattr(fitting, "misfit", lambda tool, args: None)
    assert of_calls.outcome(order, '{"amount": -1}') == "made"
