"""What one running simulator holds."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from connector.simulator.base.calls import Calls
from connector.simulator.base.faults import Faults
from connector.simulator.base.options import Options
from connector.simulator.state.workspace import SimulatedWorkspace

TimeSource = Callable[[], float]


class Simulator:
    """A workspace, its options, the faults in force and the calls so far. Used by one thread: the server's loop."""

    def __init__(self, options: Options, clock: TimeSource) -> None:
        self.clock = clock
        self._begin(options)

    def _begin(self, options: Options) -> None:
        self.options = options
        self.workspace = SimulatedWorkspace(options)
        self.calls = Calls()
        self.faults = Faults()
        self.exports: list[dict[str, Any]] = []
        self.webhooks: dict[int, dict[str, Any]] = {}
        self.app_calls: defaultdict[str, list[float]] = defaultdict(list)
        self.messages = self.triggers = self.reported = 0
        self.broadcasts: dict[int, float] = {}
        self.violations: list[str] = []

    def reset(self, changes: Mapping[str, Any]) -> None:
        """Forgets everything but the options, which take `changes`; wrong ones are an UnreadableError."""
        self._begin(self.options.changed(changes))
