"""Looks at something again and again, in a thread of its own, for as long as a block lasts."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

Seen = TypeVar("Seen")


class Watch(Generic[Seen]):
    """What `look` gave each time; it is called once when the block begins, and then every so many seconds."""

    def __init__(self, look: Callable[[], Seen], every: float) -> None:
        self.seen: list[Seen] = []
        self._look = look
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Begins."""
        self.seen.append(self._look())
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Ends."""
        self._over.set()
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Says whether it still looks: an error ends it."""
        return self._thread.is_alive()

    def _watch(self) -> None:
        while not self._over.wait(self._every):
            self.seen.append(self._look())
