"""One run of a source: its rows are compared with what each key said last, and what changed goes to intake.

What was taken in is noted after intake has committed. So whoever dies in between takes the same rows in again, which
changes nothing; and a run that starts over passes over all that was noted.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from pydantic_core import to_json

from connector import intake
from connector.model.change import Unreadable
from connector.errors import ConnectorError, UnreadableError
from connector.bulk.lease import Lease
from connector.bulk.tabular import messages as said
from connector.bulk.tabular.messages import Said
from connector.bulk.tabular.seen_keys import Seen, kept
from connector.audience.rules import Rules
from connector.settings.schema import Settings
from connector.settings.warehouse import WarehouseSource
from connector.model.source_run import NO_COUNTS, Counts, SourceState, too_many_gone
from connector.bulk.warehouse import kinds, mark, query
from connector.bulk.warehouse.row_kinds import Kind
from connector.bulk.warehouse.query import QueryTable
from connector.store import sources
from connector.store.opening import Store

KEYS_AT_ONCE = 5000
"""How many known keys are looked through at once for those that are gone."""
_SAVED_SECONDS = 2.0
_NOT_MEANT = {"label", "description", "deletion_guard", "deliver"}
"""Settings of a sync on which it does not depend what is stored of a row."""


class HeldError(ConnectorError):
    """So many rows are gone that nobody leaves until a human has said so. What changed has been taken in."""


class StoppedError(Exception):
    """The program is to end: the run goes on, or starts over, elsewhere."""


@dataclass(slots=True)
class Run:
    """A run under its lease. `until` says when to stop, `report` is told how far it is."""

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
        """Takes in what changed, and lets go who is gone; how the source stands then.

        Raises ConnectorError where the query fails or its rows are not to be read, HeldError, LostError, StoreError.
        """
        with self.store.reading() as connection:
            known = sources.count(connection, self.source.name)
        since = mark.read(self.state.cursor) if self.source.cursor else None
        with kept() as seen:
            with query.opened(self.source, marked=self.source.cursor, since=since) as table:
                kind = kinds.of(self.source, table.columns)
                for batch in said.batches(self._said(table, kind)):
                    self._batch(batch, table, seen)
            if not self.source.cursor:
                self._leave(kind, seen, known)
        return self.state

    def _said(self, table: QueryTable, kind: Kind) -> Iterator[Said | UnreadableError]:
        for each in said.every(table, kind.message, kind.key_of):
            if isinstance(each, Said) and each.key is not None and self.source.cursor:
                self._marks[each.key] = table.mark
            yield each

    def _batch(self, batch: Sequence[Said], table: QueryTable, seen: Seen) -> None:
        self._go_on()
        first = _first(batch, seen)
        digests = {key: self._digest(each.body) for key, each in first.items() if isinstance(each.body, bytes)}
        with self.store.reading() as connection:
            self.lease.check(connection)
            known = sources.digests(connection, self.source.name, list(first))
        self._matched += len(known)
        moved = {key for key, digest in digests.items() if self.state.again or known.get(key) != digest}
        readable = self._take({key: first[key] for key in first if key in moved}, batch)
        keyed = sum(1 for each in batch if each.key is not None)
        self._count(rows=len(batch), changed=len(readable), repeated=keyed - len(first))
        self._note({key: digests[key] for key in readable}, digests, table.mark)
        self._marks.clear()
        self.report(self.counts)

    def _digest(self, body: bytes | Unreadable) -> int:
        """64 bits: that a row which changed has the same by chance is less likely than that the disk lies."""
        text = body if isinstance(body, bytes) else b""
        return int.from_bytes(blake2b(text, digest_size=8, key=self.salt).digest(), signed=True)

    def _take(self, moved: dict[str, Said], batch: Sequence[Said]) -> list[str]:
        """Takes rows in, with those of the batch that say nothing, as problems; the keys of rows that could be read."""
        read = {key: said.read(each.body, self.max_bytes) for key, each in moved.items()}
        nameless = [each for one in batch if one.key is None for each in said.read(one.body, self.max_bytes)]
        messages = [*nameless, *(each for changes in read.values() for each in changes)]
        if messages:
            accepted = intake.accept(self.store, self.syncs, messages, backfill=self.source.backfill)
            self._count(unreadable=accepted.unreadable)
        return [key for key, changes in read.items() if not any(isinstance(each, Unreadable) for each in changes)]

    def _note(self, moved: dict[str, int], digests: dict[str, int], last: Any) -> None:
        """Notes what was taken in, and how far the run is. Of a source with a cursor only what stands at it is kept."""
        due = time.monotonic() - self._saved_at > _SAVED_SECONDS
        cursor = mark.written(last, self.source.cursor) if self.source.cursor and last is not None else None
        further = cursor is not None and cursor != self.state.cursor
        if not (moved or further or due):
            return
        self._saved_at = time.monotonic()
        if cursor is not None:
            moved = {key: digests[key] for key in digests if self._marks[key] == last}
        self.state = replace(self.state, counts=self.counts, cursor=cursor or self.state.cursor)
        with self.store.writing() as connection:
            self.lease.confirm(connection)
            if further:
                sources.drop_all(connection, self.source.name)
            sources.note(connection, self.source.name, moved)
            sources.save(connection, self.state)

    def _leave(self, kind: Kind, seen: Seen, known: int) -> None:
        """Whoever is known, or whatever, and was in no row is gone."""
        gone = known - self._matched
        guard = self.source.leave_guard
        leaves = kind.leaving("") is not None
        if leaves and not self.state.may_leave and too_many_gone(known, gone, guard.share, guard.at_least):
            raise HeldError(self._held(gone, known))
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
        with self.store.reading() as connection:
            self.lease.check(connection)
            return sources.after(connection, self.source.name, key, KEYS_AT_ONCE)

    def _let_go(self, kind: Kind, keys: Sequence[str]) -> None:
        if not keys:
            return
        leaving = [change for key in keys if (change := kind.leaving(key)) is not None]
        for start in range(0, len(leaving), said.ROWS_AT_ONCE):
            part = leaving[start : start + said.ROWS_AT_ONCE]
            intake.accept(self.store, self.syncs, part, backfill=self.source.backfill)
        self._count(left=len(leaving))
        with self.store.writing() as connection:
            self.lease.confirm(connection)
            sources.drop(connection, self.source.name, keys)
        self.report(self.counts)

    def _count(self, **more: int) -> None:
        self.counts = self.counts._replace(**{name: getattr(self.counts, name) + more[name] for name in more})

    def _go_on(self) -> None:
        if self.until():
            raise StoppedError


def _first(batch: Sequence[Said], seen: Seen) -> dict[str, Said]:
    """The rows of a batch by key; only the first one with a key counts, in this batch and in those before."""
    first: dict[str, Said] = {}
    for each in batch:
        if each.key is not None:
            first.setdefault(each.key, each)
    new = set(seen.others(list(first)))
    seen.add(new)
    return {key: each for key, each in first.items() if key in new}


def salt(settings: Settings, source: WarehouseSource) -> bytes:
    """What a row comes to depends on these settings, too: where they change, every row counts as changed."""
    syncs = {name: sync.model_dump(mode="json", exclude=_NOT_MEANT) for name, sync in settings.syncs.items()}
    meant = {"syncs": syncs, "source": [source.kind, source.key]}
    return blake2b(to_json(meant), digest_size=32).digest()
