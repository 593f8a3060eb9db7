"""Disks that are small, on which a server lives. Only root can make one; `make faults` gives each run a place of its own for that."""

import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

BLOCK = 1 << 16


class Disk:
    """A file system of its own, mounted on `folder`."""

    def __init__(self, folder):
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self):
        """To the last byte."""
        with self._ballast.open("ab", buffering=0) as file:
            for block in (b"\0" * BLOCK, b"\0" * 512):
                try:
                    while file.write(block) == len(block):
                        pass
                except OSError:
                    continue

    def free(self):
        return shutil.disk_usage(self.folder).free

    def make_room(self):
        self._ballast.unlink()


@contextmanager
def small_disk(megabytes):
    """For the length of a block."""
    # Not in pytest's own folder: PostgreSQL of a root user runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="dragoman-disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "dragoman", folder], check=True)
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()
