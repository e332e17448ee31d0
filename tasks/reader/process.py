"""Runs the reader as a child of its worker: starts it, restarts it with growing pauses, and ends it with the worker."""

import os
import subprocess
import sys
import threading
from time import monotonic
from typing import Any

import structlog
from celery import bootsteps

from connector.broker.queues import durable
from tasks.base import settings

log = structlog.get_logger(__name__)
NAME, DEAD, PARENT = "CONNECTOR_READER_NAME", "CONNECTOR_READER_DEAD", "CONNECTOR_READER_PARENT"
"""What the worker tells the reader: its name, that of the one before it which died, and the worker's own process."""
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 10.0
_LIVED_SECONDS = 60.0
_LAST_SECONDS = 5.0


class ReaderStep(bootsteps.StartStopStep):
    """Keeps a reader beside the worker, if the broker is one that others can publish to."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        """Is called by Celery when the worker is built."""
        super().__init__(parent, **options)
        self._keeper: Keeper | None = None

    def include_if(self, _parent: Any) -> bool:
        """Says whether there is a reader: the worker itself reads the in-process broker."""
        return durable(settings().broker.url)

    def start(self, _parent: Any) -> None:
        """Is called when the worker starts."""
        self._keeper = Keeper(settings().worker.stop_seconds)
        self._keeper.start()

    def close(self, _parent: Any) -> None:
        """Is called first of all when the worker is to end."""
        if self._keeper is not None:
            self._keeper.ask_to_end()

    def stop(self, _parent: Any) -> None:
        """Is called when the worker has ended what it had begun."""
        if self._keeper is not None:
            self._keeper.end()

    def terminate(self, _parent: Any) -> None:
        """Is called when the worker is to end at once."""
        if self._keeper is not None:
            self._keeper.end()


class Keeper:
    """A thread that starts the reader, and starts it again. The kernel ends the reader with that thread."""

    def __init__(self, stop_seconds: float) -> None:
        """Starts nothing yet; a reader has `stop_seconds` to end in order."""
        self._stop_seconds = stop_seconds
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="reader", daemon=True)
        self._child: subprocess.Popen[bytes] | None = None
        self._end_by = 0.0

    def start(self) -> None:
        """Starts the reader."""
        self._thread.start()

    def ask_to_end(self) -> None:
        """Asks the reader to end."""
        if self._ending.is_set():
            return
        self._end_by = monotonic() + self._stop_seconds
        self._ending.set()
        child = self._child
        if child is not None and child.poll() is None:
            child.terminate()

    def end(self) -> None:
        """Waits until the reader has ended, and kills it if that takes too long."""
        self.ask_to_end()
        self._thread.join(max(self._end_by - monotonic(), 0.0) + _LAST_SECONDS)
        child = self._child
        if child is not None and child.poll() is None:
            child.kill()

    def _keep(self) -> None:
        pause, number, dead = _FIRST_PAUSE_SECONDS, 0, ""
        while not self._ending.is_set():
            number += 1
            name = f"{_host()} {os.getpid()}.{number} {os.urandom(4).hex()}"
            began = monotonic()
            code = self._run(name, dead)
            dead = name
            if self._ending.is_set():
                return
            pause = _FIRST_PAUSE_SECONDS if monotonic() - began > _LIVED_SECONDS else pause
            log.error("the reader has ended: it is started again", exit_code=code, pause=pause)
            self._ending.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _run(self, name: str, dead: str) -> int:
        told = {NAME: name, DEAD: dead, PARENT: str(os.getpid())}
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tasks.reader"], env={**os.environ, **told}, stdin=subprocess.DEVNULL
        )
        if self._ending.is_set():
            self._child.terminate()
        return self._child.wait()


def _host() -> str:
    return os.uname().nodename
