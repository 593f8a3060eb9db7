"""`dragoman backup` and `dragoman restore`: everything but the key, in one file.

The file is a tar archive of `manifest.json`, `database.dump` (pg_dump's custom format) and the folder `media`. The database is dumped
before media are read, so that every file which the dump knows of is there.
"""

import asyncio
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

import msgspec
import psycopg
import typer
from psycopg.rows import dict_row

from dragoman import settings
from dragoman.accounts.secrets import KEY_FILE, Unopenable, Vault, load_key
from dragoman.cli import backup_queries as queries
from dragoman.cli.contacts import erased_again
from dragoman.cli.running import DataDir
from dragoman.clock import Clock
from dragoman.conversations import erasing_rest, tombstones
from dragoman.conversations.services import Services
from dragoman.conversations.tombstones import Tombstone
from dragoman.errors import Conflict, Invalid
from dragoman.settings import Settings
from dragoman.store import dumping, embedded, migrate
from dragoman.store.opening import opened

MANIFEST, DUMP, MEDIA = "manifest.json", "database.dump", "media"
PLACE = ("backup", "manifest", "proof")
PROOF = b"the key of this backup"
ASIDE = "it was under way when the backup was made, and was laid aside at the restore"
LIKELY_SENT = "it was being sent when the backup was made; whether the customer has it is not known"


class Manifest(msgspec.Struct, frozen=True):
    """`proof` opens under the key that the backup was made with, and says nothing else."""

    dragoman: str
    schema: str
    made_at: str
    media: bool
    proof: str


def backup(file: Annotated[Path, typer.Argument(help="Where to write it; must not exist")], data_dir: DataDir = None) -> None:
    """Write database and media into one file, while the server runs. The secret key is not in it: keep that elsewhere."""
    loaded = settings.load(data_dir=data_dir)
    if file.exists():
        raise Invalid(f"{file} exists already; a backup overwrites nothing", field="file")
    vault = Vault(_key(loaded))
    media = asyncio.run(_back_up(loaded, vault, file))
    typer.echo(f"{file} holds the database{' and the media' if media else ''} ({file.stat().st_size / 1024**2:.1f} MB).")
    if not media:
        typer.echo(f"Media lie in {loaded.media_url} and are not in it: back up the bucket by its own means.")
    where = "DRAGOMAN_SECRET_KEY" if loaded.secret_key else str(loaded.data_dir / KEY_FILE)
    typer.echo(f"The secret key ({where}) is NOT in it, and without the key it cannot be used. Keep the key, and keep it in another place.")


async def _back_up(loaded: Settings, vault: Vault, file: Path) -> bool:
    uri = loaded.database_url or await embedded.start(loaded.data_dir)
    schema = await migrate.current(uri)
    if schema is None:
        raise Conflict("there is nothing in the database yet")
    media = _media_folder(loaded)
    manifest = Manifest(version("dragoman"), schema, Clock().now().isoformat(), media is not None, vault.seal(PROOF, *PLACE).hex())
    with _unfinished(file) as draft:
        dump = draft / DUMP
        await dumping.dump(uri, dump)
        (draft / MANIFEST).write_bytes(msgspec.json.encode(manifest))
        await asyncio.to_thread(_pack, draft, media)
        os.rename(draft / "backup.tar", file)
    return media is not None


@contextmanager
def _unfinished(file: Path) -> Iterator[Path]:
    """A private folder beside the file, on the same disk."""
    with tempfile.TemporaryDirectory(prefix=f".{file.name}-", dir=file.absolute().parent) as folder:
        yield Path(folder)


