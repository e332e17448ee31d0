"""Looks once a minute for what is kept of queues that the settings name no longer, and ends it: nobody else would.

A queue that was renamed, or a shard that was taken away, may have been held until then. While a reader of other
settings still reads it, what that one says of it stays.
"""

from collections.abc import Collection

from connector.store import named_leases, problems
from connector.store.engine import Store
from connector.store.problems import Kept
from tasks.reader import held_queue, queue_watch
from tasks.reader.minute_watch import MinuteWatch


class UnnamedQueues(MinuteWatch[list[Kept]]):
    """Remembers what was ended at the last look. What came again since then is another problem: it began later."""

    def __init__(self, store: Store, names: Collection[str]) -> None:
        """Has not looked yet. names: the queues that the settings name."""
        super().__init__()
        self._store = store
        self._names = names

    def _find(self) -> list[Kept]:
        with self._store.reading() as tx:
            kept = [each for kind in (held_queue.KIND, queue_watch.KIND) for each in problems.of_every_sync(tx, kind)]
            unnamed = [each for each in kept if each.problem.subject not in self._names]
            read = named_leases.queues_read(tx, [each.problem.subject for each in unnamed], self._store.now(tx))
        return [each for each in unnamed if each.problem.subject not in read]

    def _note(self, found: list[Kept]) -> None:
        with self._store.writing() as tx:
            for each in found:
                problems.remove(tx, each.id)
