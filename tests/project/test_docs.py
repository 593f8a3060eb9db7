"""What the documents say about the code is compared with the code."""

import ast
import re
import sys
import tomllib
from datetime import UTC, datetime
from importlib.metadata import packages_distributions
from uuid import uuid4

import msgspec
from tests.project import tables
from tests.project.source import ROOT, imports, tracked, tree, written

from dragoman.agents import byoa
from dragoman.agents.turns import File, Person, Said, Turn
from dragoman.settings import Settings


def test_the_tables_in_operations_are_those_of_the_code():
    text = tables.OPERATIONS.read_text()
    assert tables.settings() in text, "run: make docs"
    assert tables.counters() in text, "run: make docs"


def test_there_are_at_most_thirty_settings():
    assert len(Settings.model_fields) <= 30


def names(requirements):
    return {re.split(r"[\[<>=~ ;]", line)[0] for line in requirements}


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PRODUCT = names(PROJECT["project"]["dependencies"])
BUILD, DEV = names(PROJECT["dependency-groups"]["build"]), names(PROJECT["dependency-groups"]["dev"])


def test_every_library_has_a_reason():
    reasons = (ROOT / "docs/decisions/0007-libraries.md").read_text()
    assert {name for name in PRODUCT | BUILD | DEV if not re.search(rf"^\|[^|]*\b{re.escape(name)}\b", reasons, re.M)} == set()


def test_every_library_is_locked():
    locked = {
        lock: names(re.findall(r"^\S+==", (ROOT / lock).read_text(), re.M)) for lock in ("requirements.lock", "requirements-dev.lock")
    }
    assert (PRODUCT | BUILD) - locked["requirements.lock"] == set()
    assert DEV - locked["requirements-dev.lock"] == set()


# What comes as an extra of a library that is declared: psycopg[pool], pydantic-ai-slim[openai,anthropic], mcp, pydantic, jsonschema; an optional one of ours.
EXTRAS = {"psycopg-pool", "openai", "anthropic", "mcp-types", "pydantic-core", "referencing", "faster-whisper"}


def test_every_import_is_a_declared_dependency():
    """What comes along with another library goes away with it."""
    homes = packages_distributions()
    imported = {name.split(".")[0] for path in written({".py"}, "src") for node in ast.walk(tree(path)) for name in imports(node)}
    foreign = {home.lower().replace("_", "-") for name in imported - set(sys.stdlib_module_names) for home in homes.get(name, [name])}
    assert foreign - PRODUCT - {"dragoman"} == EXTRAS


def test_the_contract_names_every_field_of_a_delivery():
    now, nobody = datetime.now(UTC), uuid4()
    file = File(url="https://dragoman.example/m", kind="image", mime_type="image/png", state="ready", expires_at=now)
    said = Said(id=nobody, wamid="wamid.1", at=now, content={"type": "image"}, files=[file])
    turn = Turn(
        id=nobody,
        agent_id=nobody,
        conversation_id=nobody,
        phone_number_id="1",
        business_number="15550001234",
        contact=Person(id=nobody, name="Dana", phone="15550007890", user_id=None, username=None),
        said=[said],
        callback_url="https://dragoman.example/c",
        callback_until=now,
        window_until=now,
    )
    contract = (ROOT / "docs/byoa.md").read_text()
    assert {name for name in fields(msgspec.json.decode(byoa.payload(turn))) if f"`{name}`" not in contract} == set()


def fields(value):
    if isinstance(value, list):
        return set().union(*map(fields, value))
    return set(value).union(*map(fields, value.values())) if isinstance(value, dict) else set()


def test_links_between_documents_lead_somewhere():
    links = [
        (path, target)
        for path in tracked()
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text())
        if "://" not in target
    ]
    assert [f"{path.relative_to(ROOT)}: {target}" for path, target in links if not (path.parent / target).exists()] == []
