"""How what runs by a schedule stands, sources and exports alike: which are due, and which are being run."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from sqlalchemy import Connection

from connector.runtime import Runtime
from connector.store import named_leases

Configured = TypeVar("Configured")
State = TypeVar("State")


class StateTable(Protocol[State]):
    """Where the states of one sort of them are kept: a module of the store."""

    def load(self, tx: Connection) -> dict[str, State]:
        """Returns the state of each that has ever been seen, by name."""

    def see(self, tx: Connection, names: Collection[str], now: float) -> None:
        """Notes that these exist, in a writing transaction; now: unix seconds."""


@dataclass(frozen=True, slots=True)
class Standing(Generic[Configured, State]):
    """How one of them stands.

    name, configured: as the settings have it; state: as the store has it; running: somebody runs it now; next_at: when
    it is due, in unix seconds, 0 for at once, None for never by itself.
    """

    name: str
    configured: Configured
    state: State
    running: bool
    next_at: float | None

    def due(self, now: float) -> bool:
        """Whether its time has come."""
        return self.next_at is not None and self.next_at <= now


def standings(
    runtime: Runtime,
    configured: Mapping[str, Configured],
    table: StateTable[State],
    lease_name: Callable[[str], str],
    due_at: Callable[[State, Configured], float | None],
) -> list[Standing[Configured, State]]:
    """Returns how each of them stands. Those that are new are noted as seen.

    Args:
        runtime: What this process has open.
        configured: All that the settings name.
        table: Where their states are kept.
        lease_name: Names the lease that who runs one holds.
        due_at: Says when one is due.
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
    """Returns those of them whose time has come, whoever runs them."""
    if not found:
        return []
    with runtime.store.reading() as tx:
        now = runtime.store.now(tx)
    return [each for each in found if each.due(now)]