def _pack(draft: Path, media: Path | None) -> None:
    descriptor = os.open(draft / "backup.tar", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        with tarfile.open(fileobj=out, mode="w") as archive:
            archive.add(draft / MANIFEST, MANIFEST)
            archive.add(draft / DUMP, DUMP)
            if media and media.exists():
                _pack_media(archive, media)
        out.flush()
        os.fsync(out.fileno())


def _pack_media(archive: tarfile.TarFile, media: Path) -> None:
    for path in sorted(media.rglob("*")):
        with suppress(FileNotFoundError):  # a draft that has got its name meanwhile, or a file that was deleted after the dump
            if path.is_file():
                archive.add(path, f"{MEDIA}/{path.relative_to(media)}", recursive=False)


def restore(
    file: Annotated[Path, typer.Argument(help="What `dragoman backup` wrote", exists=True, dir_okay=False)],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what was under way: right when nothing has run since the backup was made")
    ] = False,
    erasures: Annotated[
        Path | None, typer.Option(help="Who was erased, by then or since [default: erasures.jsonl in the data directory]", exists=True)
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Put a backup into a new data directory or an empty database. The key it was made with must be there first.

    What was being answered or sent when the backup was made is laid aside, because it was probably done since: the timeline shows it,
    and failed deliveries can be replayed. With --resume it goes on instead. Who was erased since it was made is erased again.
    """
    loaded = settings.load(data_dir=data_dir)
    vault = Vault(_key(loaded))
    listed = tombstones.read(erasures or tombstones.place(loaded))  # a list that cannot be read stops the restore before it begins
    try:
        with tarfile.open(file) as archive:
            told = asyncio.run(_restore(loaded, vault, archive, resume))
    except (tarfile.TarError, KeyError):  # not an archive, or one with something missing
        raise Invalid(f"{file} is not a backup made by `dragoman backup`", field="file") from None
    typer.echo(told)
    typer.echo(asyncio.run(_erase_again(loaded, listed, erasures or tombstones.place(loaded))))


async def _erase_again(loaded: Settings, listed: list[Tombstone], file: Path) -> str:
    """Who was erased stays erased, and the list goes on."""
    async with opened(loaded, largest=2) as db:
        count = await erasing_rest.again(Services.make(loaded, Clock(), db, _key(loaded)), listed)
        tombstones.add(tombstones.place(loaded), [*listed, *await erasing_rest.known(db)])
    if not listed:
        return f"There is no list of erasures in {file}: who was erased since the backup was made is back (see `dragoman contacts erase-again`)."
    return erased_again(listed, count)


async def _restore(loaded: Settings, vault: Vault, archive: tarfile.TarFile, resume: bool) -> str:
    manifest = _manifest(archive, vault)
    uri = loaded.database_url or await embedded.start(loaded.data_dir)
    media = _media_folder(loaded)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=_made(loaded.data_dir)) as folder:
        archive.extract(DUMP, folder, filter="data")
        await dumping.load(uri, Path(folder) / DUMP)
    if media and manifest.media:
        await asyncio.to_thread(_unpack, archive, _made(media).parent, media)
    await migrate.upgrade(uri)
    done = f"The backup of {manifest.made_at[:16].replace('T', ' ')} UTC is restored."
    if resume:
        return f"{done} What was under way goes on when the server starts."
    counts = await _lay_aside(uri)
    return f"{done} Laid aside: {', '.join(f'{number} {what}' for what, number in counts.items() if number) or 'nothing'}."


async def _lay_aside(uri: str) -> dict[str, int]:
    values = {"now": Clock().now(), "cause": ASIDE, "likely": LIKELY_SENT}
    counts = {}
    async with await psycopg.AsyncConnection.connect(uri, row_factory=dict_row) as connection:
        for what, query in queries.ASIDE.items():
            counts[what] = (await connection.execute(query, values)).rowcount
        await connection.execute(queries.AT_REST, values)
    return counts


def _manifest(archive: tarfile.TarFile, vault: Vault) -> Manifest:
    """Raises Invalid when it is no backup of ours, one of a newer program, or made with another key."""
    try:
        inside = archive.extractfile(MANIFEST)
        manifest = msgspec.json.decode(inside.read() if inside else b"", type=Manifest)
    except (KeyError, msgspec.DecodeError):
        raise Invalid("this is not a backup made by `dragoman backup`", field="file") from None
    if manifest.schema not in migrate.revisions():
        raise Invalid(f"the backup was made by Dragoman {manifest.dragoman}, which is newer than this one", field="file")
    try:
        vault.open(bytes.fromhex(manifest.proof), *PLACE)
    except (Unopenable, ValueError):
        raise Invalid("the backup was made with another secret key; set DRAGOMAN_SECRET_KEY to that one", field="file") from None
    return manifest


def _unpack(archive: tarfile.TarFile, parent: Path, media: Path) -> None:
    for member in archive.getmembers():
        if member.isfile() and member.name.startswith(f"{MEDIA}/"):
            member.name = f"{media.name}/{member.name.removeprefix(f'{MEDIA}/')}"
            archive.extract(member, parent, filter="data")


def _key(loaded: Settings) -> str:
    """The key that is there: neither a backup nor a restore may make one."""
    path = loaded.data_dir / KEY_FILE
    if loaded.secret_key is None and loaded.embedded and not path.exists():
        raise Invalid(f"there is no key in {path}; put the key of the backup there, or set DRAGOMAN_SECRET_KEY", field="key")
    return load_key(loaded)


def _media_folder(loaded: Settings) -> Path | None:
    if not loaded.media_url:
        return loaded.data_dir.resolve() / MEDIA
    parts: Any = urlsplit(loaded.media_url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
