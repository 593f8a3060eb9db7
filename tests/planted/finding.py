"""Runs the test that finds a planted bug, with the bug in: it has to fail, and by what it saw."""

import importlib
import inspect
from functools import wraps
from pathlib import Path

import cast
import pytest
from tests.planted.bugs import BUGS

import dragoman

PATIENCE = 2.0  # seconds in which what a bug prevents would have happened
NOT_BY = (str(Path(dragoman.__file__).parent), str(Path(__file__).parent / "bugs.py"))


def finders(folder):
    """What a module of `tests/<folder>` has to hold: a test for each bug that is found there, and the fixtures of its own that it asks for."""
    made = {}
    for name, bug in BUGS.items():
        where, module, test = bug.found_by
        if where != folder:
            continue
        found = importlib.import_module(f"tests.{where}.{module}")
        own = {key: vars(found)[key] for key in inspect.signature(getattr(found, test)).parameters if key in vars(found)}
        clash = [key for key, value in own.items() if made.get(key, value) is not value]
        assert not clash, f"{module} has fixtures of its own that are called as others are: {clash}"
        made |= own | {titled(name): _finder(bug, found, test)}
    return made


def titled(name):
    return "test_planted_" + "_".join("".join(c if c.isalnum() else " " for c in name).split())


def _finder(bug, module, test):
    finds = getattr(module, test)

    async def play(fixtures):
        result = finds(**fixtures)
        if inspect.iscoroutine(result):
            await result

    @wraps(finds)
    async def found(**fixtures):
        with pytest.MonkeyPatch.context() as put:
            put.setattr(cast, "PATIENCE", PATIENCE)
            bug.put_in(put)
            with pytest.raises((AssertionError, KeyError, TimeoutError, pytest.fail.Exception)) as failure:
                await play(fixtures)
        # It is the test that found something, and not the bug that was put in wrongly.
        assert not str(failure.traceback[-1].path).startswith(NOT_BY), failure.getrepr()

    marks = getattr(module, "pytestmark", [])
    found.pytestmark = [*getattr(finds, "pytestmark", []), *(marks if isinstance(marks, list) else [marks])]
    return found
