"""The turns of exports: which exports are due, and one run of an export, under its lease, to its end.

How far a run has come is stored after the target has taken the rows. So where a run dies in between, the next one
writes the same rows again: a table knows them by their keys, and a file has the same name.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from connector.bulk import schedule_status
from connector.bulk.export.files import ParquetFiles
from connector.bulk.export.run import ExportRun
from connector.bulk.export.table import WarehouseTable
from connector.bulk.export.target import ExportDestination
from connector.bulk.lease import Lease, leased
from connector.bulk.schedule_status import Standing
from connector.bulk.warehouse.scheduling import LATER
from connector.errors import ConnectorError, SettingsError
from connector.model.export_state import ExportState, due_at
from connector.model.problem import Problem, ProblemKind
from connector.runtime import Runtime
from connector.settings.export import Export
from connector.settings.mistakes import listed, variable
from connector.store import exports, problems
from connector.store.named_leases import EXPORT

log = structlog.get_logger(__name__)
KIND: ProblemKind = "export"


ExportStanding = Standing[Export, ExportState]


def lease_name(export: str) -> str:
    """Returns the name of the lease that a process holds while it runs the export."""
    return f"{EXPORT}{export}"


def find(runtime: Runtime, name: str) -> Export:
    """Returns the export of this name. Raises SettingsError where the settings name none."""
    export = runtime.settings.export.get(name)
    if export is None:
        known = list(runtime.settings.export)
        accepted = f"the settings name {listed(known)}" if known else "the settings name none; add [export.NAME]"
        raise SettingsError(f"there is no export {name!r}: {accepted}")
    return export


def standings(runtime: Runtime) -> list[ExportStanding]:
    """Returns the status of every export in the settings, and records those that are new."""
    return schedule_status.standings(runtime, runtime.settings.export, exports, lease_name, _next_at)


def due(runtime: Runtime) -> list[str]:
    """Returns the names of the exports that are due and that no process is running."""
    if not runtime.settings.export:
        return []
    return [each.name for each in schedule_status.due(runtime, standings(runtime)) if not each.running]


def ask(runtime: Runtime, name: str) -> None:
    """Makes the export due at once, since a human wants a run. Raises SettingsError where the settings lack it."""
    find(runtime, name)
    standings(runtime)
    with runtime.store.writing() as tx:
        exports.ask(tx, name)


def take_turn(runtime: Runtime, name: str, until: Callable[[], bool] = lambda: False) -> ExportState | None:
    """Runs an export to its end where it is due.

    Where the run fails, as where its target cannot be written, the reason is stored with the export and as a problem.

    Args:
        runtime: What this process has open.
        name: The export, by its name.
        until: Says when to stop before the end.

    Returns:
        The state of the export after the run; None where another process runs it, or it is not due.

    Raises:
        SettingsError: The settings do not name the export.
        StoreError, LostError, StoppedError: The run has not come to its end; the next turn goes on with it.
    """
    export = find(runtime, name)
    with leased(runtime.store, lease_name(name)) as lease:
        if lease is None or name not in [each.name for each in schedule_status.due(runtime, standings(runtime))]:
            return None
        state = _begun(runtime, lease, name)
        run = ExportRun(runtime.store, export, tuple(runtime.settings.syncs), lease, state, until)
        return _attempted(runtime, run)


def target_of(export: Export) -> ExportDestination:
    """Returns the target of the export, and opens nothing yet. Raises ConnectorError where its url is not set."""
    if export.directory:
        return ParquetFiles(Path(export.directory), export.name, export.what, export.keep)
    if export.url is None:
        missing = variable(("export", export.name, "url"))
        raise ConnectorError(f"export.{export.name}: url is not set: give {missing}")
    return WarehouseTable(export.name, export.what, export.url.get_secret_value(), export.table)


def _next_at(state: ExportState, export: Export) -> float | None:
    return due_at(state, export.times)


def _begun(runtime: Runtime, lease: Lease, name: str) -> ExportState:
    with runtime.store.writing() as tx:
        lease.confirm(tx)
        state = exports.load(tx)[name]
        begun = replace(state, started_at=runtime.store.now(tx), ended_at=None, rows=0)
        exports.save(tx, begun)
    return begun


def _attempted(runtime: Runtime, run: ExportRun) -> ExportState:
    reason, failures = "", 0
    try:
        target = target_of(run.export)
        try:
            run.go(target)
        finally:
            target.close()
    except LATER:
        raise
    except ConnectorError as error:
        reason, failures = str(error), run.state.failures + 1
    return _ended(runtime, run, reason, failures)


def _ended(runtime: Runtime, run: ExportRun, reason: str, failures: int) -> ExportState:
    name = run.export.name
    with runtime.store.writing() as tx:
        run.lease.confirm(tx)
        now = runtime.store.now(tx)
        since = None if not reason else run.state.failing_since or now
        state = replace(run.state, ended_at=now, error=reason, failures=failures, failing_since=since)
        exports.save(tx, state)
        if run.state.asked:
            exports.ask(tx, name, wanted=False)
        problems.instead(tx, Problem(KIND, name, reason), now)
    if state.rows or reason:
        log.info("export ended", export=name, rows=state.rows, reason=reason)
    return state
