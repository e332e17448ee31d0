"""A thread of a process that goes on with something beside its work until it is closed."""

import threading
from abc import ABC, abstractmethod
from typing import Self

_END_SECONDS = 2.0


class BackgroundThread(ABC):
    """The thread; `run` is what it does."""

    def __init__(self, name: str) -> None:
        """Does nothing yet; name: the thread's."""
        self.stop = threading.Event()
        self._thread = threading.Thread(target=self.run, name=name, daemon=True)

    @abstractmethod
    def run(self) -> None:
        """Goes on until `stop` is set."""

    def start(self) -> Self:
        """Starts the thread, and returns this."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Ends the thread. What does not answer is not waited for: a store that is away, a channel."""
        self.stop.set()
        self._thread.join(_END_SECONDS)
