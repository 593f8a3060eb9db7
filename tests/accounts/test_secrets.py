"""What is sealed opens only in its own place, under its own key."""

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.accounts.secrets import Unopenable, Vault, load_key
from dragoman.settings import Settings, SettingsError

KEY = "a secret key for tests, of more than 32 characters"
PLACE = ("lumen", "numbers", "access_token", "106540352242922")


@given(st.binary(), st.lists(st.text(st.characters(codec="utf-8")), max_size=4))
def test_a_sealed_value_opens_in_its_own_place(value, place):
    vault = Vault(KEY)
    assert vault.open(vault.seal(value, *place), *place) == value


@pytest.mark.parametrize("other", [("rival", *PLACE[1:]), (*PLACE[:3], "2"), PLACE[:3], ("lumennumbers", "", *PLACE[2:])])
def test_a_value_moved_to_another_row_does_not_open(other):
    vault = Vault(KEY)
    with pytest.raises(Unopenable):
        vault.open(vault.seal(b"EAAG-token", *PLACE), *other)


def test_another_key_opens_nothing():
    with pytest.raises(Unopenable, match="DRAGOMAN_SECRET_KEY"):
        Vault(KEY + "!").open(Vault(KEY).seal(b"EAAG-token", *PLACE), *PLACE)


@pytest.mark.parametrize("broken", [b"", b"\x01", b"\x02" + b"x" * 40, b"EAAG-token"])
def test_what_was_never_sealed_does_not_open(broken):
    with pytest.raises(Unopenable):
        Vault(KEY).open(broken, *PLACE)


def test_the_same_value_is_sealed_differently_each_time():
    vault = Vault(KEY)
    assert vault.seal(b"EAAG-token", *PLACE) != vault.seal(b"EAAG-token", *PLACE)


def test_a_hash_depends_on_purpose_and_key():
    vault = Vault(KEY)
    assert vault.hash("wak", "api key") == vault.hash("wak", "api key")
    assert len({vault.hash("wak", "api key"), vault.hash("wak", "callback"), Vault(KEY + "!").hash("wak", "api key")}) == 3


def test_derived_bytes_keep_their_parts_apart():
    vault = Vault(KEY)
    assert vault.derive("callback", "ab", "c") == vault.derive("callback", "ab", "c")
    assert vault.derive("callback", "ab", "c") != vault.derive("callback", "a", "bc")


def test_the_key_is_made_on_first_start_for_its_owner_only(tmp_path):
    key = load_key(Settings(data_dir=tmp_path / "new"))

    assert len(key) >= 32
    assert load_key(Settings(data_dir=tmp_path / "new")) == key
    assert stat.S_IMODE((tmp_path / "new" / "secret.key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["secret.key"]


def test_the_environment_key_wins(tmp_path):
    assert load_key(Settings(data_dir=tmp_path, secret_key=KEY)) == KEY
    assert not list(tmp_path.iterdir())


def test_a_lost_key_file_is_not_replaced_beside_an_existing_database(tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("18")
    with pytest.raises(SettingsError, match="put the file back"):
        load_key(Settings(data_dir=tmp_path))


def test_an_external_database_needs_a_key_from_the_environment(tmp_path):
    with pytest.raises(SettingsError, match="DRAGOMAN_SECRET_KEY is not set"):
        load_key(Settings(data_dir=tmp_path, database_url="postgresql://db/dragoman"))


@pytest.mark.parametrize("settings", [{"secret_key": "short"}, {"secret_key": ""}])
def test_a_short_key_is_refused(tmp_path, settings):
    with pytest.raises(SettingsError, match="shorter than 32"):
        load_key(Settings(data_dir=tmp_path, **settings))


def test_an_emptied_key_file_is_refused(tmp_path):
    (tmp_path / "secret.key").write_text("\n")
    with pytest.raises(SettingsError, match="does not hold a key"):
        load_key(Settings(data_dir=tmp_path))
