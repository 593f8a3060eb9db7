"""Another secret key, without what brings everything and everybody over to it."""

import psycopg
import pytest
import test_secret_key as of_rotation
from apart import SECRET_KEY, furnish, whatsapp
from psycopg.rows import dict_row
from tests.security.switched import fails
from tests.stories.conftest import session

from dragoman.accounts import sealed
from dragoman.accounts.secrets import Unopenable, Vault
from dragoman.cli import secret_key


async def opened(uri, key):
    async with await psycopg.AsyncConnection.connect(uri, row_factory=dict_row) as connection:
        return await sealed.opens(connection, Vault(key))


async def test_a_column_that_a_rotation_forgets_is_lost(monkeypatch, database_uri, session, tmp_path):
    async with whatsapp() as outside:
        await furnish(database_uri, session, outside)
    place, everything = tmp_path / "next.key", sealed.SEALED
    monkeypatch.setattr(sealed, "SEALED", tuple(column for column in everything if column.table != "numbers"))
    assert await secret_key.reseal(database_uri, SECRET_KEY, place) == 2
    monkeypatch.setattr(sealed, "SEALED", everything)
    with pytest.raises(Unopenable):
        await opened(database_uri, place.read_text().strip())


async def test_a_forgotten_column_is_seen(monkeypatch, database):
    monkeypatch.setattr(sealed, "SEALED", tuple(column for column in sealed.SEALED if column.table != "numbers"))
    await fails(of_rotation.test_every_column_that_is_sealed_is_in_the_list, database, because="access_token")


async def test_a_start_between_two_keys_that_nobody_stops_opens_nothing(monkeypatch, database_uri, session, tmp_path):
    monkeypatch.setattr("dragoman.accounts.secrets.NEXT_KEY_FILE", "not there")
    rotation = of_rotation.test_a_rotation_that_was_cut_off_is_brought_to_its_end
    await fails(rotation, database_uri, session, tmp_path, because="DID NOT RAISE")
    with pytest.raises(Unopenable):
        await opened(database_uri, of_rotation.load_key(of_rotation.Settings(data_dir=tmp_path)))


async def test_a_key_that_is_not_known_as_the_next_one_is_lost_when_a_rotation_is_run_again(monkeypatch, database_uri, session, tmp_path):
    monkeypatch.setattr(secret_key, "is_successor", lambda key, before: False)
    with pytest.raises(Unopenable):
        await of_rotation.test_a_rotation_that_was_cut_off_is_brought_to_its_end(database_uri, session, tmp_path)
    for key in (SECRET_KEY, (tmp_path / of_rotation.NEXT_KEY_FILE).read_text().strip()):
        with pytest.raises(Unopenable):
            await opened(database_uri, key)
