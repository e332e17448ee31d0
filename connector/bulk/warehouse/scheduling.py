"""The turns of sources: which sources are due, the status of each, and one run of a source to its end."""

from collections.abc import Callable
from dataclasses import replace

import structlog

from connector.bulk import schedule_status
from connector.bulk.lease import SECONDS, Lease, LostError, leased
from connector.bulk.schedule_status import Standing
from connector.bulk.warehouse.run import SourceHeldError, SourceRun, StoppedError, salt
from connector.errors import ConnectorError, SettingsError, StoreError
from connector.model.problem import Problem, ProblemKind
from connector.model.source_state import NO_COUNTS, Counts, SourceState, due_at
from connector.runtime import Runtime
from connector.settings.warehouse import WarehouseSource, unknown_source
from connector.store import exports, problems, sources

log = structlog.get_logger(__name__)
KIND: ProblemKind = "source"
LATER = (StoreError, LostError, StoppedError)
"""The exceptions after which a run of a source or an export goes on, or starts over, at a later turn."""


SourceStanding = Standing[WarehouseSource, SourceState]


def lease_name(source: str) -> str:
    """Returns the name of the lease that a process holds while it runs the source."""
    return f"source:{source}"


def due(runtime: Runtime) -> list[str]:
    """Returns the names of the sources that are due and that no process is running."""
    if not runtime.settings.sources:
        return []
    return [each.name for each in schedule_status.due(runtime, standings(runtime)) if not each.running]


def standings(runtime: Runtime) -> list[SourceStanding]:
    """Returns the status of every source in the settings, and records those that are new."""
    return schedule_status.standings(runtime, runtime.settings.sources, sources, lease_name, _next_at)


def find(runtime: Runtime, name: str) -> WarehouseSource:
    """Returns the source of this name. Raises SettingsError where the settings name none."""
    source = runtime.settings.sources.get(name)
    if source is None:
        raise SettingsError(unknown_source(name, runtime.settings.sources))
    return source


def ask(runtime: Runtime, name: str, *, may_leave: bool = False, again: bool = False) -> bool:
    """Makes a source due at once, since a human wants a run.

    Args:
        runtime: What this process has open.
        name: The source, by its name.
        may_leave: Whether users may leave however many rows are gone.
        again: Whether every row is taken in, changed or not.

    Returns:
        True if no run was already asked for that is still to come.

    Raises:
        SettingsError: The settings do not name the source.
    """
    find(runtime, name)
    standings(runtime)
    with runtime.store.writing() as tx:
        return sources.ask(tx, name, may_leave=may_leave, again=again)


def take_turn(
    runtime: Runtime,
    name: str,
    until: Callable[[], bool] = lambda: False,
    report: Callable[[Counts], None] = lambda _: None,
    lease_seconds: float = SECONDS,
) -> SourceState | None:
    """Runs a source to its end where it is due.

    Where the query fails or too many rows are gone, the reason is stored with the source and as a problem.

    Args:
        runtime: What this process has open.
        name: The source, by its name.
        until: Says when to stop before the end.
        report: Is called with the counts of the run after each batch of rows.
        lease_seconds: The length of the lease, which is renewed as long as the process lives.

    Returns:
        The state of the source after the run; None where another process runs it, or it is not due.

    Raises:
        SettingsError: The settings do not name the source.
        StoreError, LostError, StoppedError: The run has not come to its end; the next turn goes on, or starts over.
    """
    source = find(runtime, name)
    with leased(runtime.store, lease_name(name), lease_seconds) as lease:
        if lease is None or name not in [each.name for each in schedule_status.due(runtime, standings(runtime))]:
            return None
        state = _begun(runtime, lease, name)
        salted, limit = salt(runtime.settings, source), runtime.settings.intake.max_message_bytes
        run = SourceRun(runtime.store, runtime.syncs, source, lease, state, salted, limit, until, report)
        return _attempted(runtime, run)


def _next_at(state: SourceState, source: WarehouseSource) -> float | None:
    return due_at(state, source.times)


def _begun(runtime: Runtime, lease: Lease, name: str) -> SourceState:
    with runtime.store.writing() as tx:
        lease.confirm(tx)
        state = sources.load(tx)[name]
        begun = replace(state, started_at=runtime.store.now(tx), ended_at=None, counts=NO_COUNTS)
        sources.save(tx, begun)
    log.info("source begun", source=name)
    return begun


def _attempted(runtime: Runtime, run: SourceRun) -> SourceState:
    reason, failures = "", 0
    try:
        run.go()
    except LATER:
        raise
    except SourceHeldError as error:
        reason = str(error)
    except ConnectorError as error:
        reason, failures = str(error), run.state.failures + 1
    return _ended(runtime, run, reason, failures)


def _ended(runtime: Runtime, run: SourceRun, reason: str, failures: int) -> SourceState:
    name = run.source.name
    with runtime.store.writing() as tx:
        run.lease.confirm(tx)
        now = runtime.store.now(tx)
        state = replace(run.state, ended_at=now, counts=run.counts, error=reason, failures=failures)
        sources.save(tx, state)
        sources.answer(tx, state)
        exports.note_source_run(tx, state)
        problems.instead(tx, Problem(KIND, name, reason), now)
    log.info("source ended", source=name, **state.counts._asdict(), reason=reason)
    return state
