"""The table of planted bugs in docs/reliability.md. `make docs` writes it; a test compares."""

import re

from tests.crash.planted import PLANTED
from tests.planted.bugs import BUGS
from tests.project.source import ROOT

RELIABILITY = ROOT / "docs/reliability.md"
HEAD = "| Bug | Found by |\n| --- | --- |\n"


def table():
    crashed = [
        f"| {name} | {_scenario(bug)}: {bug.hurts.replace('I-0', 'I-01 to I-08') if bug.hurts == 'I-0' else bug.hurts} |"
        for name, bug in PLANTED.items()
    ]
    tested = [f"| {name} | [{bug.found_by[1]}](../tests/{bug.found_by[0]}/{bug.found_by[1]}.py) |" for name, bug in BUGS.items()]
    return HEAD + "\n".join([*crashed, *tested]) + "\n"


def _scenario(bug):
    return f"a kill at `{bug.point}` in “{bug.scenario}”" if bug.point else f"“{bug.scenario}”"


def count():
    return len(PLANTED) + len(BUGS)


def sentence():
    return f"{count()} bugs that somebody might write one day"


def write():
    text = re.sub(re.escape(HEAD) + r"(\|.*\n)*", lambda _: table(), RELIABILITY.read_text())
    RELIABILITY.write_text(re.sub(r"\d+ bugs that somebody might write one day", sentence(), text))
