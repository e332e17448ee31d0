"""Bounds messages that were delivered before and never finished: one of them may end each reader that takes it in.

RabbitMQ counts deliveries. The more often the first message was delivered, the fewer are taken in at once, until it
stands alone. A message that stands alone is noted in the store before it is taken in. A message that is noted several
times ends readers, and stays a problem. Its neighbours go through.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Protocol

from sqlalchemy import Connection

from connector.broker import envelope, properties
from connector.broker.envelope import Body
from connector.broker.frames import Delivery
from connector.errors import StoreError
from connector.model.problem import EVERY_SYNC, Problem
from connector.store import problems
from connector.store.engine import Store

_ALONE_FROM = 5
"""Deliveries after which a message is taken in alone, and noted before."""
MOST_TRIES = 3
"""So many times a message may be noted and never finished."""
REASON = "whoever takes it in ends in the middle of it, by an error of the program or for want of memory"


class FromDelivery(Protocol):
    """An item that came with a message."""

    @property
    def delivery(self) -> Delivery:
        """The message."""

    @property
    def body(self) -> Body:
        """What is taken in of it."""


class Redeliveries:
    """Knows how many messages of a queue to take in at once."""

    def __init__(self, store: Store, most: int) -> None:
        """Takes in at most `most` at once."""
        self._store = store
        self._most = most
        self._allowed = most
        self._count = 0
        self._noted: set[str] = set()

    def limit(self, deliveries: int) -> int:
        """Returns how many to take in at once if the first of them was delivered `deliveries` times before."""
        if not deliveries:
            self._allowed = self._most
        elif deliveries > self._count:
            self._allowed = max(1, self._most >> (2 * deliveries))
        self._count = deliveries
        return self._allowed

    def went_well(self) -> None:
        """Notes that a batch is done: the next may be twice as large."""
        self._allowed = min(self._allowed * 2, self._most)

    @contextmanager
    def watching(self, items: Sequence[FromDelivery]) -> Iterator[str | None]:
        """Notes, while the block runs, a message that stands alone after many deliveries.

        Yields the id of its problem if it was noted too often and must not be taken in again, else None.
        """
        message = items[0].delivery
        alone = message.redelivered and all(item.delivery is message for item in items)
        if not alone or deliveries(message) < _ALONE_FROM:
            yield None
            return
        problem = Problem("poison", _name(message.body), REASON, envelope.shown(message.body), items[0].body.format)
        id = self._note(problem)
        if id is None:
            yield problems.identity(EVERY_SYNC, problem)
            return
        try:
            yield None
        finally:  # whatever it is that it raises: it has not ended this process
            self._take_back(id)

    def _note(self, problem: Problem) -> str | None:
        """Notes the message. Returns the id of its note, None if it was noted too often before."""
        id = problems.identity(EVERY_SYNC, problem)
        if id in self._noted:
            return id
        with self._store.writing() as tx:
            if _times(tx, id) >= MOST_TRIES:
                return None
            problems.add(tx, EVERY_SYNC, [problem], self._store.now(tx))
        self._noted.add(id)
        return id

    def _take_back(self, id: str) -> None:
        with suppress(StoreError), self._store.writing() as tx:
            problems.remove(tx, id)
            self._noted.discard(id)


def deliveries(message: Delivery) -> int:
    """Returns how often the message was delivered before.

    A classic queue says only that it was: then it may have been often, and the message is taken in alone at once.
    """
    counted = properties.decode(message.properties).deliveries
    return counted or (_ALONE_FROM if message.redelivered else 0)


def _name(body: bytes) -> str:
    """Returns the name that such a message gets, which says nothing about its user: the digest of its body."""
    return f"message {sha256(body).hexdigest()[:16]}"


def _times(tx: Connection, id: str) -> int:
    found = problems.kept(tx, id=id, limit=1)
    return found[0].count if found else 0
