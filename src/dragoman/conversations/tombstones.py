"""Who was erased, in a file beside the database: a backup of yesterday does not know, and would bring them back.

A line holds ids and a time, nothing of the person.
"""

import fcntl
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec

from dragoman.errors import Invalid
from dragoman.settings import Settings

FILE = "erasures.jsonl"


class Tombstone(msgspec.Struct, frozen=True):
    """`contact_id` is the one by which it was asked for, `contacts` all that were the person."""

    id: UUID
    organisation_id: UUID
    contact_id: UUID
    contacts: Sequence[UUID]
    asked_at: datetime


def place(settings: Settings) -> Path:
    return settings.data_dir / FILE


def read(path: Path) -> list[Tombstone]:
    """Each once; none when there is no file. Raises Invalid for a line that is none, but for a last one that a crash cut off."""
    return _read(path, path.read_bytes()) if path.exists() else []


def add(path: Path, new: Sequence[Tombstone]) -> None:
    """Append those that are not there yet; on the disk when this returns."""
    if not new:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # other threads and processes do the same
        lines = file.readall()
        known = {one.id for one in _read(path, lines)}
        file.truncate(lines.rfind(b"\n") + 1)
        file.seek(0, os.SEEK_END)
        file.write(b"".join(msgspec.json.encode(one) + b"\n" for one in new if one.id not in known))
        os.fsync(descriptor)
    _to_disk(path.parent)


def _read(path: Path, text: bytes) -> list[Tombstone]:
    *lines, _ = text.split(b"\n")  # what has no end was cut off, and is written again
    found: dict[UUID, Tombstone] = {}
    for number, line in enumerate(filter(None, lines), 1):
        try:
            one = msgspec.json.decode(line, type=Tombstone)
        except msgspec.DecodeError:
            raise Invalid(f"{path}: line {number} is none of a list of erasures", field="erasures") from None
        found[one.id] = one
    return list(found.values())


def _to_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
