"""SIGINT and SIGTERM for a program that runs until it is told to stop."""

import signal
from queue import Empty, SimpleQueue
from typing import Any


class StopSignal:
    """Waits until one of some signals has come, and keeps that it has.

    A `threading.Event` must not be set by a signal handler: the handler runs in the main thread, and if that one is in
    the middle of `Event.wait`, both want the event's lock and the program never ends. `SimpleQueue.put` may interrupt
    anything, also itself (https://docs.python.org/3/library/queue.html#simplequeue-objects, "reentrant").
    """

    def __init__(self, *numbers: signal.Signals) -> None:
        """Handles these signals from now on: SIGINT and SIGTERM where none is named. Only the main thread may."""
        self._arrived: SimpleQueue[int] = SimpleQueue()
        self._has_come = False
        for number in numbers or (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def wait(self, seconds: float | None = None) -> bool:
        """Waits until a signal has come, or so many seconds have passed. Returns whether one has come."""
        if not self._has_come:
            try:
                self._arrived.get(timeout=seconds)
                self._has_come = True
            except Empty:
                pass
        return self._has_come

    def _note(self, number: int, _frame: Any) -> None:
        self._arrived.put(number)
