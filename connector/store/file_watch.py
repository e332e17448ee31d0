"""Knows whether the files that SQLite has open are still those at the configured path.

SQLite itself goes on in a file that was deleted, moved or replaced under it, and says that all is well: whatever is
committed then is gone with the process. So each transaction looks before it begins, and what writes looks again once
it has committed. A file that is still open keeps its number (inode), so no other one can be taken for it.
"""

import logging
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple
from weakref import WeakSet, WeakValueDictionary

from sqlalchemy import Engine, event

from connector.errors import StoreFileError

log = logging.getLogger(__name__)
"""A plain logger, not structlog: a command opens the store without it, and `log.configure` shows both alike."""
_Number = tuple[int, int]
_AGAIN = "stop every program that uses it, put the right files there, and start again; until then nothing is taken in"


class FileNumbers(NamedTuple):
    """The files at the path: device and inode of the database and of the -wal beside it; None for no file."""

    main: _Number | None
    wal: _Number | None


class FileWatch:
    """Watches one file for all engines of this process that have it open; used by several threads."""

    def __init__(self, path: Path) -> None:
        """Begins without an open file. path: the configured one, absolute."""
        self._path = path
        self._wal = Path(f"{path}-wal")
        self._engines: WeakSet[Engine] = WeakSet()
        self._open: set[int] = set()
        self._said = ""
        self._lock = RLock()
        self.numbers = FileNumbers(None, None)

    def attach(self, engine: Engine) -> None:
        """Listens for the engine's connections being opened and closed; their pragmas have been set by then."""
        self._engines.add(engine)
        event.listen(engine, "connect", self._opened)
        event.listen(engine, "close", self._closed)

    def check(self) -> None:
        """Raises StoreFileError where the open file is not the one at the path.

        Another database that was put there whole is opened in its place, and an error is logged.
        """
        with self._lock:
            if not self._open:
                return
            now = self._look()
            if now == self.numbers:
                self._said = ""
            elif _is_another(now, self.numbers):
                self._reopen()
            else:
                self._refuse(now)

    def check_kept(self, opened: FileNumbers) -> None:
        """Raises StoreFileError where the files that were committed to are no longer at the path."""
        now = self._look()
        if now != opened:
            self._refuse(now)

    def is_in_place(self) -> bool:
        """Says whether the open file is the one at the path."""
        return self._look() == self.numbers

    def _opened(self, connection: Any, _: Any) -> None:
        with self._lock:
            now = self._look()
            if self._open and now != self.numbers:
                connection.close()
                self._refuse(now)
            self.numbers = now
            self._open.add(id(connection))

    def _closed(self, connection: Any, _: Any) -> None:
        with self._lock:
            self._open.discard(id(connection))

    def _reopen(self) -> None:
        what = "this program goes on in the new one, and what was in the old one is not there"
        log.error("the store's file %s was replaced while it was open: %s", self._path, what)
        self._open.clear()
        for each in list(self._engines):
            each.dispose()

    def _refuse(self, now: FileNumbers) -> None:
        error = StoreFileError(self._sentence(now))
        if str(error) != self._said:
            self._said = str(error)
            log.error("the store cannot be used: %s", self._said)
        raise error

    def _sentence(self, now: FileNumbers) -> str:
        if now.main is None:
            return (
                f"the store's file {self._path} was deleted or moved away while it was open: put it back, or {_AGAIN}"
            )
        if now.main == self.numbers.main:
            return (
                f"the file {self._wal} was deleted or replaced while it was open: stop every program that uses the "
                "store, and start again; the last one that ends writes what it has into the store's file itself"
            )
        return (
            f"the store's file {self._path} was replaced while it was open, and {self._wal.name} is still that of the "
            f"old one: {_AGAIN}, without that -wal and the -shm"
        )

    def _look(self) -> FileNumbers:
        return FileNumbers(_number(self._path), _number(self._wal))


_WATCHES: WeakValueDictionary[Path, FileWatch] = WeakValueDictionary()
_WATCHES_LOCK = RLock()


def watch_of(path: Path) -> FileWatch:
    """Returns the only watch of a file in this process: no later opening must make anew a file that others lost."""
    absolute = path.absolute()
    with _WATCHES_LOCK:
        found = _WATCHES.get(absolute)
        if found is None:
            found = _WATCHES[absolute] = FileWatch(absolute)
        return found


def _is_another(now: FileNumbers, opened: FileNumbers) -> bool:
    """Says whether another database is there without the -wal of ours, which would be played into it."""
    return now.main not in (None, opened.main) and (now.wal is None or now.wal != opened.wal)


def _number(path: Path) -> _Number | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
