"""Reads from a replica of the store, and from the store itself while the replica does not answer."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic

import structlog
from sqlalchemy import Connection

from connector.errors import StoreError
from connector.settings.sections import StoreSettings as Limits
from connector.store.engine import Store

log = structlog.get_logger(__name__)
_AWAY_SECONDS = 10.0
"""The seconds for which a replica that did not answer is not asked again, so that not every reader waits for it."""


class Replica(Store):
    """A read replica, with the store that stands in for it. Nothing can be written through it."""

    def __init__(self, url: str, limits: Limits, instead: Store) -> None:
        """Opens the replica at `url`, within these bounds. instead: the store, which is closed with it."""
        super().__init__(url, limits, never_patient=True)
        self._instead = instead
        self._ask_again_at = 0.0

    @contextmanager
    def reading(self, *, patient: bool = False, timeless: bool = False) -> Iterator[Connection]:
        """Opens a transaction that writes nothing, at the replica, or at the store where that does not answer."""
        with ExitStack() as stack:
            yield self._begun(stack, patient=patient, timeless=timeless)

    def close(self) -> None:
        """Closes the connections of both."""
        self._instead.close()
        super().close()

    def _begun(self, stack: ExitStack, *, patient: bool, timeless: bool) -> Connection:
        if monotonic() >= self._ask_again_at:
            try:
                return stack.enter_context(super().reading(patient=patient, timeless=timeless))
            except StoreError as error:
                self._ask_again_at = monotonic() + _AWAY_SECONDS
                log.warning("the read replica does not answer: pages read the store instead", reason=str(error))
        return stack.enter_context(self._instead.reading(patient=patient, timeless=timeless))
