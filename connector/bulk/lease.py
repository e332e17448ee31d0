"""A lease as its holder has it: renewed by a thread as long as the holder lives, so that a long silence is no death."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import uuid4

import structlog
from sqlalchemy import Connection

from connector.errors import ConnectorError, StoreError
from connector.store import named_leases
from connector.store.engine import Store

log = structlog.get_logger(__name__)
SECONDS = 60.0
"""After a kill, how long nobody else goes on."""
_RENEWALS = 4
_LOST = "the lease of {} is another's now: this program stood still for too long"


class LostError(ConnectorError):
    """The lease is another's by now: what it was for must not go on."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that is held. `ended` is set once it is not."""

    store: Store
    name: str
    holder: str = field(default_factory=lambda: uuid4().hex)
    seconds: float = SECONDS
    ended: threading.Event = field(default_factory=threading.Event)

    def confirm(self, tx: Connection) -> None:
        """Renews it in a writing transaction: what that writes, no later holder will find undone. Raises LostError."""
        now = self.store.now(tx)
        if not named_leases.renew(tx, self.name, self.holder, now, self.seconds):
            raise LostError(_LOST.format(self.name))

    def check(self, tx: Connection) -> None:
        """Looks whether it is held still, where nothing is written yet. Raises LostError."""
        if self.name not in named_leases.held_by(tx, self.holder):
            raise LostError(_LOST.format(self.name))

    def _keep(self) -> None:
        while not self.ended.wait(self.seconds / _RENEWALS):
            try:
                with self.store.writing() as tx:
                    self.confirm(tx)
            except StoreError as error:
                log.warning("a lease could not be renewed: tried again", lease=self.name, reason=str(error))
            except LostError:
                return


@contextmanager
def leased(store: Store, name: str, seconds: float = SECONDS) -> Iterator[Lease | None]:
    """Holds the lease while the block lasts; None where another has it."""
    lease = Lease(store, name, seconds=seconds)
    with store.writing() as tx:
        taken = named_leases.take(tx, name, lease.holder, store.now(tx), seconds)
    if not taken:
        yield None
        return
    thread = threading.Thread(target=lease._keep, name=f"lease {name}", daemon=True)  # noqa: SLF001 - of this module
    thread.start()
    try:
        yield lease
    finally:
        lease.ended.set()
        thread.join()
        with suppress(StoreError), store.writing() as tx:
            named_leases.give_back(tx, name, lease.holder)
