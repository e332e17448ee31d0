"""Leaves a process of a worker's pool to other workspaces while one of them does not answer.

A request to a workspace that hangs holds a process of the pool until its time-out. So the deliveries of one connection
never take all processes of a worker: at least one is left to the other connections. A delivery that finds no place ends
at once, and the one that ends next rings for its sync.

A place is a lock on a byte of an unnamed file that the pool's processes inherit. The kernel gives it back if its holder
is killed. With one connection, or one process, there is nothing to leave, and no place is asked for.
"""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from mmap import mmap
from tempfile import TemporaryFile


class PoolPlaces:
    """The places of a worker's pool. Made in the worker itself, before its processes are forked."""

    def __init__(self, connections: Mapping[str, str], processes: int) -> None:
        """Begins with every place free.

        Args:
            connections: The connection of each sync, both by name.
            processes: How many processes the pool has.
        """
        self._connections = dict(connections)
        self._syncs = sorted(connections)
        names = sorted(set(connections.values()))
        self._places = processes - 1 if len(names) > 1 and processes > 1 else 0
        self._first = {name: number * self._places for number, name in enumerate(names)}
        self._file = TemporaryFile(buffering=0)  # noqa: SIM115 - open as long as the worker lives
        self._waiting = mmap(-1, max(len(self._syncs), 1))

    def close(self) -> None:
        """Closes the file. Places that are held then are held no more."""
        self._file.close()

    @contextmanager
    def place(self, sync: str) -> Iterator[bool]:
        """Takes a place for the block, and gives it back behind it. False if none is free: then nothing is to be sent.

        A sync without a place is remembered for `take_waiting` before it is refused.
        """
        if not self._places or sync not in self._connections:
            yield True
            return
        self._note_waiting(sync, waiting=True)
        taken = self._take(self._connections[sync])
        if taken is None:
            yield False
            return
        self._note_waiting(sync, waiting=False)
        try:
            yield True
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, taken)

    def take_waiting(self, sync: str) -> list[str]:
        """Returns the syncs of the same connection that have found no place since the last call, and forgets them."""
        connection = self._connections.get(sync)
        waiting = [each for each in self._syncs if self._is_waiting(each) and self._connections[each] == connection]
        for each in waiting:
            self._note_waiting(each, waiting=False)
        return waiting

    def _take(self, connection: str) -> int | None:
        """Takes a free place of the connection. Returns it; None if there is none."""
        first = self._first[connection]
        for place in range(first, first + self._places):
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except OSError:  # another process has it
                continue
            return place
        return None

    def _is_waiting(self, sync: str) -> bool:
        return self._waiting[self._syncs.index(sync)] != 0

    def _note_waiting(self, sync: str, *, waiting: bool) -> None:
        self._waiting[self._syncs.index(sync)] = waiting


_of_worker: PoolPlaces | None = None


def open_places(connections: Mapping[str, str], processes: int) -> None:
    """Makes the places of this worker's pool. Called once, before the pool's processes are forked."""
    global _of_worker  # noqa: PLW0603 - one worker a process, and Celery hands nothing on to a task
    _of_worker = PoolPlaces(connections, processes)


@contextmanager
def place(sync: str) -> Iterator[bool]:
    """Takes a place of this worker's pool, as `PoolPlaces.place` does. Outside of a worker there is always one."""
    if _of_worker is None:
        yield True
        return
    with _of_worker.place(sync) as free:
        yield free


def take_waiting(sync: str) -> list[str]:
    """Returns the syncs that `PoolPlaces.take_waiting` returns, of this worker's pool."""
    return [] if _of_worker is None else _of_worker.take_waiting(sync)
