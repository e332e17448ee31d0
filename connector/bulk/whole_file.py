"""Writes a file so that it is there whole or not at all: first beside its name, then in its place once complete."""

import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedRandom
from pathlib import Path
from typing import BinaryIO

_DESCRIPTOR = re.compile(r"/proc/(\d+)/(?:task/\d+/)?fd/(\d+)")
_OPENED_BY_NAME = re.compile(r"/proc/|/dev/(?!shm/)")  # /dev/shm holds files as any folder does
_MOST_LINKS = 40  # as many as Linux follows
_NO_ROOM_BESIDE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG}
_NO_TAKING_THE_PLACE = {errno.EXDEV, errno.EBUSY, errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.EMLINK}
_NOT_FOR_FOLDERS = {errno.EACCES, errno.EINVAL, errno.EOPNOTSUPP}


@contextmanager
def written_whole(target: Path, *, new: bool = False) -> Iterator[BinaryIO]:
    """Yields the file to write to, which takes the target's place at the end. Raises OSError.

    Where the block raises, what was there before stays as it was. A link stays a link, to the new content. With `new`,
    a target that is there raises FileExistsError. Three kinds of target are written to directly: one that is no regular
    file or is reached through /dev or /proc, and one beside which no file can be made, both of which may be left in
    part where the block raises; and a file that no other can replace, into which the whole content is copied at the
    end.
    """
    if new and os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    final = Path(os.path.realpath(target))
    beside = None if _has_no_place(target) else _beside(final)
    with _directly(target, new=new) if beside is None else _in_place_of(final, beside, new=new) as file:
        yield file


def clear_left(folder: Path, names: str) -> None:
    """Deletes the partial files that ended processes have left in a folder, as far as it may; raises no OSError.

    names: a regular expression for the names of the whole files.
    """
    form = re.compile(rf"(?:{names})\.\d+\.partial")
    with suppress(OSError):
        for each in folder.iterdir():
            if form.fullmatch(each.name):
                _clear(each)


def _clear(partial: Path) -> None:
    """Deletes a regular file unless a process holds its lock.

    The process id in its name would not tell: containers that share a folder have process ids of their own.
    """
    with suppress(OSError):
        handle = os.open(partial, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if stat.S_ISREG(os.fstat(handle).st_mode):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _unlink_if_it_is(partial, handle)
        finally:
            os.close(handle)


def _unlink_if_it_is(path: Path, handle: int) -> None:
    with suppress(OSError):
        if os.path.samestat(path.lstat(), os.fstat(handle)):
            path.unlink()


def _steps(target: Path) -> Iterator[Path]:
    """Yields the target, and then what its link leads to, link by link, up to 40 of them."""
    for _ in range(_MOST_LINKS):
        target = Path(os.path.realpath(target.parent), target.name)
        yield target
        if not target.is_symlink():
            return
        target = target.parent / target.readlink()


def _has_no_place(target: Path) -> bool:
    if target.exists() and not target.is_file():
        return True
    return any(_OPENED_BY_NAME.match(str(each)) for each in _steps(target))


def _beside(final: Path) -> BufferedRandom | None:
    """Makes a file beside the final one, locked for as long as it is open; returns None where none can be made."""
    clear_left(final.parent, re.escape(final.name))
    mode, number = 0o600 if final.exists() else 0o666, os.getpid()
    while True:
        try:
            partial = final.with_name(f"{final.name}.{number}.partial")
            file = open(partial, "x+b", opener=lambda path, flags: os.open(path, flags, mode))  # noqa: SIM115
        except FileExistsError:  # a process of another container, or a thread of this one, is writing it
            number = secrets.randbelow(10**9)
            continue
        except OSError as error:
            if error.errno in _NO_ROOM_BESIDE:
                return None
            raise
        with suppress(OSError):  # on a file system without locks `_clear` fails too, and deletes nothing
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # another process deleted it, as one that was left, before it was locked


@contextmanager
def _in_place_of(final: Path, beside: BufferedRandom, *, new: bool) -> Iterator[BinaryIO]:
    with beside:
        try:
            yield beside
            beside.flush()
            _take_place(final, beside, new=new)
            _names_to_disk(final.parent)
        finally:
            _unlink_if_it_is(Path(beside.name), beside.fileno())


def _take_place(final: Path, beside: BufferedRandom, *, new: bool) -> None:
    try:
        if new:
            os.fsync(beside.fileno())
            os.link(beside.name, final)  # unlike a rename it replaces nothing
            return
        _take_rights(final, beside.fileno())
        os.fsync(beside.fileno())
        Path(beside.name).replace(final)
    except OSError as error:
        if error.errno not in _NO_TAKING_THE_PLACE:
            raise
        beside.seek(0)
        with _directly(final, new=new) as file:
            shutil.copyfileobj(beside, file)


def _take_rights(final: Path, handle: int) -> None:
    """Gives a file the owner and the mode of the one it replaces. Raises OSError where the owner cannot be kept."""
    if final.exists():
        is_now, own = final.stat(), os.fstat(handle)
        if (is_now.st_uid, is_now.st_gid) != (own.st_uid, own.st_gid):
            os.fchown(handle, is_now.st_uid, is_now.st_gid)
        os.fchmod(handle, stat.S_IMODE(is_now.st_mode))


@contextmanager
def _directly(target: Path, *, new: bool) -> Iterator[BinaryIO]:
    with _opened(target, new=new) as file:
        try:
            yield file
            file.flush()
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                os.fsync(file.fileno())
        except BaseException:
            if new:
                _unlink_if_it_is(target, file.fileno())
            raise


def _opened(target: Path, *, new: bool) -> BinaryIO:
    """Opens the target to write to it; a file that is there is emptied, or refused with `new`.

    A target that is an open descriptor, such as a shell's redirection, is not opened anew, which would empty it:
    writing goes on where this process's own descriptor stands, or at the end of the file for another process's.
    """
    for step in _steps(target):
        if found := _DESCRIPTOR.fullmatch(str(step)):
            mine = int(found[1]) == os.getpid()
            return os.fdopen(os.dup(int(found[2])), "wb") if mine else target.open("ab")
    return target.open("xb" if new else "wb")


def _names_to_disk(folder: Path) -> None:
    """Waits until the names in a folder are on the disk, unless it may not be read or its file system cannot do so."""
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NOT_FOR_FOLDERS:
            raise
