"""Negative controls: a test of a defence is run again with the defence switched off, from outside, and has to fail."""

import inspect

import pytest

# What a test of ours fails with, when what it looks for is not as it should be.
FAILURES = (AssertionError, KeyError, pytest.fail.Exception)


async def fails(test, *given, because):
    """The very test, which says with the defence on that all is well. `because` is a pattern in its complaint: it must not fail
    for want of something else."""
    with pytest.raises(FAILURES, match=because):
        await _played(test, *given)


async def _played(test, *given):
    if inspect.isawaitable(result := test(*given)):
        await result
