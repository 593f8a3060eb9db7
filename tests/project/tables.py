"""The tables in docs/operations.md that are made from the code, and that of docs/reliability.md. `make docs` writes them; a test compares."""

import re

from prometheus_client.metrics import MetricWrapperBase
from tests.planted import table as planted
from tests.project.source import ROOT

from dragoman.conversations import metrics
from dragoman.settings import PREFIX, Settings

OPERATIONS = ROOT / "docs/operations.md"


def settings():
    rows = [f"| `{PREFIX}{name.upper()}` | {_default(field)} | {field.description} |" for name, field in Settings.model_fields.items()]
    return _table("| Variable | Default | What it does |", rows)


def _default(field):
    value = field.get_default(call_default_factory=True)
    return "" if value is None or value == [] else f"`{value}`"


def counters():
    found = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    described = [(next(iter(metric.collect())), metric._labelnames) for metric in found]
    rows = [f"| `{_name(family)}`{_labels(labels)} | {family.documentation} |" for family, labels in described]
    return _table("| Name | What it counts |", rows)


def _name(family):
    return family.name + ("_total" if family.type == "counter" else "")


def _labels(labels):
    return f" by {', '.join(labels)}" if labels else ""


def _table(head, rows):
    return "\n".join([head, re.sub(r"[^|]+", "---", head), *rows]) + "\n"


def write():
    text = OPERATIONS.read_text()
    for table in (settings(), counters()):
        head = table.splitlines()[0]
        text = re.sub(re.escape(head) + r"\n(\|.*\n)*", lambda _, table=table: table, text)
    OPERATIONS.write_text(text)
    planted.write()


if __name__ == "__main__":
    write()
