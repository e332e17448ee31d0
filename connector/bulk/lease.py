"""A lease that a thread renews as long as its holder lives, so that a long step does not lose it."""

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
"""The length of a lease: after a kill, nobody else can go on for up to this long."""
_RENEWALS = 4
_LOST = "the lease of {} is another's now: this program stood still for too long"


class LostError(ConnectorError):
    """An error for a lease that another holder has by now, so that the work under it must not go on."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that is held.

    seconds: its length. ended: set when the holder gives it back; only `confirm` and `check` tell that it was lost.
    """

    store: Store
    name: str
    holder: str = field(default_factory=lambda: uuid4().hex)
    seconds: float = SECONDS
    ended: threading.Event = field(default_factory=threading.Event)

    def confirm(self, tx: Connection) -> None:
        """Renews the lease in a writing transaction, which so writes only while it is held. Raises LostError."""
        now = self.store.now(tx)
        if not named_leases.renew(tx, self.name, self.holder, now, self.seconds):
            raise LostError(_LOST.format(self.name))

    def check(self, tx: Connection) -> None:
        """Raises LostError where the lease is no longer held; writes nothing."""
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
    """Holds the lease while the block lasts, and yields it; yields None where another holder has it."""
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
