"""What became of each message of a batch in a sync: one step of the funnel for each, so that the steps add up.

The unit is a message for a sync: a change of one user or object that was read, or what could not be read. A message
about somebody who is due by it is `due` once, and the other messages about them in the same batch came `with others`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from connector.audience.audience_status import AudienceStatus
from connector.audience.rules import EVERYTHING, Rules
from connector.model.entity import Facts
from connector.planning.direction import DIRECTIONS, direction
from connector.store.entities import Written

RECEIVED = "received"
UNREADABLE, NOT_TAKEN, OUTSIDE, REPEATED = "unreadable", "not taken", "not in the audience", "repeated"
NO_CHANGE, WAITS, TOGETHER, DUE = "no change", "waits", "with others", "due"
STEPS = (UNREADABLE, NOT_TAKEN, OUTSIDE, REPEATED, NO_CHANGE, WAITS, TOGETHER, DUE)
"""The ends that a message may come to. The name of a count is the step, and behind a colon the reason, if any."""

UNREADABLE_MESSAGE = f"{UNREADABLE}: the message"
UNREADABLE_ROW = f"{UNREADABLE}: what the store keeps of whom it is about"
NO_ACTION = f"{NOT_TAKEN}: no action takes the call"
NO_OBJECTS = f"{NOT_TAKEN}: the sync takes no objects"


@dataclass(slots=True)
class BatchSteps:
    """The steps of one sync's part of a batch, while it is taken in.

    watched: the segments that the settings name. counts: how many messages, by step and reason. moves: who entered and
    left a watched segment. unchanged: the users of whom nothing moved, and where they stand.
    """

    watched: frozenset[str]
    counts: Counter[str] = field(default_factory=Counter)
    moves: Counter[str] = field(default_factory=Counter)
    unchanged: dict[str, AudienceStatus | None] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: Rules) -> "BatchSteps":
        """Returns the steps of a sync, with nothing counted."""
        return cls((rules.whitelist | rules.mirrors.keys()) - {EVERYTHING})

    def add(self, step: str, count: int) -> None:
        """Counts messages under one step."""
        self.counts[step] += count

    def take(
        self, messages: Mapping[str, int], written: Iterable[Written], unchanged: Mapping[str, AudienceStatus | None]
    ) -> None:
        """Counts what became of the messages about users, or about objects.

        Args:
            messages: How many there are about each, by key.
            written: Those of whom something moved, as they were saved.
            unchanged: The others that the messages are about, and where they stand; None for an object.
        """
        names: list[str] = []
        due = 0
        for each in written:
            count = messages.get(each.entity.key, 0)
            if count and each.due:
                names.append(_DUE[direction(each.entity, each.standing)])
                due += count
            elif count:
                self.counts[_not_due(each)] += count
        self.counts.update(names)  # at once: this runs for every message
        self.counts[TOGETHER] += due - len(names)
        for key, standing in unchanged.items():
            self.counts[REPEATED if standing in _STILL else _outside(standing)] += messages.get(key, 0)

    def moved(self, before: Facts, after: Facts) -> None:
        """Counts which watched segments a user entered and left."""
        was, now = before.segments.values, after.segments.values
        if was != now:
            for each in self.watched:
                if (is_in := _is_in(now, each)) != _is_in(was, each):
                    self.moves[f"{'entered' if is_in else 'left'}: {each}"] += 1

    def of_all(self, read: int, unreadable: int) -> Counter[str]:
        """Returns the steps of all messages, with those received and those that could not be read."""
        return Counter({RECEIVED: read + unreadable, UNREADABLE_MESSAGE: unreadable, **self.counts})


_DUE = {each: f"{DUE}: {each}" for each in DIRECTIONS}
_STILL = (None, AudienceStatus.IN)


def _not_due(written: Written) -> str:
    if written.waits_for is not None:
        return WAITS
    if written.entity.kind != "person" or written.standing == AudienceStatus.IN:
        return NO_CHANGE
    return _outside(written.standing)


def _outside(standing: str | None) -> str:
    return f"{OUTSIDE}: {standing}"


def _is_in(segments: Mapping[str, str | None], segment: str) -> bool:
    """Says whether somebody is in a segment, by its id or its name. A null name says that they left."""
    return segments.get(segment) is not None or segment in segments.values()
