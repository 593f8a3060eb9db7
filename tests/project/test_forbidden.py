"""Calls that have opened other people's servers, kept out by name."""

import ast
import re

from tests.project.source import imports, tree, where, written

# Running text as code, or bytes as objects.
FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "__import__",
    "pickle.load", "pickle.loads", "marshal.loads", "shelve.open", "dill.loads",
    "yaml.load", "yaml.unsafe_load", "os.system", "os.popen", "subprocess.getoutput", "from_string",
}  # fmt: skip
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "marshal", "shelve", "yaml"}

SECRET_NAMES = re.compile(r"(secret|token|signature|key_hash|password|digest)(_hash|_hex)?$")
# path:name → why a plain comparison is right there
MAY_COMPARE = {
    # Whether the provider, who has both, sent a new one; nobody else can ask.
    "accounts.py:now.config.refresh_token",
    "accounts.py:self.integration.config.refresh_token",
}


def calls():
    for path in written({".py"}, "src", "examples"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call):
                yield path, node


def test_nothing_runs_text_as_code_or_bytes_as_objects():
    found = [f"{where(path, node)} {_name(node.func)}" for path, node in calls() if _name(node.func) in FORBIDDEN_CALLS]
    found += [f"{where(path, node)} .from_string" for path, node in calls() if getattr(node.func, "attr", "") == "from_string"]
    assert found == []


def test_no_module_that_revives_objects_is_imported():
    found = [(path, node, name) for path in written({".py"}, "src", "examples") for node in ast.walk(tree(path)) for name in imports(node)]
    assert [f"{where(path, node)} {name}" for path, node, name in found if name.split(".")[0] in FORBIDDEN_MODULES] == []


def test_no_command_goes_through_a_shell():
    shells = [
        where(path, node)
        for path, node in calls()
        for keyword in node.keywords
        if keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
    ]
    shells += [where(path, node) for path, node in calls() if _name(node.func).endswith("create_subprocess_shell")]
    assert shells == []


def test_secrets_are_not_compared_with_equals():
    """`==` stops at the first wrong byte, so its time tells how much was right; `hmac.compare_digest` does not."""
    found = [
        f"{where(path, node)} {name}"
        for path in written({".py"}, "src", "examples")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops)
        for name in _compared(node)
        if f"{path.name}:{name}" not in MAY_COMPARE
    ]
    assert found == []


def _compared(node):
    sides = [node.left, *node.comparators]
    if any(isinstance(side, ast.Constant) for side in sides):
        return []  # the right answer stands in the source anyway
    return [name for name in map(_name, sides) if SECRET_NAMES.search(name.lower())]


def _name(node):
    """`a.b.c` for an attribute, `a` for a name or a call of it, the key for a subscript by text."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return f"{_name(node.value)}.{node.attr}"
        case ast.Call():
            return _name(node.func)
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            return key
    return ""
