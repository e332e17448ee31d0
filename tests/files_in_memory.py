"""Keeps what tests write in memory, where there is room: a store that waits for the disk at each commit idles a core.

Nothing that a test claims rests on the disk: whoever is killed in one leaves what the kernel has, on a disk or not.
"""

import os
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ROOM_BYTES, _SPARE_BYTES = 4 << 30, 8 << 30
"""What the whole suite writes at most, with room to spare; and what must be free of the machine's memory."""


def keep_there() -> None:
    """Has this process and those that it starts make their files there, unless TMPDIR says where."""
    if "TMPDIR" not in os.environ and _has_room():
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None  # it may have been looked up by now


def _has_room() -> bool:
    try:
        found = os.statvfs(_MEMORY)
    except OSError:
        return False
    runs_programs = not found.f_flag & os.ST_NOEXEC  # the tests of the package install some
    return runs_programs and found.f_bavail * found.f_frsize >= _ROOM_BYTES and _free_bytes() >= _SPARE_BYTES


def _free_bytes() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), 0)
