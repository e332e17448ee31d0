"""Looks once a minute how the queues are, and keeps what is otherwise where `connector status` and `problems` look."""

from collections.abc import Sequence

from connector.broker import declaring, queue_renewal
from connector.broker.connecting import BrokerAddress
from connector.broker.queue_renewal import QueueState
from connector.model.problem import Problem, ProblemKind
from connector.store import problems
from connector.store.engine import Store
from tasks.reader.minute_watch import MinuteWatch

KIND: ProblemKind = "queue arguments"


class QueueWatch(MinuteWatch[dict[str, str]]):
    """Remembers what was otherwise at the last look."""

    def __init__(self, store: Store, broker: BrokerAddress, names: Sequence[str]) -> None:
        """Has not looked yet."""
        super().__init__()
        self._store = store
        self._broker = broker
        self._names = names

    def _find(self) -> dict[str, str]:
        return {each.name: _words(each) for each in queue_renewal.look(self._broker, self._names)}

    def _note(self, found: dict[str, str]) -> None:
        with self._store.writing() as tx:
            now = self._store.now(tx)
            for name, words in found.items():
                problems.instead(tx, Problem(KIND, name, words), now)


def _words(state: QueueState) -> str:
    if state.aside is not None:
        return f"`connector queues renew` was broken off, {state.aside} message(s) stand aside: run it again"
    return declaring.told(state.name, state.differences) if state.differences else ""
