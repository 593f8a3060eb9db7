"""What the documents say about the code is compared with the code."""

import re
import tomllib
from itertools import chain

from tests.project import tables
from tests.project.source import ROOT, tracked

from dragoman.settings import Settings


def test_the_tables_in_operations_are_those_of_the_code():
    text = tables.OPERATIONS.read_text()
    assert tables.settings() in text, "run: make docs"
    assert tables.counters() in text, "run: make docs"


def test_there_are_at_most_thirty_settings():
    assert len(Settings.model_fields) <= 30


def test_every_library_has_a_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = chain(project["project"]["dependencies"], *project["dependency-groups"].values())
    reasons = (ROOT / "docs/decisions/0007-libraries.md").read_text()
    names = {re.split(r"[\[<>=~ ]", line)[0] for line in wanted}
    assert {name for name in names if not re.search(rf"^\|[^|]*\b{re.escape(name)}\b", reasons, re.M)} == set()


def test_links_between_documents_lead_somewhere():
    links = [
        (path, target)
        for path in tracked()
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text())
        if "://" not in target
    ]
    assert [f"{path.relative_to(ROOT)}: {target}" for path, target in links if not (path.parent / target).exists()] == []
