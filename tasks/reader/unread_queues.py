"""Looks once a minute whether messages wait in a queue that readers read once and that nobody reads now.

A queue was renamed, or a shard was taken away, and what upstream had published to it was confirmed. A problem names
such a queue until it is read, empty, or gone.
"""

from connector.broker import depth, queues
from connector.broker.connecting import BrokerAddress
from connector.model.problem import EVERY_SYNC, Problem, ProblemKind
from connector.settings.sections import IntakeSettings
from connector.store import intake_queues, named_leases, problems
from connector.store.engine import Store
from tasks.reader.minute_watch import MinuteWatch

KIND: ProblemKind = "queue unread"
_REASON = (
    "messages wait in it, and the settings name it no more, so nobody reads them: name it in [intake] {key}, and "
    "restart the workers. They are read before what comes now. If they are not wanted, delete the queue in RabbitMQ"
)


class UnreadQueues(MinuteWatch[dict[str, bool]]):
    """Remembers the queues of the settings, and which others hold messages: each by name, and whether of bulk loads."""

    def __init__(self, store: Store, broker: BrokerAddress, intake: IntakeSettings) -> None:
        """Has not looked yet."""
        super().__init__()
        self._store = store
        self._broker = broker
        loads = {*queues.loads(intake), *queues.former(intake, backfill=True)}
        self._named = {name: name in loads for name in queues.of_upstream(intake)}
        self._ours = queues.names(intake)

    def _find(self) -> dict[str, bool]:
        with self._store.reading() as tx:
            known = intake_queues.known(tx)
        if self._named.items() - known.items():
            with self._store.writing() as tx:
                intake_queues.remember(tx, self._named)
        others = {name: backfill for name, backfill in known.items() if name not in self._ours}
        return self._unread(others) if others else {}

    def _unread(self, others: dict[str, bool]) -> dict[str, bool]:
        """Returns those in which messages wait and that nobody reads; forgets those that RabbitMQ has no more."""
        waiting = depth.depths(self._broker, others)
        gone = others.keys() - waiting.keys()
        if gone:
            with self._store.writing() as tx:
                intake_queues.forget(tx, gone)
        with self._store.reading() as tx:
            read = named_leases.queues_read(tx, others, self._store.now(tx))
        return {name: others[name] for name, count in waiting.items() if count and name not in read}

    def _note(self, found: dict[str, bool]) -> None:
        with self._store.writing() as tx:
            now = self._store.now(tx)
            for each in problems.of_every_sync(tx, KIND):
                if each.problem.subject not in found:
                    problems.remove(tx, each.id)
            for name, backfill in found.items():
                key = "former_backfill_queues" if backfill else "former_queues"
                problems.add(tx, EVERY_SYNC, [Problem(KIND, name, _REASON.format(key=key))], now)
