"""Keeps what this process has claimed: its leases are renewed while it lives, and end soon after its death.

A lease is short, so that the people of a dead worker are free again within half a minute; an answer of Customer.io may
take longer than that. So a thread renews every lease that grows old. It also notices what was lost: a process that
stood still for longer than a lease must send nothing more, since others may have sent something newer.
"""

import atexit
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from time import monotonic

import structlog

from connector.errors import StoreError
from connector.model.entity import EntityKind
from connector.store import claims, named_leases
from connector.store.engine import Store

log = structlog.get_logger(__name__)
_RENEWED_AT = 1 / 3
"""The part of a lease after which it is renewed: a renewal that fails has time for another try."""
_MAY_SEND = 1 / 2
"""The part of a lease during which requests may still begin."""


@dataclass(slots=True)
class Held:
    """Entities that this process has claimed.

    renewed_at: by the monotonic clock, before the store was asked. trial: the name of the lease by which this claim
    alone may send to a connection that fails (`circuit.trial`); "" if the connection does not fail.
    """

    sync: str
    kind: EntityKind
    lease: str
    seconds: float
    renewed_at: float
    keys: tuple[str, ...] = ()
    trial: str = ""

    @property
    def until(self) -> float:
        """The time until which requests for them may begin, in seconds of the monotonic clock."""
        return self.renewed_at + self.seconds * _MAY_SEND

    @property
    def is_old(self) -> bool:
        """Says whether the lease must be renewed now."""
        return monotonic() >= self.renewed_at + self.seconds * _RENEWED_AT

    def lost(self) -> None:
        """Ends the right to send for them."""
        self.renewed_at = -inf


@dataclass(slots=True)
class ClaimKeeper:
    """All claims of this process. Threads share it; the thread that renews begins with the first claim."""

    store: Store
    _held: dict[str, Held] = field(default_factory=dict)
    _told_at: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @contextmanager
    def keeping(self, held: Held, keys: Collection[str]) -> Iterator[None]:
        """Renews the lease of these keys as long as the block runs."""
        held.keys = tuple(keys)
        with self._lock:
            self._held[held.lease] = held
            self._begin(held.seconds)
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(held.lease, None)

    def is_time(self, name: str, seconds: float) -> bool:
        """Says whether `seconds` have passed since this was last true for this name. If so, they count from now on."""
        now = monotonic()
        with self._lock:
            if now < self._told_at.get(name, -inf) + seconds:
                return False
            self._told_at[name] = now
            return True

    def close(self) -> None:
        """Ends the thread that renews, and waits until it has ended."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def renew(self) -> None:
        """Renews every lease that grows old, each in a transaction of its own, so that rows are locked in one order."""
        with self._lock:
            old = [held for held in self._held.values() if held.is_old]
        for held in old:
            try:
                self._renew(held)
            except StoreError as error:
                log.warning("a lease could not be renewed: tried again", sync=held.sync, reason=str(error))

    def _renew(self, held: Held) -> None:
        asked_at = monotonic()
        with self.store.writing() as tx:
            now = self.store.now(tx)
            if held.trial:
                named_leases.renew(tx, held.trial, held.lease, now, held.seconds)
            whole = claims.renew(tx, held.sync, held.kind, held.lease, held.keys, now + held.seconds)
        if held.lease not in self._held:
            return
        if whole:
            held.renewed_at = asked_at
        else:
            held.lost()
            log.warning("a lease was lost: this program stood still for too long", sync=held.sync)

    def _begin(self, seconds: float) -> None:
        if self._thread is None:
            name = "claim keeper"
            self._thread = threading.Thread(target=self._keep, args=(seconds / 12,), name=name, daemon=True)
            self._thread.start()
            atexit.register(self.close)

    def _keep(self, look_seconds: float) -> None:
        while not self._ended.wait(look_seconds):
            self.renew()
