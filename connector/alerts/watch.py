"""Takes turns of alerts in processes that beat does not ring: so somebody tells that beat or workers are gone."""

import threading

import structlog

from connector.alerts.turn import AlertTurn
from connector.errors import StoreError
from connector.settings.schema import Settings
from connector.store.engine import Store

log = structlog.get_logger(__name__)
_EVERY_SECONDS = 60.0
_END_SECONDS = 2.0


class AlertThread:
    """A thread that takes a turn once a minute. Others may do so too: one at a time does."""

    def __init__(self, settings: Settings, store: Store, every_seconds: float = _EVERY_SECONDS) -> None:
        """Takes none yet."""
        self._turn = AlertTurn(settings, store)
        self._every = every_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> "AlertThread":
        """Starts the thread, and returns this."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Ends the thread. A channel that does not answer is not waited for."""
        self._stop.set()
        self._thread.join(_END_SECONDS)

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self._turn.take(self._stop.is_set)
            except StoreError as error:
                log.debug("no turn of alerts: the store fails, which others say", reason=str(error))
            except Exception:
                log.exception("a turn of alerts failed")
