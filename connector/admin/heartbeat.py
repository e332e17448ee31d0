"""Says that this process lives, every few seconds: in the store for everybody, and in a file for health checks."""

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
    """A thread that says so as long as `lives` says so too. The store may be away: then only the file is touched."""

    def __init__(self, store: Store, role: str, lives: Callable[[], bool] = lambda: True, pid: int = 0) -> None:
        """Says nothing yet.

        Args:
            store: The store to say it in.
            role: What this process does: worker, beat, web or run.
            lives: Whether the process goes on with what it is for; while it does not, nothing is said.
            pid: The process to speak for, 0 for this one.
        """
        super().__init__("heartbeat")
        self._store = store
        self._role = role
        self._lives = lives
        pid = pid or os.getpid()
        self._name = f"{role} {os.uname().nodename} {pid}"
        self._file = liveness.file_of(role, pid)

    def run(self) -> None:
        """Says it until it is closed, and then takes away what it said."""
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
            # Others say that the store fails.
            log.debug("it cannot be noted that this process lives, or has ended", reason=str(error))


class Pulse:
    """Notes now and then that a duty which beat rings for was done: beat, broker and pool work together."""

    def __init__(self) -> None:
        """Has noted nothing yet."""
        self._again_at = 0.0

    def note(self, store: Store) -> None:
        """Notes it, unless this process has a moment ago. Raises StoreError."""
        if monotonic() < self._again_at:
            return
        with store.writing(may_be_lost=True) as tx:
            heartbeats.beat(tx, heartbeats.SWEEP, heartbeats.SWEEP, store.now(tx))
        self._again_at = monotonic() + heartbeats.BEAT_SECONDS
