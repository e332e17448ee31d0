"""Records every few seconds that this process lives: in the store for everybody, and in a file for health checks."""

import os
from collections.abc import Callable
from time import monotonic

import structlog
from sqlalchemy import Connection

from connector.admin import liveness
from connector.background_thread import BackgroundThread
from connector.errors import StoreError
from connector.store import heartbeats
from connector.store.engine import Store

log = structlog.get_logger(__name__)


class HeartbeatThread(BackgroundThread):
    """A thread that records that a process lives, while `lives` is true: in a file, and in the store if it answers."""

    def __init__(self, store: Store, role: str, lives: Callable[[], bool] = lambda: True, pid: int = 0) -> None:
        """Prepares the thread, and records nothing yet.

        Args:
            store: The store to record it in.
            role: What this process does: worker, beat, web or run.
            lives: Says whether the process goes on with its work; while it does not, nothing is recorded.
            pid: The process that is recorded, 0 for this one.
        """
        super().__init__("heartbeat")
        self._store = store
        self._role = role
        self._lives = lives
        pid = pid or os.getpid()
        self._name = f"{role} {os.uname().nodename} {pid}"
        self._file = liveness.file_of(role, pid)

    def run(self) -> None:
        """Records it every few seconds until the thread is closed, and then removes the file and the store's row."""
        while not self.stop.is_set():
            if self._lives():
                liveness.note(self._file)
                self._in_store(self._say)
            self.stop.wait(heartbeats.BEAT_SECONDS)
        liveness.forget(self._file)
        self._in_store(lambda tx: heartbeats.end(tx, self._name))

    def _say(self, tx: Connection) -> None:
        heartbeats.beat(tx, self._role, self._name, self._store.now(tx))

    def _in_store(self, write: Callable[[Connection], None]) -> None:
        try:
            with self._store.writing(may_be_lost=True) as tx:
                write(tx)
        except StoreError as error:
            # That the store fails is logged by others.
            log.debug("it cannot be noted that this process lives, or has ended", reason=str(error))


class Pulse:
    """The record, renewed every few seconds, that scheduled tasks are done: beat, broker and pool work together."""

    def __init__(self) -> None:
        """Prepares the pulse, and records nothing yet."""
        self._again_at = 0.0

    def note(self, store: Store) -> None:
        """Records it, unless this process has done so in the last seconds. Raises StoreError."""
        if monotonic() < self._again_at:
            return
        with store.writing(may_be_lost=True) as tx:
            heartbeats.beat(tx, heartbeats.SWEEP, heartbeats.SWEEP, store.now(tx))
        self._again_at = monotonic() + heartbeats.BEAT_SECONDS
