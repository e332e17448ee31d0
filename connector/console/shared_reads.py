"""What one page has found out a moment ago, shown to everybody who asks for the same: ten open pages cost as one."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from time import monotonic
from typing import Any, NamedTuple, TypeVar

Value = TypeVar("Value")
_MOST_KEPT = 64


class _Read(NamedTuple):
    """One read of the store: its result, and when it began (by the monotonic clock, in seconds)."""

    future: "Future[Any]"
    began: float


class SharedReads:
    """Keeps what was read for a few seconds. Whoever asks while the same is being read waits for it.

    What is kept must not depend on who asks, and nobody may change it.
    """

    def __init__(self, seconds: float) -> None:
        """Keeps nothing yet.

        Args:
            seconds: For how long what was found is shown to others; 0 reads anew each time.
        """
        self._seconds = seconds
        self._lock = threading.Lock()
        self._reads: OrderedDict[Hashable, _Read] = OrderedDict()

    def get(self, key: Hashable, read: Callable[[], Value]) -> Value:
        """Returns what was found under this key of late; else what `read` finds now. Raises what `read` raises."""
        if not self._seconds:
            return read()
        future, own = self._begun(key)
        if own:
            self._fill(key, future, read)
        found: Value = future.result()
        return found

    def forget(self) -> None:
        """Drops all that is kept, after a visitor has changed something."""
        with self._lock:
            self._reads.clear()

    def _begun(self, key: Hashable) -> "tuple[Future[Any], bool]":
        """Returns the read of this key that counts, and whether the caller is to do it."""
        now = monotonic()
        with self._lock:
            last = self._reads.get(key)
            if last is not None and (not last.future.done() or now - last.began < self._seconds):
                return last.future, False
            future: Future[Any] = Future()
            self._reads[key] = _Read(future, now)
            self._reads.move_to_end(key)
            if len(self._reads) > _MOST_KEPT:
                self._reads.popitem(last=False)
            return future, True

    def _fill(self, key: Hashable, future: "Future[Any]", read: Callable[[], Any]) -> None:
        try:
            future.set_result(read())
        except BaseException as error:  # noqa: BLE001 - whatever it is, whoever waits is told
            with self._lock:  # a failure is told to those who wait, and to nobody later
                if key in self._reads and self._reads[key].future is future:
                    del self._reads[key]
            future.set_exception(error)
