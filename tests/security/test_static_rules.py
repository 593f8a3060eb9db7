"""The rules that keep whole kinds of holes out of the source, and a planted breach of each, which has to be found."""

import ast
import re

import pytest
from tests.api import test_reference as reference
from tests.project import test_forbidden as forbidden
from tests.project.source import tree, where, written
from tests.security.switched import fails

from dragoman.api import heads

# What turns the check of a certificate off, as a keyword or as an attribute that is set.
UNCHECKED = {"verify": {False}, "verify_ssl": {False}, "ssl": {False}, "check_hostname": {False}, "validate_certs": {False}}
# What somebody on the way, or who says that he is, writes about where a request came from.
FORWARDED = re.compile(r"x-forwarded|x-real-ip|forwarded_allow_ips|ProxyHeaders", re.I)


def unchecked(node):
    """Does this piece of source leave a certificate unchecked?"""
    if isinstance(node, ast.Attribute):
        return node.attr in ("CERT_NONE", "_create_unverified_context")
    if isinstance(node, ast.keyword):
        return _off(node.arg, node.value)
    if isinstance(node, ast.Assign):
        return any(_off(getattr(target, "attr", ""), node.value) for target in node.targets)
    return False


def _off(name, value):
    return name in UNCHECKED and isinstance(value, ast.Constant) and value.value in UNCHECKED[name]


def sources():
    return written({".py"}, "src", "examples")


def test_no_certificate_is_left_unchecked():
    assert [where(path, node) for path in sources() for node in ast.walk(tree(path)) if hasattr(node, "lineno") and unchecked(node)] == []


@pytest.mark.parametrize(
    "source",
    [
        "session.get(url, ssl=False)",
        "httpx.Client(verify=False)",
        "context.check_hostname = False",
        "context.verify_mode = ssl.CERT_NONE",
        "context = ssl._create_unverified_context()",
        "aiosmtplib.send(message, validate_certs=False)",
    ],
)
def test_each_way_to_leave_it_unchecked_is_seen(source):
    assert any(map(unchecked, ast.walk(ast.parse(source))))


def believed():
    return [f"{path.name}:{n}" for path in sources() for n, line in enumerate(path.read_text().splitlines(), 1) if FORWARDED.search(line)]


def test_no_forwarded_header_is_believed():
    assert believed() == []
    served = next(path for path in sources() if path.name == "app.py" and path.parent.name == "dragoman").read_text()
    assert "proxy_headers=False" in served


def test_a_forwarded_header_that_is_read_is_seen(monkeypatch, tmp_path):
    plant(monkeypatch, tmp_path, 'address = request.headers["X-Forwarded-For"]')
    assert believed() == ["planted.py:1"]


def plant(monkeypatch, folder, source):
    path = folder / "planted.py"
    path.write_text(source + "\n")
    for module in ("tests.project.test_forbidden", "tests.security.test_static_rules"):
        monkeypatch.setattr(f"{module}.written", lambda *_: [path])
    monkeypatch.setattr("tests.project.test_forbidden.where", lambda path, node: f"{path}:{node.lineno}")


@pytest.mark.parametrize(
    ("test", "source"),
    [
        (forbidden.test_nothing_runs_text_as_code_or_bytes_as_objects, "eval(text)"),
        (forbidden.test_nothing_runs_text_as_code_or_bytes_as_objects, "exec(compile(text, '', 'exec'))"),
        (forbidden.test_nothing_runs_text_as_code_or_bytes_as_objects, "environment.from_string(text)"),
        (forbidden.test_nothing_runs_text_as_code_or_bytes_as_objects, "yaml.load(text)"),
        (forbidden.test_nothing_runs_text_as_code_or_bytes_as_objects, "os.system(text)"),
        (forbidden.test_no_module_that_revives_objects_is_imported, "import pickle"),
        (forbidden.test_no_module_that_revives_objects_is_imported, "from yaml import safe_load"),
        (forbidden.test_no_command_goes_through_a_shell, "subprocess.run(text, shell=True)"),
        (forbidden.test_no_command_goes_through_a_shell, "asyncio.create_subprocess_shell(text)"),
        (forbidden.test_secrets_are_not_compared_with_equals, "good = given == app.verify_token"),
        (forbidden.test_secrets_are_not_compared_with_equals, "good = self.signature != signature"),
    ],
)
async def test_each_planted_breach_is_found(monkeypatch, tmp_path, test, source):
    plant(monkeypatch, tmp_path, source)
    await fails(test, because="planted")


def test_every_limit_of_a_connection_is_one_that_a_person_notices_and_a_machine_survives():
    assert 0 < heads.REST_SECONDS < heads.HEAD_SECONDS <= heads.READING_SECONDS <= 60
    assert heads.LARGEST_HEAD <= 64 * 1024


@pytest.mark.parametrize(("shape", "field"), [("Number", "accessToken"), ("App", "appSecret"), ("ApiKey", "key"), ("Member", "password")])
async def test_a_shape_with_room_for_a_secret_is_seen(shape, field):
    shapes = {"Byoa": ["secret"], "NewApiKey": ["key"]} | {shape: [field]}
    schemas = {name: {"properties": {key: {} for key in fields}} for name, fields in shapes.items()}
    await fails(reference.test_no_answer_can_hold_a_secret_but_where_it_is_made, {"components": {"schemas": schemas}}, because=field)
