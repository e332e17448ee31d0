"""Results that a page has read a moment ago, shown to everybody who asks for the same: ten open pages cost as one."""

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
    """The results of the reads of the last seconds, up to 64. Whoever asks while the same is being read waits for it.

    A result must not depend on who asks, and nobody may change it. Threads may share it.
    """

    def __init__(self, seconds: float) -> None:
        """Keeps nothing yet.

        Args:
            seconds: How long a result is given again, from the beginning of its read; 0 to read anew each time.
        """
        self._seconds = seconds
        self._lock = threading.Lock()
        self._reads: OrderedDict[Hashable, _Read] = OrderedDict()

    def get(self, key: Hashable, read: Callable[[], Value]) -> Value:
        """Returns the result kept under this key, else what `read` returns now. Raises what `read` raises."""
        if not self._seconds:
            return read()
        future, own = self._begun(key)
        if own:
            self._fill(key, future, read)
        found: Value = future.result()
        return found

    def forget(self) -> None:
        """Drops all results, which are out of date after a visitor has changed something."""
        with self._lock:
            self._reads.clear()

    def _begun(self, key: Hashable) -> "tuple[Future[Any], bool]":
        """Returns the future of this key's result, and whether the caller is to read it."""
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
