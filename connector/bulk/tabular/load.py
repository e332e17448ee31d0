"""A table into the store: its rows as messages, and where it is a whole audience, who is not in it as having left."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector import intake
from connector.model.change import Change, Message, Segment
from connector.errors import ConnectorError, UnreadableError
from connector.bulk.tabular import messages as said
from connector.bulk.tabular.user_rows import Shape, key_of, message
from connector.bulk.tabular.messages import ROWS_AT_ONCE, Said
from connector.bulk.tabular.seen_keys import Seen, kept
from connector.bulk.tabular.table import Table
from connector.audience.rules import Rules
from connector.store import members
from connector.store.opening import Store


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
        for batch in said.batches(self._said(table)):
            seen.add(each.key for each in batch if each.key is not None)
            accepted = self._take(change for each in batch for change in said.read(each.body, self.max_bytes))
            changes += accepted.changes
            unreadable += accepted.unreadable
            report()
        return changes, unreadable

    def _said(self, table: Table) -> Iterator[Said | UnreadableError]:
        key = key_of if self.shape.full else _nobody
        for each in said.every(table, lambda row: message(row, self.shape), key):
            if isinstance(each, UnreadableError):
                stays = f", and nobody has left {self.shape.entered[0]!r}" if self.shape.full else ""
                yield UnreadableError(f"{each}; what stands before that place is taken in{stays}")
            else:
                yield each

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


def _nobody(_: Mapping[str, Any]) -> None:
    """Whom a row names does not matter where nobody leaves."""
