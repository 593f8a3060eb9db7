"""What the documents say about the code is compared with the code."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from tests.project import tables
from tests.project.source import ROOT, imports, tracked, tree, written

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


def test_every_import_is_a_declared_dependency():
    """What comes along with another library goes away with it."""
    homes = packages_distributions()
    imported = {name.split(".")[0] for path in written({".py"}, "src") for node in ast.walk(tree(path)) for name in imports(node)}
    foreign = {home.lower().replace("_", "-") for name in imported - set(sys.stdlib_module_names) for home in homes.get(name, [name])}
    assert foreign - PRODUCT - {"dragoman"} == {"psycopg-pool"}  # an extra of psycopg


def test_links_between_documents_lead_somewhere():
    links = [
        (path, target)
        for path in tracked()
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text())
        if "://" not in target
    ]
    assert [f"{path.relative_to(ROOT)}: {target}" for path, target in links if not (path.parent / target).exists()] == []
