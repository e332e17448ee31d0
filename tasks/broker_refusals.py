"""What RabbitMQ refuses: said in a line that tells what to do, once a minute, and tried again with growing pauses."""

from collections.abc import Callable
from time import monotonic

import structlog
from celery.worker.state import maybe_shutdown

from connector.broker import refusals
from tasks.base import settings
from tasks.worker import rest

log = structlog.get_logger(__name__)
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 30.0
_SAY_SECONDS = 60.0


class RefusedByBroker:
    """Waits, with growing pauses, for what an operator has to mend."""

    def __init__(self) -> None:
        """Has said nothing yet."""
        self._pause = _FIRST_PAUSE_SECONDS
        self._said: tuple[str, float] = ("", 0.0)

    def say(self, error: BaseException, queue: str = "") -> float:
        """Says what to do, once a minute. Returns the seconds to wait for, more each time."""
        words = refusals.advice(error, settings().broker, queue)
        if self._said[0] != words or monotonic() - self._said[1] >= _SAY_SECONDS:
            self._said = (words, monotonic())
            log.error(words)
        pause, self._pause = self._pause, min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
        return pause

    def wait(self, error: BaseException, queue: str = "", alive: Callable[[], object] = lambda: None) -> None:
        """Says what to do, and waits. Raises WorkerShutdown where the worker is told to end.

        alive: called while it waits, so that the connection does not break meanwhile.
        """
        rest(self.say(error, queue), alive)
        maybe_shutdown()

    def end(self) -> None:
        """Notes that it goes on: the next pause is a short one again."""
        self._pause, self._said = _FIRST_PAUSE_SECONDS, ("", 0.0)
