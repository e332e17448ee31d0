"""One workspace: applies operations, and shows the App API what is visible by now."""

from collections import deque
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from connector.simulator.base.options import Options
from connector.simulator.state import events, identify, lifecycle, merging, relationships
from connector.simulator.state.segments import Catalogue
from connector.simulator.state.state import SimulatedState

SentItem = Mapping[str, Any]

# Operations as Track v2 writes them; v1's calls are translated into these. Segment ones are ours, v2 has none.
ACTIONS: dict[tuple[str, str], Callable[[SimulatedState, SentItem, float], None]] = {
    ("person", "identify"): identify.identify,
    ("person", "delete"): lifecycle.delete,
    ("person", "event"): events.record,
    ("person", "page"): events.record,
    ("person", "screen"): events.record,
    ("person", "clicked_content"): events.record,
    ("person", "viewed_content"): events.record,
    ("person", "add_device"): lifecycle.add_device,
    ("person", "delete_device"): lifecycle.delete_device,
    ("person", "add_relationships"): relationships.add_to_person,
    ("person", "delete_relationships"): relationships.delete_from_person,
    ("person", "merge"): merging.merge,
    ("person", "suppress"): lifecycle.suppress,
    ("person", "unsuppress"): lifecycle.unsuppress,
    ("object", "identify"): relationships.identify_object,
    ("object", "identify_anonymous"): relationships.identify_object_anonymously,
    ("object", "delete"): relationships.delete_object,
    ("object", "add_relationships"): relationships.add_to_object,
    ("object", "delete_relationships"): relationships.delete_from_object,
    ("delivery", "event"): lifecycle.metric,
    ("segment", "add"): lifecycle.add_to_segment,
    ("segment", "remove"): lifecycle.remove_from_segment,
}


class SimulatedWorkspace:
    """The live state, and a second one that lags behind when reads shall (docs/customerio.md#the-simulator).

    The lagging state is the same operations applied again once they are due: whatever the live one became, it becomes.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.catalogue = Catalogue(options.dynamic_segments)
        self.live = SimulatedState(options, self.catalogue)
        self._lagging = SimulatedState(options, self.catalogue) if options.visibility_seconds else None
        self._pending: deque[tuple[SentItem, float]] = deque()
        self._random = None if options.shuffle is None else Random(options.shuffle)

    def apply(self, items: list[SentItem], now: float) -> None:
        """Applies the checked operations of one call, in their order or in the seeded disorder of the options."""
        if self._random is not None:
            items = self._random.sample(items, len(items))
        live = self.live
        for item in items:
            ACTIONS[item["type"], item["action"]](live, item, now)
        if self._lagging is not None:
            self._pending.extend((item, now) for item in items)

    def visible(self, now: float) -> SimulatedState:
        """Returns what the App API sees."""
        if self._lagging is None:
            return self.live
        while self._pending and self._pending[0][1] + self.options.visibility_seconds <= now:
            item, at = self._pending.popleft()
            ACTIONS[item["type"], item["action"]](self._lagging, item, at)
        return self._lagging

    def drop_segment(self, segment_id: int) -> None:
        """Deletes a manual segment; the App API sees its own writes at once."""
        self.catalogue.remove(segment_id)
        self.live.memberships.drop(segment_id)
        if self._lagging is not None:
            self._lagging.memberships.drop(segment_id)
