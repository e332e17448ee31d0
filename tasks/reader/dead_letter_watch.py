"""Looks for dead letters once a minute, and keeps what it finds where `connector status` and `problems` look."""

from contextlib import suppress
from time import monotonic

from connector.broker import dead_letters
from connector.broker.connecting import BrokerAddress
from connector.broker.queues import DEAD_LETTERS
from connector.errors import ConnectorError
from connector.model.problem import EVERY_SYNC, Problem
from connector.store import problems
from connector.store.engine import Store

_LOOK_SECONDS = 60.0
_REASON = "messages that no reader could finish lie there: `connector dead-letters` shows them, and plays them again"


class DeadLetterWatch:
    """Remembers how many dead letters there were at the last look."""

    def __init__(self, store: Store, broker: BrokerAddress) -> None:
        """Has not looked yet."""
        self._store = store
        self._broker = broker
        self._noted = -1
        self._look_at = 0.0

    def look(self) -> None:
        """Looks if a minute has passed. If RabbitMQ or the store cannot be reached, the next look asks again."""
        if monotonic() < self._look_at:
            return
        self._look_at = monotonic() + _LOOK_SECONDS
        with suppress(ConnectorError):
            found = dead_letters.count(self._broker)
            if found != self._noted:
                self._note(found)
                self._noted = found

    def _note(self, found: int) -> None:
        with self._store.writing() as tx:
            if found:
                problem = Problem("dead letters", DEAD_LETTERS, _REASON, {"messages": found})
                problems.add(tx, EVERY_SYNC, [problem], self._store.now(tx))
            else:
                problems.clear(tx, "dead letters", DEAD_LETTERS)
