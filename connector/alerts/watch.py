"""Takes turns of alerts in processes that beat does not call, so that a loss of beat or of workers is reported too."""

from time import monotonic

import structlog

from connector.alerts.turn import LATE_SECONDS, AlertTurn
from connector.background_thread import BackgroundThread
from connector.errors import StoreError
from connector.settings.schema import Settings
from connector.store.engine import Store

log = structlog.get_logger(__name__)
_EVERY_SECONDS = 20.0
"""A process is gone after 30 s of silence (`store/heartbeats`); within a minute somebody is told so."""


class AlertThread(BackgroundThread):
    """A thread that takes a turn every 20 s. Other processes may do so too, one at a time."""

    def __init__(self, settings: Settings, store: Store, every_seconds: float = _EVERY_SECONDS) -> None:
        """Does not start the thread yet."""
        super().__init__("alerts")
        self._turn = AlertTurn(settings, store)
        self._every = every_seconds

    def run(self) -> None:
        """Takes turns until it is closed."""
        due = monotonic() + self._every
        while not self.stop.wait(self._every):
            if monotonic() > due + LATE_SECONDS:
                self._turn.doubt()  # this process stood still, and perhaps the whole machine
            self._take()
            due = monotonic() + self._every

    def _take(self) -> None:
        try:
            self._turn.take(self.stop.is_set)
        except StoreError as error:
            self._turn.doubt()
            log.debug("no turn of alerts: the store fails, which others say", reason=str(error))
        except Exception:
            log.exception("a turn of alerts failed")
