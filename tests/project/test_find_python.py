"""`make install` on machines that are not ready says what is missing. The Pythons here are stand-ins of a few lines."""

import subprocess

import pytest
from tests.project.source import ROOT


@pytest.fixture
def machine(tmp_path):
    """A PATH that holds only what a test puts there."""

    def install(name, version, *, venv=True):
        answers = (
            f'case "$2" in *print*) echo {version} ;; *"sys.exit"*) {_is_new(version)} ;; *venv*) {"true" if venv else "false"} ;; esac'
        )
        (tmp_path / name).write_text(f"#!/bin/sh\n{answers}\n")
        (tmp_path / name).chmod(0o755)

    def find():
        found = subprocess.run(["/bin/sh", ROOT / "scripts/find-python"], env={"PATH": str(tmp_path)}, capture_output=True, text=True)
        return found.stdout.strip().removeprefix(f"{tmp_path}/"), found.stderr

    install.find = find
    return install


def _is_new(version):
    return "true" if tuple(map(int, version.split("."))) >= (3, 11) else "false"


def test_the_newest_python_is_taken(machine):
    machine("python3", "3.11")
    machine("python3.11", "3.11")
    machine("python3.13", "3.13")
    assert machine.find() == ("python3.13", "")


def test_a_machine_without_python_is_told_what_to_install(machine):
    assert "apt-get install python3 python3-venv" in machine.find()[1]


def test_an_old_python_is_named(machine):
    machine("python3", "3.9")
    assert "needs Python 3.11 or newer; the newest here is 3.9" in machine.find()[1]


def test_a_python_without_venv_is_told_the_package(machine):
    machine("python3", "3.12", venv=False)
    assert "apt-get install python3.12-venv" in machine.find()[1]


def test_a_python_without_venv_does_not_hide_one_that_has_it(machine):
    machine("python3.13", "3.13", venv=False)
    machine("python3", "3.11")
    assert machine.find() == ("python3", "")
