"""Records on this machine that a process lives, for health checks that must not depend on the store or the broker.

Each process touches a file of its own every few seconds. The files lie in a folder that only its user can write to. A
check compares the time of the newest one with the clock: so it is fast, and no worker is killed for a store that fails.
"""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from time import time

FOLDER_VARIABLE = "CONNECTOR_ALIVE_DIR"
_STALE_SECONDS = 86_400.0


def folder() -> Path:
    """Returns the folder of the files: below the one that CONNECTOR_ALIVE_DIR names, else below the temporary one."""
    return Path(os.environ.get(FOLDER_VARIABLE) or tempfile.gettempdir()) / f"connector-{os.getuid()}"


def file_of(role: str, pid: int) -> Path:
    """Returns the file that the process `pid` touches in the role `role`."""
    return folder() / f"{role}.{pid}"


def note(file: Path) -> None:
    """Records in its file that a process lives: touches the file, and makes it where there is none.

    Where that cannot be done nothing is raised: the check then finds the file too old, or missing.
    """
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, exist_ok=True)
        if not _is_ours(file.parent):
            return
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        os.utime(file, follow_symlinks=False)


def forget(file: Path) -> None:
    """Removes the file of a process that ends in order, and all files that have not been touched for a day."""
    with suppress(OSError):
        file.unlink(missing_ok=True)
        old = time() - _STALE_SECONDS
        for each in file.parent.iterdir():
            if each.lstat().st_mtime < old:
                each.unlink(missing_ok=True)


def seconds_since(role: str) -> float | None:
    """Returns how many seconds ago a process of this role last touched its file; None where there is no such file.

    None also where the folder is another user's or cannot be read.
    """
    try:
        if not _is_ours(folder()):
            return None
        times = [each.lstat().st_mtime for each in folder().glob(f"{role}.*")]
    except OSError:
        return None
    return max(time() - max(times), 0.0) if times else None


def _is_ours(place: Path) -> bool:
    """Says whether the folder is a real one of this user: anybody may have made one of that name in /tmp.

    Raises OSError where there is none.
    """
    found = place.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
