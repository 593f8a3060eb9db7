"""Disks that are small, on which a server lives. Only root can make one; `make faults` gives each run a place of its own for that."""

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

from program import living

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


class ThinDisk(Disk):
    """One that promises more room than lies below it: what it takes is lost when it is to be kept."""

    def __init__(self, folder, below):
        super().__init__(folder)
        self._below = Disk(below)

    def fail(self):
        """From now on; what was there before is kept."""
        subprocess.run(["sync", "--file-system", self.folder], check=True)
        self._below.fill()

    def mend(self):
        """As somebody does it who has noticed: what still runs on it is ended, it is checked, and mounted again."""
        self._below.make_room()
        _unmount(self.folder)
        subprocess.run(["fsck.ext4", "-fy", self._below.folder / "image"], check=False, capture_output=True)
        _mount("-o", "loop", self._below.folder / "image", self.folder)


@contextmanager
def thin_disk(megabytes, really):
    """For the length of a block."""
    with small_disk(really) as below:
        image = below.folder / "image"
        subprocess.run(["truncate", "-s", f"{megabytes}M", image], check=True)
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
        folder = Path(tempfile.mkdtemp(prefix="dragoman-thin-"))
        _mount("-o", "loop", image, folder)
        folder.chmod(0o755)
        try:
            yield ThinDisk(folder, below.folder)
        finally:
            _unmount(folder)
            folder.rmdir()


def _mount(*words, check=True):
    subprocess.run(["mount", *words], check=check, capture_output=True)


@contextmanager
def small_disk(megabytes):
    """For the length of a block."""
    # Not in pytest's own folder: PostgreSQL of a root user runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="dragoman-disk-"))
    _mount("-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "dragoman", folder)
    try:
        yield Disk(folder)
    finally:
        _unmount(folder)
        folder.rmdir()


def _unmount(folder):
    """And end what still works there: a server that was killed leaves its PostgreSQL behind."""
    while subprocess.run(["umount", folder], check=False, capture_output=True).returncode:
        for pid, _ in living(folder):
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
