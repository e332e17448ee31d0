"""The status of everything that runs by a schedule, sources and exports alike: what is due, and what is running."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from sqlalchemy import Connection

from connector.runtime import Runtime
from connector.store import named_leases

Configured = TypeVar("Configured")
State = TypeVar("State")


class StateTable(Protocol[State]):
    """The module of the store that keeps the states of sources, or of exports."""

    def load(self, tx: Connection) -> dict[str, State]:
        """Returns the state of each source or export that was ever recorded, by its name."""

    def see(self, tx: Connection, names: Collection[str], now: float) -> None:
        """Records sources or exports by their names, in a transaction that writes. now: unix seconds."""


@dataclass(frozen=True, slots=True)
class Standing(Generic[Configured, State]):
    """The status of one source or export. name, configured: as the settings have it; state: as the store has it.

    running: whether a process is running it now. next_at: when it is due, in unix seconds; 0 for at once, None where
    only a human can ask for a run.
    """

    name: str
    configured: Configured
    state: State
    running: bool
    next_at: float | None

    def due(self, now: float) -> bool:
        """Says whether its next run is due at `now` (unix seconds)."""
        return self.next_at is not None and self.next_at <= now


def standings(
    runtime: Runtime,
    configured: Mapping[str, Configured],
    table: StateTable[State],
    lease_name: Callable[[str], str],
    due_at: Callable[[State, Configured], float | None],
) -> list[Standing[Configured, State]]:
    """Records the sources, or exports, that are new, and returns the status of each.

    Args:
        runtime: What this process has open.
        configured: All that the settings name, by their names.
        table: Where their states are kept.
        lease_name: Returns the name of the lease that a process holds while it runs one.
        due_at: Returns when one is due, in unix seconds; None where only a human can ask for a run.

    Returns:
        The status of each, in the order of the settings.
    """
    with runtime.store.reading() as tx:
        states = table.load(tx)
    if new := [name for name in configured if name not in states]:
        with runtime.store.writing() as tx:
            table.see(tx, new, runtime.store.now(tx))
            states = table.load(tx)
    with runtime.store.reading() as tx:
        running = named_leases.held(tx, [lease_name(name) for name in configured], runtime.store.now(tx))
    return [
        Standing(name, each, states[name], lease_name(name) in running, due_at(states[name], each))
        for name, each in configured.items()
    ]


def due(runtime: Runtime, found: Collection[Standing[Configured, State]]) -> list[Standing[Configured, State]]:
    """Returns those whose next run is due, whether a process is running them or not."""
    if not found:
        return []
    with runtime.store.reading() as tx:
        now = runtime.store.now(tx)
    return [each for each in found if each.due(now)]
