"""Nothing in Dragoman calls out but through the two doors (S-B07). The sandbox may: it plays the outside world."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "dragoman"
FORBIDDEN = (
    *(
        "aiohttp",
        "aiosmtplib",
        "httpx",
        "httpx2",
        "httpcore",
        "requests",
        "urllib.request",
        "urllib3",
        "http.client",
        "pycurl",
        "websockets",
        "websocket",
    ),
    *("ftplib", "smtplib", "telnetlib", "socket.create_connection", "asyncio.open_connection", "asyncio.open_unix_connection"),
)
MAY_CALL_OUT = ("http", "sandbox")
# The demo waits until the example agent that it has just started listens.
EXCEPTIONS = {("cli/demo.py", "asyncio.open_connection")}


def names_used(tree):
    """Every dotted name that a module imports, or reaches through something that it imported."""
    known = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                known[alias.asname or alias.name.partition(".")[0]] = alias.name if alias.asname else alias.name.partition(".")[0]
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield node.lineno, f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            first, *rest = ast.unparse(node).split(".")
            if first in known:
                yield node.lineno, ".".join([known[first], *rest])


def other_ways_out(source):
    for line, name in names_used(ast.parse(source)):
        for forbidden in FORBIDDEN:
            if name == forbidden or name.startswith(f"{forbidden}."):
                yield line, name
                break


MODULES = [path.relative_to(SOURCE) for path in sorted(SOURCE.rglob("*.py"))]


@pytest.mark.parametrize("module", [module for module in MODULES if module.parts[0] not in MAY_CALL_OUT], ids=str)
def test_a_module_has_no_other_way_out(module):
    found = [(line, name) for line, name in other_ways_out((SOURCE / module).read_text()) if (str(module), name) not in EXCEPTIONS]
    assert not found, f"{module} must call out through dragoman.http (Trusted or Guarded): {found}"


@pytest.mark.parametrize(
    "module", [Path("http") / name for name in ("trusted.py", "exchange.py", "one_answer.py", "sdk.py", "mail.py")], ids=str
)
def test_the_doors_themselves_would_be_caught_elsewhere(module):
    """The negative control."""
    assert list(other_ways_out((SOURCE / module).read_text()))


@pytest.mark.parametrize(
    "source",
    [
        "import aiohttp",
        "import aiohttp as web",
        "from aiohttp import ClientSession",
        "import httpx",
        "import httpx2",
        "def later():\n    import requests",
        "from urllib import request",
        "from urllib.request import urlopen",
        "import urllib.request",
        "import urllib\nurllib.request.urlopen('x')",
        "import socket\nsocket.create_connection(('x', 1))",
        "import socket as s\ns.create_connection(('x', 1))",
        "from socket import create_connection",
        "import asyncio\nasync def f():\n    await asyncio.open_connection('x', 1)",
        "import http.client",
        "from http import client",
    ],
)
def test_every_spelling_of_another_way_out_is_caught(source):
    assert list(other_ways_out(source))


@pytest.mark.parametrize(
    "source",
    [
        "from urllib.parse import urlsplit",
        "import socket\nsocket.gethostname()",
        "from dragoman.http import Guarded",
        "from http import HTTPStatus",
    ],
)
def test_what_only_sounds_like_it_is_not(source):
    assert not list(other_ways_out(source))
