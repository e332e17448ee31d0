"""The numbers of messages in the queues, as the broker gave them a moment ago, so that nobody waits long for them."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic, time

from connector.errors import ConnectorError

_KEPT_SECONDS = 3.0
_PATIENCE_SECONDS = 0.5
_SILENT_SECONDS = 20.0
"""An answer that is older than this is not used any more."""
Ask = Callable[[], Mapping[str, int]]
"""A function that asks the broker how many messages wait in each queue. It raises ConnectorError."""


@dataclass(slots=True)
class RecentDepths:
    """The latest answer of the broker, which a thread of its own asks, one question at a time and seconds apart.

    empty_at: when each queue was last seen empty, in unix seconds: what waits in it came later.
    """

    empty_at: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _answered: threading.Event = field(default_factory=threading.Event)
    _asking: bool = False
    _depths: Mapping[str, int] = field(default_factory=dict)
    _error: str = "RabbitMQ has not answered yet"
    _at: float = float("-inf")

    def get(self, ask: Ask, patience: float = _PATIENCE_SECONDS) -> Mapping[str, int]:
        """Returns the broker's latest answer, and has it asked anew in the background where that is 3 seconds old.

        Args:
            ask: Asks the broker.
            patience: The longest wait for a new answer, in seconds, where the latest is more than 20 seconds old.

        Raises:
            ConnectorError: The broker has not answered for 20 seconds, or could not be asked the last time.
        """
        if self._begins():
            threading.Thread(target=self._ask, args=(ask,), name="depths", daemon=True).start()
        if monotonic() - self._at > _SILENT_SECONDS:
            self._answered.wait(patience)
        with self._lock:
            if self._error:
                raise ConnectorError(self._error)
            if monotonic() - self._at > _SILENT_SECONDS:
                raise ConnectorError("RabbitMQ does not answer")
            return self._depths

    def _begins(self) -> bool:
        with self._lock:
            if self._asking or monotonic() - self._at < _KEPT_SECONDS:
                return False
            self._asking = True
            self._answered.clear()
            return True

    def _ask(self, ask: Ask) -> None:
        depths: Mapping[str, int] = {}
        error = "RabbitMQ could not be asked"
        try:
            depths, error = ask(), ""
        except ConnectorError as failed:
            error = str(failed)
        finally:
            with self._lock:
                self._depths, self._error, self._at, self._asking = depths, error, monotonic(), False
                self.empty_at.update((name, time()) for name, waiting in depths.items() if not waiting)
            self._answered.set()
