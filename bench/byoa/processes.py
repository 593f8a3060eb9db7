"""What a tree of processes uses: processor seconds and memory, read from /proc while a load runs."""

import os
import threading
from collections import defaultdict
from pathlib import Path

HZ = os.sysconf("SC_CLK_TCK")


def _fields(pid):
    """The fields of /proc/PID/stat behind the command's name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()


def tree(roots):
    children = defaultdict(list)
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                children[int(_fields(entry)[1])].append(int(entry))
            except OSError:
                continue
    found, todo = [], list(roots)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.append(pid)
            todo += children[pid]
    return found


def cpu(pid):
    try:
        fields = _fields(pid)
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / HZ


def memory(pid):
    """MiB of this process alone; what it shares with others is divided among them."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


class Watch(threading.Thread):
    """Looks once a second at the trees below `roots`, a name for each."""

    def __init__(self, roots):
        super().__init__(daemon=True)
        self._roots = roots
        self._first, self._last = {}, {}
        self._peak = dict.fromkeys(roots, 0.0)
        self._stop = threading.Event()
        self._look(first=True)

    def _look(self, *, first=False):
        for name, root in self._roots.items():
            total = 0.0
            for pid in tree([root]):
                used = cpu(pid)
                if used is not None:
                    self._first.setdefault((name, pid), used if first else 0.0)
                    self._last[name, pid] = used
                total += memory(pid)
            self._peak[name] = max(self._peak[name], total)

    def run(self):
        while not self._stop.wait(1.0):
            self._look()

    def finish(self):
        """By name: processor seconds since the beginning, and the most MiB."""
        self._stop.set()
        self._look()
        used = defaultdict(float)
        for (name, pid), last in self._last.items():
            used[name] += last - self._first[name, pid]
        return {name: {"cpu_s": round(used[name], 2), "mib": round(self._peak[name])} for name in self._roots}
