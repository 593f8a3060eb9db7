"""Bugs that somebody might write one day, each of which must be caught (see `test_planted`)."""

PLANTED = {}
