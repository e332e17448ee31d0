"""Sources in their turns: which are due, one run of one, and how each stands."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from connector.runtime import AtHand
from connector.errors import ConnectorError, SettingsError, StoreError
from connector.intake import EVERY_SYNC
from connector.bulk.lease import SECONDS, Lease, LostError, leased
from connector.model.problem import Kind, Problem
from connector.settings.warehouse import WarehouseSource, unknown_source
from connector.model.source_run import NO_COUNTS, Counts, SourceState, due_at
from connector.bulk.warehouse.run import HeldError, Run, StoppedError, salt
from connector.store import leases, problems, sources

log = structlog.get_logger(__name__)
KIND: Kind = "source"
LATER = (StoreError, LostError, StoppedError)
"""Why a run may end without an end: it goes on, or starts over, by itself."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a source stands. next_at: unix seconds, 0 for at once, None for by hand; running: somebody is at it now."""

    source: WarehouseSource
    state: SourceState
    running: bool
    next_at: float | None


def lease_name(source: str) -> str:
    """The name of the lease that who runs the source holds."""
    return f"source:{source}"


def due(at_hand: AtHand) -> list[str]:
    """The sources that are due, and that nobody runs."""
    if not at_hand.settings.sources:
        return []
    found = standings(at_hand)
    with at_hand.store.reading() as connection:
        now = at_hand.store.now(connection)
    return [each.source.name for each in found if not each.running and each.next_at is not None and each.next_at <= now]


def standings(at_hand: AtHand) -> list[Standing]:
    """How every source of the settings stands. Those that are new are noted as seen."""
    configured = at_hand.settings.sources
    with at_hand.store.reading() as connection:
        states = sources.load(connection)
    if new := [name for name in configured if name not in states]:
        with at_hand.store.writing() as connection:
            sources.see(connection, new, at_hand.store.now(connection))
            states = sources.load(connection)
    with at_hand.store.reading() as connection:
        now = at_hand.store.now(connection)
        running = leases.held(connection, [lease_name(name) for name in configured], now)
    return [
        Standing(source, states[name], lease_name(name) in running, due_at(states[name], source.times))
        for name, source in configured.items()
    ]


def find(at_hand: AtHand, name: str) -> WarehouseSource:
    """The source of this name. Raises SettingsError where the settings name none."""
    source = at_hand.settings.sources.get(name)
    if source is None:
        raise SettingsError(unknown_source(name, at_hand.settings.sources))
    return source


def ask(at_hand: AtHand, name: str, *, may_leave: bool = False, again: bool = False) -> None:
    """Asks for a run. may_leave: however many are gone; again: every row, changed or not. Raises SettingsError."""
    find(at_hand, name)
    standings(at_hand)
    with at_hand.store.writing() as connection:
        sources.ask(connection, name, may_leave=may_leave, again=again)


def take_turn(
    at_hand: AtHand,
    name: str,
    until: Callable[[], bool] = lambda: False,
    report: Callable[[Counts], None] = lambda _: None,
    lease_seconds: float = SECONDS,
) -> SourceState | None:
    """Runs a source that is due to its end; how it stands then. None where somebody else runs it, or just has.

    What is wrong with the query or its rows is kept with the source, and as a problem. Raises what LATER names, and
    SettingsError where the settings do not name the source.
    """
    source = find(at_hand, name)
    with leased(at_hand.store, lease_name(name), lease_seconds) as lease:
        if lease is None or name not in _due_still(at_hand, name):
            return None
        state = _begun(at_hand, lease, name)
        salted, limit = salt(at_hand.settings, source), at_hand.settings.intake.max_message_bytes
        run = Run(at_hand.store, at_hand.syncs, source, lease, state, salted, limit, until, report)
        return _attempted(at_hand, run)


def _due_still(at_hand: AtHand, name: str) -> list[str]:
    with at_hand.store.reading() as connection:
        now = at_hand.store.now(connection)
    found = [each for each in standings(at_hand) if each.source.name == name]
    return [each.source.name for each in found if each.next_at is not None and each.next_at <= now]


def _begun(at_hand: AtHand, lease: Lease, name: str) -> SourceState:
    with at_hand.store.writing() as connection:
        lease.confirm(connection)
        state = sources.load(connection)[name]
        begun = replace(state, started_at=at_hand.store.now(connection), ended_at=None, counts=NO_COUNTS)
        sources.save(connection, begun)
    log.info("source begun", source=name)
    return begun


def _attempted(at_hand: AtHand, run: Run) -> SourceState:
    reason, failures = "", 0
    try:
        run.go()
    except LATER:
        raise
    except HeldError as error:
        reason = str(error)
    except ConnectorError as error:
        reason, failures = str(error), run.state.failures + 1
    return _ended(at_hand, run, reason, failures)


def _ended(at_hand: AtHand, run: Run, reason: str, failures: int) -> SourceState:
    name = run.source.name
    with at_hand.store.writing() as connection:
        run.lease.confirm(connection)
        now = at_hand.store.now(connection)
        state = replace(run.state, ended_at=now, counts=run.counts, error=reason, failures=failures)
        sources.save(connection, state)
        sources.answer(connection, state)
        problems.clear(connection, KIND, name, but=reason)
        problems.add(connection, EVERY_SYNC, [Problem(KIND, name, reason)] if reason else [], now)
    log.info("source ended", source=name, **state.counts._asdict(), reason=reason)
    return state
