"""Looks for dead letters once a minute, and keeps what it finds where `connector status` and `problems` look."""

from connector.broker import dead_letters
from connector.broker.connecting import BrokerAddress
from connector.broker.queues import DEAD_LETTERS
from connector.model.problem import EVERY_SYNC, Problem
from connector.store import problems
from connector.store.engine import Store
from tasks.reader.minute_watch import MinuteWatch

_REASON = "messages that no reader could finish lie there: `connector dead-letters` shows them, and plays them again"


class DeadLetterWatch(MinuteWatch[int]):
    """Remembers how many dead letters there were at the last look."""

    def __init__(self, store: Store, broker: BrokerAddress) -> None:
        """Has not looked yet."""
        super().__init__()
        self._store = store
        self._broker = broker

    def _find(self) -> int:
        return dead_letters.count(self._broker)

    def _note(self, found: int) -> None:
        with self._store.writing() as tx:
            if found:
                problem = Problem("dead letters", DEAD_LETTERS, _REASON, {"messages": found})
                problems.add(tx, EVERY_SYNC, [problem], self._store.now(tx))
            else:
                problems.clear(tx, "dead letters", DEAD_LETTERS)
