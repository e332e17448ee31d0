"""A workspace to act on in the words of Track v2, with a clock that only moves when told."""

from collections.abc import Callable
from typing import Any

import pytest

from connector.simulator.base.options import Options
from connector.simulator.state.people import SimulatedPerson
from connector.simulator.state.workspace import SimulatedWorkspace

NOON = 1_700_000_000.0


class World:
    """One workspace and its clock."""

    def __init__(self, **options: Any) -> None:
        self.now = NOON
        self.workspace = SimulatedWorkspace(Options().changed(options))

    @property
    def live(self) -> Any:
        return self.workspace.live

    def do(self, action: str, identifiers: dict[str, Any] | None = None, type_: str = "person", **rest: Any) -> None:
        named = {} if identifiers is None else {"identifiers": identifiers}
        self.workspace.apply([{"type": type_, "action": action, **named, **rest}], self.now)

    def identify(self, identifiers: dict[str, Any], **attributes: Any) -> None:
        self.do("identify", identifiers, attributes=attributes)

    def person(self, **identifier: str) -> SimulatedPerson | None:
        ((kind, value),) = identifier.items()
        found: SimulatedPerson | None = self.live.people.find(kind, value)
        return found

    def names(self) -> list[tuple[str | None, str | None]]:
        """Everybody's id and email, in the order they were created."""
        return [(one.identifiers["id"], one.identifiers["email"]) for one in self.live.people]

    def log(self, type_: str) -> list[Any]:
        return [entry.detail for entry in self.live.log.of(type_)]

    def all_but_arrivals(self) -> list[str]:
        return [entry.type for entry in self.live.log if entry.type != "profile_create"]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def world_with() -> Callable[..., World]:
    return World
