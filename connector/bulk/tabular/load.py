"""Takes a table into the store: its rows as messages and, for a whole audience, everybody else as having left."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connector.audience.rules import Rules
from connector.bulk.tabular import row_messages as said
from connector.bulk.tabular.row_messages import ROWS_AT_ONCE, Said
from connector.bulk.tabular.seen_keys import Seen, kept
from connector.bulk.tabular.table import Table
from connector.bulk.tabular.user_from_row import UserShape, key_of, message, of_texts
from connector.errors import ConnectorError, UnreadableError
from connector.intake.accept import TakenIn, accept
from connector.model.change import Change, Message, Segment
from connector.store import members
from connector.store.engine import Store


@dataclass(frozen=True, slots=True)
class Loaded:
    """The counts of a table that was taken in: its changes, its unreadable rows, and users who left by it.

    unnamed: the rows of a whole audience whose user cannot be told; if there are any, nobody has left.
    """

    changes: int
    unreadable: int
    left: int = 0
    unnamed: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """The loading of a table into a store. max_bytes: a row of more bytes is kept as a problem and not read."""

    store: Store
    syncs: Sequence[Rules]
    shape: UserShape
    max_bytes: int
    backfill: bool = False

    def run(self, table: Table, report: Callable[[], None]) -> Loaded:
        """Takes the table in; `report` is called after each transaction.

        Raises UnreadableError where the table breaks off, StoreError where the store fails, ConnectorError where a
        whole audience has no row that can be read. Nobody leaves if the table breaks off or has no such row, nor if the
        user of a row cannot be told.
        """
        with kept() as seen:
            loaded = self._rows(table, seen, report)
            if self.shape.full and not loaded.changes:
                raise ConnectorError(f"no row could be read: nobody has left {self.shape.entered[0]!r}")
            return replace(loaded, left=self._leave(seen)) if self.shape.full and not loaded.unnamed else loaded

    def _rows(self, table: Table, seen: Seen, report: Callable[[], None]) -> Loaded:
        changes = unreadable = unnamed = 0
        for batch in said.batches(self._said(table)):
            seen.add(each.key for each in batch if each.key is not None)
            accepted = self._take(change for each in batch for change in said.read(each.body, self.max_bytes))
            changes += accepted.changes
            unreadable += accepted.unreadable
            unnamed += sum(each.unnamed for each in batch)
            report()
        return Loaded(changes, unreadable, unnamed=unnamed if self.shape.full else 0)

    def _said(self, table: Table) -> Iterator[Said | UnreadableError]:
        key = key_of if self.shape.full else _nobody
        shape = of_texts(self.shape) if table.untyped else self.shape
        for each in said.every(table, lambda row: message(row, shape), key):
            if isinstance(each, UnreadableError):
                stays = f", and nobody has left {self.shape.entered[0]!r}" if self.shape.full else ""
                yield UnreadableError(f"{each}; what stands before that place is taken in{stays}")
            else:
                yield each

    def _leave(self, seen: Seen) -> int:
        """Lets everybody leave who is in the segment, in any sync, and in no row. Returns the number of changes."""
        return sum(self._leave_sync(rules.name, seen) for rules in self.syncs)

    def _leave_sync(self, sync: str, seen: Seen) -> int:
        total, key = 0, ""
        while True:
            with self.store.reading() as tx:
                page = members.after(tx, sync, self.shape.entered[0], key, ROWS_AT_ONCE)
            if page.last is None:
                return total
            gone = seen.others(list(page.members))
            if gone:
                total += self._take([_leaving(each, page.members[each]) for each in gone]).changes
            key = page.last

    def _take(self, messages: Iterable[Message]) -> TakenIn:
        return accept(self.store, self.syncs, messages, backfill=self.backfill)


def _leaving(key: str, segments: tuple[Segment, ...]) -> Change:
    """Returns the change of leaving. It has no version, so it counts as the newest, as the file's own rows do."""
    return Change(key=key, user={}, left=segments)


def _nobody(_: Mapping[str, Any]) -> None:
    """Ignores whom a row names: no user leaves by this table."""
