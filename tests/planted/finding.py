"""Runs the test that finds a planted bug, with the bug in: it has to fail, and by what it saw."""

import importlib
import inspect
from contextlib import contextmanager
from functools import wraps
from pathlib import Path

import cast
import pytest
from tests.planted.bugs import BUGS

import dragoman

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


@contextmanager
def _found(bug):
    with pytest.MonkeyPatch.context() as put:
        put.setattr(cast, "PATIENCE", bug.patience)
        bug.put_in(put)
        with pytest.raises((AssertionError, KeyError, TimeoutError, pytest.fail.Exception)) as failure:
            yield
    # It is the test that found something, and not the bug that was put in wrongly.
    assert not str(failure.traceback[-1].path).startswith(NOT_BY), failure.getrepr()


def _finder(bug, module, test):
    finds = getattr(module, test)

    @wraps(finds)
    async def found(**fixtures):
        with _found(bug):
            await finds(**fixtures, **bug.given)

    asked = inspect.signature(finds)
    found.__signature__ = asked.replace(parameters=[one for name, one in asked.parameters.items() if name not in bug.given])
    general = getattr(module, "pytestmark", [])
    marks = [*getattr(finds, "pytestmark", []), *(general if isinstance(general, list) else [general])]
    found.pytestmark = [mark for mark in marks if not bug.given or mark.name != "parametrize"]
    return found
