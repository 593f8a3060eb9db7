"""`make audit` says that all is well only when it was told so, of every package."""

import shutil
import subprocess

import pytest
from tests.project.source import ROOT


@pytest.fixture
def audit(tmp_path):
    """The script, with a tool that says what the test wants; its exit code and all that it printed."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/audit", tmp_path / "scripts/audit")
    tool = tmp_path / ".venv/audit/bin/pip-audit"
    tool.parent.mkdir(parents=True)

    def run(says, code):
        tool.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
        tool.chmod(0o755)
        done = subprocess.run([tmp_path / "scripts/audit"], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


def test_what_is_known_is_told(audit):
    assert audit("No known vulnerabilities found", 0) == (0, "No known vulnerabilities found\n")
    assert audit("Found 2 known vulnerabilities in 1 package", 1) == (1, "Found 2 known vulnerabilities in 1 package\n")


@pytest.mark.parametrize("trouble", ["requests.exceptions.ConnectionError: no route", "ERROR: x could not be audited: x (1)", ""])
@pytest.mark.parametrize("code", [0, 1])
def test_no_answer_is_no_all_clear(audit, trouble, code):
    """The negative control: whatever the tool's own exit code."""
    exit_code, told = audit(trouble, code)
    assert exit_code == 2
    assert len(told.splitlines()) == 1
    assert "nothing is known" in told
