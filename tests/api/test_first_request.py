"""The first request after a start is as quick as the second, so that nobody else's message waits for it."""

from time import perf_counter
from types import SimpleNamespace

import pytest

from dragoman.api.v1 import app as v1
from dragoman.api.v2 import app as v2


@pytest.mark.parametrize("dialect", [v1, v2])
def test_a_dialect_is_made_when_the_server_starts_and_not_when_somebody_asks(dialect):
    app = dialect.build(SimpleNamespace(settings=SimpleNamespace(public_url="https://bakery.example")))
    spent = []
    for _ in range(2):
        before = perf_counter()
        for route in app.routes:
            route.matches({"type": "http", "method": "GET", "path": "/nothing/", "root_path": "", "headers": []})
        spent.append(perf_counter() - before)
    assert spent[0] < 0.02 + 20 * spent[1], "routes are made when the first request comes: a quarter of a second, in which everything waits"
