"""Writes a file so that it is there whole or not at all: beside it first, and in its place once it is complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copymode


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """Yields the path to write to; it takes the target's place at the end. Raises OSError.

    Where the block raises, what was there before stays as it was. A link stays a link, to the new content. What is no
    file, such as a pipe or a device, has no place to be taken, and is written to directly.
    """
    if target.exists() and not target.is_file():
        yield target
        return
    final = target.resolve()
    partial = final.with_name(f"{final.name}.{os.getpid()}.partial")
    try:
        yield partial
        if final.exists():
            copymode(final, partial)
        to_disk(partial)
        partial.replace(final)
        to_disk(final.parent)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def to_disk(path: Path) -> None:
    """Waits until a file's content, or a directory's names, are on the disk. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
