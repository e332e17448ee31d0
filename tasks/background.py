"""Does work that goes on for minutes or hours, in threads beside a process's tasks, so that it keeps nobody waiting.

A task that went on for so long would be given to another worker after half an hour, and would hold up a process of the
pool, or in embedded mode everything. Each piece of work has a lease in the store, so that no two processes do it. If a
process is killed in the middle, the next process that looks takes the work over.
"""

import atexit
import threading
from collections.abc import Callable
from time import monotonic

import structlog

from connector.errors import ConnectorError
from tasks.worker import stopping

log = structlog.get_logger(__name__)
MOST_AT_ONCE = 4
"""How many such threads a process has at the most for what may take hours."""
_END_SECONDS = 5.0
_threads: dict[str, threading.Thread] = {}
_long: set[str] = set()
_lock = threading.Lock()
_ending = threading.Event()


def ending() -> bool:
    """Says whether the process is about to end, so that long work must stop."""
    return _ending.is_set() or stopping()


def begin(name: str, work: Callable[[], object], *, long: bool = True) -> bool:
    """Does the work in a thread, unless this process does it already or has enough to do.

    long: whether it may take hours. Of that there is a bound, and what must go on beside it, as alerts must, has none:
    there is only as much of it as the settings name.
    """
    with _lock:
        for done in [each for each, thread in _threads.items() if not thread.is_alive()]:
            del _threads[done]
        _long.intersection_update(_threads)
        if name in _threads or (long and len(_long) >= MOST_AT_ONCE) or ending():
            return False
        if long:
            _long.add(name)
        _threads[name] = threading.Thread(target=_guarded, args=(name, work), name=name, daemon=True)
        _threads[name].start()
    return True


def _guarded(name: str, work: Callable[[], object]) -> None:
    """Runs the work and logs a failure; the next look begins failed work again."""
    try:
        work()
    except ConnectorError as error:
        log.warning("work in the background failed: this is begun again by itself", work=name, reason=str(error))
    except Exception:
        log.exception("work in the background failed", work=name)


@atexit.register
def _end() -> None:
    """Lets the threads stop before the interpreter ends: a thread that logs at that moment would abort it."""
    _ending.set()
    end = monotonic() + _END_SECONDS
    for thread in list(_threads.values()):
        thread.join(max(end - monotonic(), 0.0))
