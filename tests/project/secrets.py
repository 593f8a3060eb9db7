"""Does a file of ours hold somebody's secret? `make secrets` looks at all of them, and is what CI runs.

What looks like one and is none is in known_strings.json by its hash. After adding such a thing on purpose, look at what is listed and run

    .venv/bin/python -m tests.project.secrets --accept
"""

import json
import sys

from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings
from tests.project.source import ROOT, tracked

KNOWN = ROOT / "tests/project/known_strings.json"
# Words such as `password = "…"` are ruff's: S105 to S107. In tests and documents, all of those are made up.
NOT_ASKED = {"KeywordDetector"}
UNREAD = {".lock", ".jpg", ".png", ".ogg", ".svg"}


def looked_through(files):
    """{path: {hash of what looks like a secret: line}} of the files that have any."""
    found = SecretsCollection()
    with default_settings() as settings:
        for name in NOT_ASKED:
            settings.plugins.pop(name, None)
        for path in files:
            found.scan_file(str(path))
    return {name: {one.secret_hash: one.line_number for one in found[name]} for name in sorted(found.files)}


def ours():
    return [path for path in tracked() if path.suffix not in UNREAD and path != KNOWN]


def main(*words):
    found = {name.removeprefix(f"{ROOT}/"): hashes for name, hashes in looked_through(ours()).items()}
    if "--accept" in words:
        KNOWN.write_text(json.dumps({name: sorted(hashes) for name, hashes in found.items()}, indent=1) + "\n")
        return 0
    known = json.loads(KNOWN.read_text())
    new = [f"{name}:{line}" for name, hashes in found.items() for one, line in hashes.items() if one not in known.get(name, ())]
    for place in new:
        print(f"{place} holds what looks like a secret; see tests/project/secrets.py")  # noqa: T201
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
