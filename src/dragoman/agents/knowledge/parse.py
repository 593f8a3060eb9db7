"""The child process that reads one file: `python -m dragoman.agents.knowledge.parse`. Started by `reading`, imported by nobody.

Standard input is a line of JSON (`text.Told`) and the file; standard output is JSON (`text.Text`). A file may come from anybody and
the libraries that read it have had holes, so before the first byte of it is looked at, this process gives away what it does not
need: memory, time, files to write, the network. Before a library gets it, also the right to open any file at all.
"""

import ctypes
import importlib
import pkgutil
import sys
import zipfile
from contextlib import suppress
from typing import Any

import msgspec

from dragoman.agents.knowledge.sniffing import DAMAGED, sniff
from dragoman.agents.knowledge.text import Text, Told, Unfit

try:
    import resource
except ImportError:  # Windows has no such limits; there the parent's clock is the only one
    resource = None  # type: ignore[assignment]

MEMORY = 768 * 1024 * 1024
SECONDS = 20
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, SIGKILL = 1, 38, 9
# Libraries that load parts of themselves only when they meet something.
LIBRARIES = {"pdf": ("pypdf",), "html": ("trafilatura", "charset_normalizer")}
# What no reader does, and a file that takes one over would.
FORBIDDEN = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "ctypes.", "os.remove", "os.rename")


def main() -> None:
    confine()
    told = msgspec.json.decode(sys.stdin.buffer.readline(), type=Told)
    data = sys.stdin.buffer.read()
    sys.stdout.buffer.write(msgspec.json.encode(_read(data, told)))
    sys.stdout.buffer.flush()


def _read(data: bytes, told: Told) -> Text:
    try:
        kind = sniff(data)
        reader = _reader("text" if kind == "csv" else kind)
        lock()
        return reader.read(data, told)  # type: ignore[no-any-return]
    except Unfit as unfit:
        return Text(error=str(unfit))
    except zipfile.BadZipFile:
        return Text(error=DAMAGED)
    except MemoryError:
        return Text(error="Reading it takes more memory than is allowed.")
    except RecursionError:
        return Text(error="It is nested too deeply to be read.")
    except Exception as error:
        return Text(error=f"It is damaged or not what it seems to be; it could not be read ({type(error).__name__}).")


def _reader(kind: str) -> Any:
    """The module that reads this kind, with all that it would otherwise load later, when no file can be opened any more."""
    for package in ("encodings", *LIBRARIES.get(kind, ())):
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.", onerror=lambda name: None):
            if not module.name.endswith("__main__"):
                with suppress(ImportError):  # for another system, or for a library that is not there
                    importlib.import_module(module.name)
    return importlib.import_module(f"dragoman.agents.knowledge.readers.{kind}")


def confine() -> None:
    """Less memory, less time, no file to write, no network where the system lets us leave it, an end when the parent ends."""
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        system = ctypes.CDLL(None, use_errno=True)
        system.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
        system.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        # A namespace of its own has no network at all. Containers may forbid it; then `lock` is what keeps sockets closed.
        if system.unshare(CLONE_NEWNET) != 0:
            system.unshare(CLONE_NEWUSER | CLONE_NEWNET)


def lock() -> None:
    """From here on nothing can be opened: no file, no socket, no program."""
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(FORBIDDEN):
        raise PermissionError(f"{event} is not allowed here")


if __name__ == "__main__":
    main()
