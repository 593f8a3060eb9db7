"""The project's own source, parsed, for the tests that guard the house rules."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ROOT / "src"


@cache
def tracked():
    """Every file under version control, or every file of an unpacked archive."""
    if (ROOT / ".git").exists():
        # Also what is new and not ignored: a rule that bites at the commit bites too late.
        names = subprocess.check_output(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True)
        files = [ROOT / name for name in names.splitlines()]
    else:
        files = [path for path in ROOT.rglob("*") if ".venv" not in path.parts]
    return sorted(path for path in files if path.is_file())


def written(suffixes, *folders):
    return [path for path in tracked() if path.suffix in suffixes and any(path.is_relative_to(ROOT / folder) for folder in folders)]


@cache
def tree(path):
    return ast.parse(path.read_text(), str(path))


def functions(*folders):
    """(path:line name, lines it takes) of every function, with signature and docstring, nested ones too."""
    for path in written({".py"}, *folders):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{where(path, node)} {node.name}", node.end_lineno - node.lineno + 1


def where(path, node):
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def imports(node):
    """The modules that an import statement names; none for anything else, and for relative imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
