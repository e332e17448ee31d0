"""How a worker of a fleet begins and ends, where Celery's own way is not ours."""

import os
import signal
from collections.abc import Callable
from mmap import mmap
from threading import Timer
from typing import Any

import billiard
import billiard.pool
import structlog
from celery.signals import setup_logging, worker_shutting_down
from celery.worker.consumer import Consumer

from connector import log
from tasks.base import settings

_log = structlog.get_logger(__name__)
_LAST_SECONDS = 5.0
_flag = mmap(-1, 1)  # shared with the pool's processes, which are forked from this one
# How often, ten times a second, a process of the pool looks whether its last result was read before it ends. While the
# broker is away nobody reads it, and each would wait for 30 s. What is not read is not acknowledged: it comes again.
billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = 10


_Steps: Any = Consumer.Blueprint


class FleetConsumer(Consumer):
    """Celery's consumer without delayed delivery: due times stand in the store, and it would declare 28 queues."""

    class Blueprint(_Steps):  # type: ignore[misc]  # Celery's types take it for a variable
        """The steps of the consumer."""

        default_steps = tuple(each for each in _Steps.default_steps if "delayed_delivery" not in each)


def stopping() -> bool:
    """Whether the worker has been told to end: what is long then comes to its end, or is given back."""
    return _flag[0] != 0


@setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    """Logs as `connector` does, instead of as Celery does."""
    log.configure(settings().log)


@worker_shutting_down.connect
def _stop(how: str, **_: Any) -> None:
    """On SIGTERM what was begun is finished; what takes longer than stop_seconds goes back to the queue."""
    _flag[0] = 1
    if how == "Warm":
        seconds = settings().worker.stop_seconds
        _in(seconds, _give_back)
        _in(seconds + _LAST_SECONDS, _end)


def _in(seconds: float, act: Callable[[], None]) -> None:
    timer = Timer(seconds, act)
    timer.daemon = True
    timer.start()


def _give_back() -> None:
    _log.warning("ending now: what is not finished goes back to the queue")
    os.kill(os.getpid(), signal.SIGQUIT)


def _end() -> None:
    """While the broker is away Celery may wait for it for ever. Whatever is unfinished comes again all the same."""
    for pid in [child.pid for child in billiard.active_children() if child.pid]:
        os.kill(pid, signal.SIGKILL)
    os._exit(0)
