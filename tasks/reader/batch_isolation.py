"""Takes messages in so that one that fails stands alone: its neighbours go on, and nothing is lost.

A failure is either a message's own fault or everybody's. A known-good message tells the two apart: it is taken in as
well, and undone. If that fails too, the fault is everybody's, and the queue is held.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from connector.errors import StoreError
from connector.store.data_errors import blames_the_data
from tasks.reader.queue_leases import LostLeaseError

Item = TypeVar("Item")
MOST_IN_A_ROW = 100
"""So many messages that fail one after the other, and none that does not, are no accident."""


class HeldError(Exception):
    """Nothing can be taken in for now; the text says why. The messages that are left wait."""


class BatchIsolation(Generic[Item]):
    """Takes in one queue's messages in their order."""

    def __init__(
        self,
        take: Callable[[Sequence[Item]], None],
        probe: Callable[[], None],
        set_aside: Callable[[Item, Exception], None],
    ) -> None:
        """Takes nothing yet.

        Args:
            take: Takes messages in, all of them or none; may raise anything.
            probe: Does the same with a known-good message, and undoes it.
            set_aside: Keeps a message that cannot be taken in as a problem.
        """
        self._take = take
        self._probe = probe
        self._set_aside = set_aside
        self._in_a_row = 0

    def take(self, items: Sequence[Item], done: Callable[[int], None]) -> None:
        """Takes the messages in, in order. `done` is called with the number of further messages that are done.

        Raises HeldError if nothing can be taken in, LostLeaseError if another reader has the queue by now.
        """
        try:
            self._take(items)
        except LostLeaseError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is: nothing may be lost by it
            self._failed(items, error, done)
        else:
            self._in_a_row = 0
            done(len(items))

    def _failed(self, items: Sequence[Item], error: Exception, done: Callable[[int], None]) -> None:
        if isinstance(error, StoreError) and not blames_the_data(error):
            raise HeldError(str(error)) from error
        if len(items) > 1:
            middle = len(items) // 2
            self.take(items[:middle], done)
            self.take(items[middle:], done)
            return
        self._check_others_pass(error)
        self._in_a_row += 1
        self._set_aside_guarded(items[0], error)
        done(1)

    def _check_others_pass(self, error: Exception) -> None:
        if self._in_a_row >= MOST_IN_A_ROW:
            raise HeldError(f"{self._in_a_row} messages in a row failed, the last with {told(error)}") from error
        try:
            self._probe()
        except LostLeaseError:
            raise
        except Exception as everybodys:
            raise HeldError(told(everybodys)) from everybodys

    def _set_aside_guarded(self, item: Item, error: Exception) -> None:
        try:
            self._set_aside(item, error)
        except LostLeaseError:
            raise
        except Exception as again:
            raise HeldError(told(again)) from again


def told(error: Exception) -> str:
    """Returns an error in words. Our own errors say enough; others begin with their type."""
    words = str(error).strip().splitlines()[:1]
    if isinstance(error, StoreError):
        return "".join(words)
    return f"{type(error).__name__}: {''.join(words)}"
