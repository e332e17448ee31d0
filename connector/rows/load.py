"""A table into the store: its rows as messages, and where it is a whole audience, who is not in it as having left."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic_core import to_json

from connector import inbox, intake
from connector.change import Change, Message, Segment, Unreadable
from connector.errors import ConnectorError, UnreadableError
from connector.inbox import SHOWN_CHARACTERS
from connector.rows.message import Shape, key_of, message
from connector.rows.seen import Seen, kept
from connector.rows.table import Table
from connector.rules import Rules
from connector.store import members
from connector.store.opening import Store

ROWS_AT_ONCE = 1000
"""How many rows go into one transaction at most, and how many of the store's are looked through at once."""
_BYTES_AT_ONCE = 2_000_000


class _Said(NamedTuple):
    """What a row says: a native message as JSON, and whom it names; or why there is none."""

    body: bytes | Unreadable
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of a table: rows taken in, rows that cannot be read, and who left because they are not in it."""

    changes: int
    unreadable: int
    left: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """Where a table goes, and how. max_bytes: a longer row is kept as a problem and not read."""

    store: Store
    syncs: Sequence[Rules]
    shape: Shape
    max_bytes: int
    backfill: bool = False

    def run(self, table: Table, report: Callable[[], None]) -> Loaded:
        """Takes the table in; `report` is called after each transaction.

        Raises UnreadableError where the table breaks off, StoreError where the store fails, ConnectorError where a
        whole audience has no row that can be read. Then nobody has left.
        """
        with kept() as seen:
            changes, unreadable = self._rows(table, seen, report)
            if not self.shape.full:
                return Loaded(changes, unreadable)
            if not changes:
                raise ConnectorError(f"no row could be read: nobody has left {self.shape.entered[0]!r}")
            return Loaded(changes, unreadable, self._leave(seen))

    def _rows(self, table: Table, seen: Seen, report: Callable[[], None]) -> tuple[int, int]:
        changes = unreadable = 0
        for batch in _batches(self._said(table)):
            seen.add(said.key for said in batch if said.key is not None)
            accepted = self._take(each for said in batch for each in self._read(said.body))
            changes += accepted.changes
            unreadable += accepted.unreadable
            report()
        return changes, unreadable

    def _said(self, table: Table) -> Iterator[_Said | UnreadableError]:
        """What each row says, and at last the error where the table breaks off."""
        try:
            yield from map(self._one, table.rows())
        except UnreadableError as error:
            stays = f", and nobody has left {self.shape.entered[0]!r}" if self.shape.full else ""
            yield UnreadableError(f"{error}; what stands before that place is taken in{stays}")

    def _one(self, row: dict[str, Any] | Unreadable) -> _Said:
        """Whoever a row names is in the file, even if the rest of the row cannot be read."""
        if isinstance(row, Unreadable):
            return _Said(row)
        try:
            given = message(row, self.shape)
        except UnreadableError as error:
            return _Said(Unreadable(str(error), to_json(row)[:SHOWN_CHARACTERS].decode(errors="replace")))
        return _Said(to_json(given), key_of(given) if self.shape.full else None)

    def _read(self, body: bytes | Unreadable) -> list[Message]:
        return [body] if isinstance(body, Unreadable) else inbox.read("native", body, self.max_bytes)

    def _leave(self, seen: Seen) -> int:
        """Lets everybody leave who is in the segment, in any sync, and was not seen; how many."""
        return sum(self._leave_sync(rules.name, seen) for rules in self.syncs)

    def _leave_sync(self, sync: str, seen: Seen) -> int:
        total, key = 0, ""
        while True:
            with self.store.reading() as connection:
                page = members.after(connection, sync, self.shape.entered[0], key, ROWS_AT_ONCE)
            if page.last is None:
                return total
            gone = seen.others(list(page.members))
            if gone:
                total += self._take([_leaving(each, page.members[each]) for each in gone]).changes
            key = page.last

    def _take(self, messages: Iterable[Message]) -> intake.Accepted:
        return intake.accept(self.store, self.syncs, messages, backfill=self.backfill)


def _leaving(key: str, segments: tuple[Segment, ...]) -> Change:
    """Without a version it counts as the newest word on the user, as the file's own rows do."""
    return Change(key=key, user={}, left=segments)


def _batches(said: Iterable[_Said | UnreadableError]) -> Iterator[list[_Said]]:
    """Lists of bounded length and size. Where the rows break off, what stands before is given first."""
    batch: list[_Said] = []
    size = 0
    for each in said:
        if isinstance(each, UnreadableError):
            yield batch
            raise each
        batch.append(each)
        size += len(each.body) if isinstance(each.body, bytes) else 0
        if len(batch) >= ROWS_AT_ONCE or size >= _BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
