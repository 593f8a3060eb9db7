"""The first hour at the command line."""

import pytest

from dragoman import cli

SECRET_KEY = "a secret key for tests, of more than 32 characters"

NUMBER = (
    "--phone-number-id 106540352242922 --waba-id 102290129340398 --display-number +15550001234 --access-token EAAG-token --app-id lumen-app"
)


@pytest.fixture
def dragoman(monkeypatch, capsys, database_uri):
    """Run a command as a shell would; its exit code, standard output and error."""
    monkeypatch.setenv("DRAGOMAN_DATABASE_URL", database_uri)
    monkeypatch.setenv("DRAGOMAN_SECRET_KEY", SECRET_KEY)

    def dragoman(line, *more):
        monkeypatch.setattr("sys.argv", ["dragoman", *line.split(), *more])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        failed = ended.value.code if isinstance(ended.value.code, str) else said.err
        return ended.value.code or 0, said.out, failed

    return dragoman


def test_keys_create_prints_the_key_alone(dragoman):
    code, out, _ = dragoman("keys create --name Till")
    assert code == 0
    assert out.startswith("wak_live_")
    assert out.count("\n") == 1

    _, listed, _ = dragoman("keys list")
    assert out[:17] in listed
    assert out.strip() not in listed


def test_a_revoked_key_is_listed_as_such(dragoman):
    _, key, _ = dragoman("keys create --name Till")
    assert dragoman("keys revoke", key[:17])[1] == f"{key[:17]} (Till) is revoked\n"
    assert "revoked" in dragoman("keys list")[1]


def test_a_key_is_made_for_the_organisation_that_is_named(dragoman):
    dragoman("orgs add", "Bakery Lumen")
    dragoman("keys create --name Till --org", "Bakery Lumen")

    assert "Till" in dragoman("keys list --org", "Bakery Lumen")[1]
    assert "Till" not in dragoman("keys list")[1]
    assert "Bakery Lumen" in dragoman("orgs list")[1]


def test_a_number_is_added_after_its_app(dragoman):
    assert "apps add" in dragoman(f"numbers add {NUMBER}")[2]

    said = dragoman("apps add --app-id lumen-app --app-secret shh --verify-token verify")[1]
    assert "/webhooks/whatsapp/lumen-app" in said
    assert dragoman(f"numbers add {NUMBER} --sandbox --per-second 20")[0] == 0
    assert "+15550001234" in dragoman("numbers list")[1]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("keys revoke wak_live_nothing0", "there is no API key"),
        ("keys list --org Nobody", "orgs list"),
        (f"numbers add {NUMBER} --per-second 0", "per_second"),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do(dragoman, line, words):
    code, out, error = dragoman(line)
    assert code != 0
    assert out == ""
    assert error.startswith("dragoman: ")
    assert words in error
    assert "\n" not in error.strip()


def test_a_database_that_is_not_there_is_one_line_too(dragoman, monkeypatch):
    monkeypatch.setenv("DRAGOMAN_DATABASE_URL", "postgresql://127.0.0.1:1/dragoman")
    assert "the database cannot be used" in dragoman("keys list")[2]


def test_an_unknown_setting_is_named(dragoman, monkeypatch):
    monkeypatch.setenv("DRAGOMAN_DATABSE_URL", "postgresql://db/dragoman")
    assert "DRAGOMAN_DATABSE_URL is not a setting" in dragoman("keys list")[2]
