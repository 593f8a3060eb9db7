"""Who was erased stays erased, also when a backup of before is restored; and the command that erases."""

import shutil
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from apart import command
from erasure import contact_of, erased, files_with, found

from dragoman.conversations import tombstones
from dragoman.store.database import Database

CANARY, PHONE = "quokka4711", "15550007890"
PICTURE = b"\x89PNG\r\n\x1a\n" + CANARY.encode()


async def dragoman(*words, **settings):
    code, out, complaint = await command(*words, **settings)
    assert (code, complaint) == (0, ""), complaint
    return out


@pytest.fixture
def settings(lumen, database_uri, tmp_path):
    """Of commands beside the server."""
    return {"database_url": database_uri, "secret_key": "a secret key for tests, of more than 32 characters", "data_dir": tmp_path}


@pytest.fixture
async def backup(lumen, echo, dana, zoe, settings, tmp_path):
    """Made when Dana and Zoë had said something."""
    await dana.says(f"I have a {CANARY}")
    await dana.hears(1)
    await dana.sends_file("image", PICTURE, "image/png")
    await dana.hears(2)
    await zoe.says("Good morning")
    await zoe.hears(1)
    await dragoman("backup", tmp_path / "lumen.tar", **settings)
    return tmp_path / "lumen.tar"


async def fetched(uri, *words):
    database = Database(uri, largest=2)
    await database.open()
    try:
        return await found(database.fetch, *words), [row["name"] for row in await database.fetch("select name from contacts")]
    finally:
        await database.close()


@pytest.mark.parametrize("named", [False, True], ids=["list in its place", "list elsewhere"])
async def test_who_was_erased_is_erased_again(lumen, backup, settings, empty_database_uri, tmp_path, named):
    report = await erased(lumen, await contact_of(lumen))
    second = {**settings, "database_url": empty_database_uri, "data_dir": tmp_path / "second"}
    second["data_dir"].mkdir()
    if not named:
        shutil.copy(tmp_path / "erasures.jsonl", second["data_dir"])
    option = ["--erasures", tmp_path / "erasures.jsonl"] if named else []

    said = await dragoman("restore", *option, backup, **second)

    assert "Erased again: 1 of the 1 people" in said
    assert await fetched(empty_database_uri, CANARY, PHONE) == (set(), ["Zoë"])
    assert files_with(second["data_dir"], CANARY) == []
    assert tombstones.read(second["data_dir"] / "erasures.jsonl") == tombstones.read(tmp_path / "erasures.jsonl")  # the list goes on
    [line] = (await dragoman("contacts", "erased", **second)).splitlines()
    assert report["id"] in line
    assert report["contactId"] in line
    assert (await dragoman("contacts", "erase-again", tmp_path / "erasures.jsonl", **second)).startswith("Erased again: 0 of the 1")


async def test_without_the_list_the_restore_says_who_may_be_back(lumen, backup, settings, empty_database_uri, tmp_path):
    """The control of the one above, and the way out of it."""
    await erased(lumen, await contact_of(lumen))
    second = {**settings, "database_url": empty_database_uri, "data_dir": tmp_path / "second"}
    assert "There is no list of erasures" in await dragoman("restore", backup, **second)
    places, names = await fetched(empty_database_uri, CANARY, PHONE)
    assert {"messages", "contacts"} <= places
    assert sorted(names) == ["Dana", "Zoë"]
    assert len(files_with(second["data_dir"], CANARY)) == 1

    assert "Erased again: 1" in await dragoman("contacts", "erase-again", tmp_path / "erasures.jsonl", **second)
    assert await fetched(empty_database_uri, CANARY, PHONE) == (set(), ["Zoë"])
    assert files_with(second["data_dir"], CANARY) == []


async def test_the_command_erases_by_phone_number_and_reports(lumen, backup, settings, database_uri, tmp_path):
    backup.unlink()
    said = await dragoman("contacts", "erase", f"+{PHONE}", "--yes", **settings)
    assert "messages" in said
    assert "finished 20" in said
    assert await fetched(database_uri, CANARY, PHONE) == (set(), ["Zoë"])
    assert files_with(tmp_path, CANARY) == []
    code, _, complaint = await command("contacts", "erase", f"+{PHONE}", "--yes", **settings)
    assert (code, complaint) == (1, "dragoman: there is no contact with this phone number\n")
    code, said, _ = await command("contacts", "erase", f"+{PHONE}", **settings)
    assert code == 1
    assert "There is no way back" in said


def test_a_line_that_was_cut_off_is_written_again(tmp_path):
    path = tmp_path / "erasures.jsonl"
    one, two = (tombstones.Tombstone(uuid4(), uuid4(), uuid4(), [uuid4()], datetime.now(UTC)) for _ in range(2))
    tombstones.add(path, [one, two])
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    assert tombstones.read(path) == [one]
    tombstones.add(path, [one, two])
    assert path.read_bytes() == whole
