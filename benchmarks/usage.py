"""What processes use, as Linux tells: CPU seconds and memory, for a process and all that it started."""

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PPID, _UTIME, _CUTIME, _RSS = 1, 11, 13, 21
"""Places in /proc/PID/stat, counted from the state, which follows the name."""
_IDLE = slice(3, 5)
"""Where the time without work stands in /proc/stat: with nothing to do, and waiting for the disk."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process. cpu: seconds of its own; ended: those of its children that have ended; rss: bytes."""

    pid: int
    parent: int
    cpu: float
    ended: float
    rss: int


def trees(roots: Iterable[int]) -> dict[int, list[Process]]:
    """Returns, for each of the processes, itself first and then everything under it that is alive."""
    alive = {each.pid: each for each in _alive()}
    children: dict[int, list[int]] = defaultdict(list)
    for each in alive.values():
        children[each.parent].append(each.pid)
    return {root: [alive[pid] for pid in _under(root, children) if pid in alive] for root in roots}


def role(process: Process) -> str:
    """Returns what a process under a worker does, by its command line: "reader", or else "pool"."""
    try:
        command = Path(f"/proc/{process.pid}/cmdline").read_text().replace("\0", " ")
    except OSError:  # it has ended meanwhile
        return "pool"
    return "reader" if "reader" in command else "pool"


def cpu(processes: Iterable[Process]) -> float:
    """Returns the CPU seconds of processes, and of their children that have ended."""
    return sum(each.cpu + each.ended for each in processes)


def machine() -> float:
    """Returns the CPU seconds that this machine has worked since it was started, or that its host kept from it."""
    ticks = [int(each) for each in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(ticks) - sum(ticks[_IDLE])) / _TICKS


def _under(root: int, children: dict[int, list[int]]) -> list[int]:
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def _alive() -> Iterable[Process]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            line = path.read_text()
        except OSError:  # it has ended meanwhile
            continue
        fields = line.rpartition(")")[2].split()
        own, ended = (sum(map(int, fields[at : at + 2])) / _TICKS for at in (_UTIME, _CUTIME))
        yield Process(int(path.parent.name), int(fields[_PPID]), own, ended, int(fields[_RSS]) * _PAGE)
