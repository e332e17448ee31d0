"""One run of an export: reads the rows since the last run, or everybody who is held, from the store page by page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic, sleep
from typing import Any

from pydantic_core import from_json, to_json

from connector.bulk.export import rows
from connector.bulk.export.columns import LogRow
from connector.bulk.export.files import file_name
from connector.bulk.export.target import ExportDestination
from connector.bulk.lease import Lease
from connector.bulk.warehouse.run import StoppedError
from connector.errors import ConnectorError
from connector.model.export_state import ExportState
from connector.settings.export import Export
from connector.store import export_feed, exports
from connector.store.engine import Store
from connector.store.export_feed import Place, RunKind

ROWS_AT_ONCE = 20_000
RUNS_LAG_SECONDS = 600.0
"""The age from which runs are exported. A request has the time at which it was sent, but is logged only once it is
answered and settled, which takes less than this."""
_PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.1
_AS_ROWS: Mapping[RunKind, Callable[[Any], LogRow]] = {
    "requests": rows.request,
    "jobs": rows.job,
    "sources": rows.source_run,
}


@dataclass(slots=True)
class ExportRun:
    """One run of an export under its lease. syncs: the names of all syncs in the settings; until: says when to stop.

    lag_seconds: the age from which runs are exported. rows_at_once: the most rows that are read at once.
    """

    store: Store
    export: Export
    syncs: Sequence[str]
    lease: Lease
    state: ExportState
    until: Callable[[], bool] = lambda: False
    lag_seconds: float = RUNS_LAG_SECONDS
    rows_at_once: int = ROWS_AT_ONCE

    def go(self, target: ExportDestination) -> None:
        """Writes to the target what came since the last run, or a whole snapshot, and stores how far it has come.

        Raises:
            ConnectorError: The target does not take the rows, or a transaction of the database stays open too long.
            StoppedError: The program is about to end.
            LostError: Another process has the lease now.
            StoreError: The store cannot be reached.
        """
        match self.export.what:
            case "changes":
                self._changes(target)
            case "snapshot":
                self._snapshot(target)
            case "runs":
                self._runs(target)

    def _changes(self, target: ExportDestination) -> None:
        place = self._places().get("changes", Place())
        end, more = self._settled_end(place), True
        while more:
            with self.store.reading() as tx:
                found = export_feed.history_after(tx, place, end, self.rows_at_once)
            more = len(found) == self.rows_at_once
            reached = Place(found[-1].at, found[-1].id) if more else end
            named = file_name(place.at, f"{place.id:019d}")
            self._add(target, named, list(rows.changes(found, frozenset(self._chosen))), {"changes": reached})
            place = reached

    def _settled_end(self, after: Place) -> Place:
        """Waits until no row can appear before the end of the history any more, and returns the place of that end.

        No crash of the store takes back a row before it. Raises ConnectorError after a minute of waiting, StoppedError,
        and LostError.
        """
        with self.store.reading() as tx:
            found = export_feed.horizon(tx, after, self.store.now(tx))
        give_up = monotonic() + _PATIENCE_SECONDS
        while not self._is_final(found):
            self._go_on()
            if monotonic() > give_up:
                raise ConnectorError(
                    f"export.{self.export.name}: a transaction of the database is open for a minute or longer, and "
                    "may yet write something earlier: end it, or wait for it"
                )
            sleep(_LOOK_SECONDS)
        with self.store.writing() as tx:  # this commit is on the disk at its end, and so are all before it
            self.lease.confirm(tx)
        return found.place

    def _is_final(self, found: export_feed.Horizon) -> bool:
        with self.store.reading() as tx:
            return export_feed.is_final(tx, found)

    def _snapshot(self, target: ExportDestination) -> None:
        with self.store.reading() as tx:
            taken_at = self.store.now(tx)
        count = target.replace(self._held(taken_at), self._chosen, taken_at)
        self._note(count, {})

    def _held(self, taken_at: float) -> Iterator[Sequence[LogRow]]:
        for sync in self._chosen:
            key: str | None = ""
            while key is not None:
                self._go_on()
                with self.store.reading() as tx:
                    self.lease.check(tx)
                    people, key = export_feed.held(tx, sync, key, self.rows_at_once)
                if people:
                    yield rows.held(sync, people, taken_at)

    def _runs(self, target: ExportDestination) -> None:
        with self.store.reading() as tx:
            before = self.store.now(tx) - self.lag_seconds
        for kind, as_row in _AS_ROWS.items():
            more = True
            while more:
                place = self._places().get(kind, Place())
                with self.store.reading() as tx:
                    found = export_feed.runs_after(tx, kind, place, before, self.rows_at_once)
                more = len(found) == self.rows_at_once
                if found:
                    reached = export_feed.place_of(kind, found[-1])
                    named = f"{kind}-{file_name(place.at, str(place.id))}"
                    self._add(target, named, [as_row(each) for each in found], {kind: reached})

    def _add(self, target: ExportDestination, name: str, found: Sequence[LogRow], reached: Mapping[str, Place]) -> None:
        self._go_on()
        if found:
            target.add(name, found)
        self._note(len(found), reached)

    def _note(self, count: int, reached: Mapping[str, Place]) -> None:
        """Stores how many more rows the run has written, and the places that it has reached."""
        places = {name: list(place) for name, place in {**self._places(), **reached}.items()}
        position = to_json({"what": self.export.what, "places": places}).decode()
        self.state = replace(
            self.state, position=position, rows=self.state.rows + count, total=self.state.total + count
        )
        with self.store.writing() as tx:
            self.lease.confirm(tx)
            exports.save(tx, self.state)

    def _places(self) -> dict[str, Place]:
        """Returns the places up to which this export has written, none where it was of another kind when it wrote."""
        position = from_json(self.state.position) if self.state.position else {}
        if position.get("what") != self.export.what:
            return {}
        return {name: Place(*place) for name, place in position["places"].items()}

    @property
    def _chosen(self) -> Sequence[str]:
        return self.export.syncs or self.syncs

    def _go_on(self) -> None:
        if self.until():
            raise StoppedError
