"""One run of a source: each row is compared with the last row of its key, and what changed goes to intake.

The rows that were taken in are noted after intake has committed. So after a crash in between the same rows are taken in
again, which changes nothing. A run that starts over skips the rows that were noted, unless a human wants every row.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from pydantic_core import to_json

from connector.audience.rules import Rules
from connector.bulk.lease import Lease
from connector.bulk.tabular import row_messages
from connector.bulk.tabular.parquet import UNREADABLE
from connector.bulk.tabular.row_messages import Said
from connector.bulk.tabular.seen_keys import Seen, kept
from connector.bulk.warehouse import cursor, query, row_kinds
from connector.bulk.warehouse.query import QueryTable
from connector.bulk.warehouse.row_kinds import RowKind
from connector.errors import ConnectorError, UnreadableError
from connector.intake.accept import accept
from connector.model.change import Unreadable
from connector.model.source_state import NO_COUNTS, Counts, SourceState, too_many_gone
from connector.settings.schema import Settings
from connector.settings.warehouse import WarehouseSource
from connector.store import sources
from connector.store.engine import Store

KEYS_AT_ONCE = 5000
"""How many known keys are compared at once with those that the rows had."""
_SAVED_SECONDS = 2.0
_IGNORED_BY_SALT = {"label", "description", "deletion_guard", "deliver", "feedback"}
"""Settings of a sync that do not change what is stored for a row."""


class SourceHeldError(ConnectorError):
    """An error for a run in which too many rows are gone at once.

    The rows that changed have been taken in. Nobody leaves before a human approves.
    """


class StoppedError(Exception):
    """An exception for a run whose program is about to end: the run goes on, or starts over, in another process."""


@dataclass(slots=True)
class SourceRun:
    """One run of a source under its lease. until: says when to stop; report: is called with the counts so far.

    salt: the digest of the settings that `salt` returns. max_bytes: the most bytes that the message of a row may have.
    """

    store: Store
    syncs: Sequence[Rules]
    source: WarehouseSource
    lease: Lease
    state: SourceState
    salt: bytes
    max_bytes: int
    until: Callable[[], bool] = lambda: False
    report: Callable[[Counts], None] = lambda _: None
    counts: Counts = NO_COUNTS
    _matched: int = 0
    _marks: dict[str, Any] = field(default_factory=dict)
    _saved_at: float = 0.0

    def go(self) -> SourceState:
        """Takes in the rows that changed, and lets those leave whose rows are gone. Returns the source's new state.

        With a cursor, only the rows from the last cursor on are read, and nobody leaves.

        Raises:
            ConnectorError: The query fails, or its columns do not fit the settings.
            SourceHeldError: Too many rows are gone at once.
            StoppedError: The program is about to end.
            LostError: Another process has the lease now.
            StoreError: The store cannot be reached.
        """
        with self.store.reading() as tx:
            known = sources.count(tx, self.source.name)
        since = cursor.read(self.state.cursor) if self.source.cursor else None
        with kept() as seen:
            with query.opened(self.source, marked=self.source.cursor, since=since) as table:
                kind = row_kinds.of(self.source, table.columns, self.syncs)
                for batch in row_messages.batches(self._said(table, kind)):
                    self._batch(batch, table, seen)
            if not self.source.cursor:
                self._let_missing_go(kind, seen, known)
        return self.state

    def _said(self, table: QueryTable, kind: RowKind) -> Iterator[Said | UnreadableError]:
        for each in row_messages.every(table, kind.message, kind.key_of):
            if isinstance(each, Said) and each.key is not None and self.source.cursor:
                self._marks[each.key] = table.mark
            yield each

    def _batch(self, batch: Sequence[Said], table: QueryTable, seen: Seen) -> None:
        self._go_on()
        first = _first(batch, seen)
        digests = {key: self._digest(each.body) for key, each in first.items() if isinstance(each.body, bytes)}
        with self.store.reading() as tx:
            self.lease.check(tx)
            known = sources.digests(tx, self.source.name, list(first))
        self._matched += len(known)
        moved = {key for key, digest in digests.items() if self.state.again or known.get(key) != digest}
        moved |= first.keys() - digests.keys()  # rows that cannot be read, but name their user
        readable = self._take({key: first[key] for key in first if key in moved}, batch)
        keyed = sum(1 for each in batch if each.key is not None)
        self._count(rows=len(batch), changed=len(readable), repeated=keyed - len(first))
        self._note({key: digests[key] for key in readable}, digests, table.mark)
        self._marks.clear()
        self.report(self.counts)

    def _digest(self, body: bytes | Unreadable) -> int:
        """Returns a digest of 64 bits: that two versions of a row have the same one is too unlikely to matter."""
        text = body if isinstance(body, bytes) else b""
        return int.from_bytes(blake2b(text, digest_size=8, key=self.salt).digest(), signed=True)

    def _take(self, moved: dict[str, Said], batch: Sequence[Said]) -> list[str]:
        """Takes in the rows that moved, and those of the batch without a key. Returns the keys that could be read.

        A row that cannot be read becomes a problem.
        """
        read = {key: row_messages.read(each.body, self.max_bytes) for key, each in moved.items()}
        nameless = [each for one in batch if one.key is None for each in row_messages.read(one.body, self.max_bytes)]
        found = [*nameless, *(each for changes in read.values() for each in changes)]
        if found:
            accepted = accept(self.store, self.syncs, found, backfill=self.source.backfill)
            self._count(unreadable=accepted.unreadable)
        return [key for key, changes in read.items() if not any(isinstance(each, Unreadable) for each in changes)]

    def _note(self, moved: dict[str, int], digests: dict[str, int], last: Any) -> None:
        """Stores the digests of the rows that were taken in, and how far the run has come.

        Where no row was taken in and the cursor stays, it writes once in two seconds at most. For a source with a
        cursor, only the rows whose value equals the new cursor stay noted.
        """
        due = time.monotonic() - self._saved_at > _SAVED_SECONDS
        told = self.source.cursor and last is not None and last is not UNREADABLE
        reached = cursor.written(last, self.source.cursor) if told else None
        further = reached is not None and reached != self.state.cursor
        if not (moved or further or due):
            return
        self._saved_at = time.monotonic()
        if reached is not None:
            moved = {key: digests[key] for key in digests if self._marks[key] == last}
        self.state = replace(self.state, counts=self.counts, cursor=reached or self.state.cursor)
        with self.store.writing() as tx:
            self.lease.confirm(tx)
            if further:
                sources.drop_all(tx, self.source.name)
            sources.note(tx, self.source.name, moved)
            sources.save(tx, self.state)

    def _let_missing_go(self, kind: RowKind, seen: Seen, known: int) -> None:
        """Lets the known keys leave that no row had this time. Raises SourceHeldError where they are too many."""
        gone = known - self._matched
        guard = self.source.leave_guard
        leaves = kind.leaving("") is not None
        if leaves and not self.state.may_leave and too_many_gone(known, gone, guard.share, guard.at_least):
            raise SourceHeldError(self._held(gone, known))
        key = ""
        while keys := self._known_after(key):
            key = keys[-1]
            self._let_go(kind, seen.others(keys))
        self.state = replace(self.state, counts=self.counts)

    def _held(self, gone: int, known: int) -> str:
        asked = f"`connector sources run {self.source.name} --may-leave`"
        return (
            f"{gone:,} of the {known:,} rows of the last run are gone, more than leave_guard lets pass: none of them "
            f"has left. Look at the query first; if they are really gone, {asked}"
        )

    def _known_after(self, key: str) -> list[str]:
        self._go_on()
        with self.store.reading() as tx:
            self.lease.check(tx)
            return sources.after(tx, self.source.name, key, KEYS_AT_ONCE)

    def _let_go(self, kind: RowKind, keys: Sequence[str]) -> None:
        if not keys:
            return
        leaving = [change for key in keys if (change := kind.leaving(key)) is not None]
        for start in range(0, len(leaving), row_messages.ROWS_AT_ONCE):
            part = leaving[start : start + row_messages.ROWS_AT_ONCE]
            accept(self.store, self.syncs, part, backfill=self.source.backfill)
        self._count(left=len(leaving))
        with self.store.writing() as tx:
            self.lease.confirm(tx)
            sources.drop(tx, self.source.name, keys)
        self.report(self.counts)

    def _count(self, **more: int) -> None:
        self.counts = self.counts._replace(**{name: getattr(self.counts, name) + more[name] for name in more})

    def _go_on(self) -> None:
        if self.until():
            raise StoppedError


def _first(batch: Sequence[Said], seen: Seen) -> dict[str, Said]:
    """Returns the rows of a batch by key, without those whose key an earlier row of the run had, and notes the keys."""
    first: dict[str, Said] = {}
    for each in batch:
        if each.key is not None:
            first.setdefault(each.key, each)
    new = set(seen.others(list(first)))
    seen.add(new)
    return {key: each for key, each in first.items() if key in new}


def salt(settings: Settings, source: WarehouseSource) -> bytes:
    """Returns a digest, of 32 bytes, of the settings that shape a row; it is mixed into each row's digest.

    So when these settings change, every row counts as changed.
    """
    syncs = {name: sync.model_dump(mode="json", exclude=_IGNORED_BY_SALT) for name, sync in settings.syncs.items()}
    meant = {"syncs": syncs, "source": [source.kind, source.key]}
    return blake2b(to_json(meant), digest_size=32).digest()
