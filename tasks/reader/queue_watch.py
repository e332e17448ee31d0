"""Looks once a minute how the queues are, and keeps what is otherwise where `connector status` and `problems` look."""

from collections.abc import Sequence
from contextlib import suppress
from time import monotonic

from connector.broker import declaring, queue_renewal
from connector.broker.connecting import BrokerAddress
from connector.broker.queue_renewal import QueueState
from connector.errors import ConnectorError
from connector.model.problem import EVERY_SYNC, Problem, ProblemKind
from connector.store import problems
from connector.store.engine import Store

KIND: ProblemKind = "queue arguments"
_LOOK_SECONDS = 60.0


class QueueWatch:
    """Remembers what was otherwise at the last look."""

    def __init__(self, store: Store, broker: BrokerAddress, names: Sequence[str]) -> None:
        """Has not looked yet."""
        self._store = store
        self._broker = broker
        self._names = names
        self._noted: dict[str, str] | None = None
        self._look_at = 0.0

    def look(self) -> None:
        """Looks if a minute has passed. If RabbitMQ or the store cannot be reached, the next look asks again."""
        if monotonic() < self._look_at:
            return
        self._look_at = monotonic() + _LOOK_SECONDS
        with suppress(ConnectorError):
            found = {each.name: _words(each) for each in queue_renewal.look(self._broker, self._names)}
            if found != self._noted:
                self._note(found)
                self._noted = found

    def _note(self, found: dict[str, str]) -> None:
        with self._store.writing() as tx:
            for name, words in found.items():
                problems.clear(tx, KIND, name, but=words)
            wrong = [Problem(KIND, name, words) for name, words in found.items() if words]
            problems.add(tx, EVERY_SYNC, wrong, self._store.now(tx))


def _words(state: QueueState) -> str:
    if state.aside is not None:
        return f"`connector queues renew` was broken off, {state.aside} message(s) stand aside: run it again"
    return declaring.told(state.name, state.differences) if state.differences else ""
