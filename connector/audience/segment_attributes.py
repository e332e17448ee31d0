"""Decides how the segments of a person are told to Customer.io: as one list, or as an attribute for each.

A list is in the attribute that the settings name (`segment_attribute`). Else each segment has an attribute of its own,
`hull_segment_paying`, while the person is in it: true, or the time of entry in unix seconds. It is cleared when they
leave. The limits count UTF-8 bytes (docs/customerio.md#sizes).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import to_json

from connector.model.attribute_names import ACCOUNT, EVERYTHING
from connector.model.entity import Facts
from connector.model.lifecycle import Lifecycle
from connector.model.limits import ATTRIBUTES, ATTRIBUTES_AN_ITEM, NAME_BYTES, VALUE_BYTES
from connector.model.problem import Problem
from connector.settings.schema import Sync

_JSON_BYTES_A_CHARACTER = 6  # a control character is written \u00XX
_BYTES_A_LOWERED_CHARACTER = 6  # at most: lower case makes two characters of two bytes each of some
_ROOM_BESIDE_ALL = 100
"""The number of segments for which there is room where all that upstream says of a user is sent beside them."""
_NO_WORD = re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class SegmentsAs:
    """The settings by which segments are sent.

    attribute: its name, or the beginning of each name; "" where none is sent. room: for how many attributes there is
    room beside the others of a person; others: for how many others, where the settings do not name each.
    """

    attribute: str
    shape: Literal["list", "booleans", "times"] = "list"
    lower: bool = True
    room: int = ATTRIBUTES_AN_ITEM
    others: int = ATTRIBUTES_AN_ITEM

    @classmethod
    def of(cls, sync: Sync) -> "SegmentsAs":
        """Returns what the settings of a sync say."""
        unnamed = any(each.source in (ACCOUNT, EVERYTHING) for each in sync.attributes)
        room = _ROOM_BESIDE_ALL if unnamed else ATTRIBUTES_AN_ITEM - len(sync.attributes)
        others = ATTRIBUTES_AN_ITEM - (0 if sync.segment_shape == "list" else _ROOM_BESIDE_ALL)
        return cls(sync.segment_attribute, sync.segment_shape, sync.segment_case == "lower", room, others)

    @property
    def targets(self) -> frozenset[str]:
        """The attributes that are known before anybody is in a segment."""
        return frozenset({self.attribute} - {""}) if self.shape == "list" else frozenset()

    @property
    def keeps_times(self) -> bool:
        """Says whether the time of entry is to be known."""
        return self.shape == "times" and self.attribute != ""

    def maps(self, target: str) -> bool:
        """Says whether an attribute of this name is that of a segment."""
        return self.shape != "list" and self.attribute != "" and target.startswith(f"{self.attribute}_")

    def attributes(self, names: Iterable[str], facts: Facts) -> dict[str, Any]:
        """Returns the attributes of somebody in these segments."""
        return self._read(names, facts.lifecycle, "")[0]

    def problems(self, names: Iterable[str], key: str) -> tuple[Problem, ...]:
        """Returns a problem for what of these segments cannot be sent for the user with this key."""
        listed = list(names)
        return () if not self.attribute or self._surely_fits(listed) else self._read(listed, Lifecycle(), key)[1]

    def _surely_fits(self, names: Iterable[str]) -> bool:
        """Says whether so many names, whatever characters they have, are within the limit of one attribute."""
        if self.shape != "list":
            return False
        return sum([len(name) + 1 for name in names]) * _BYTES_A_LOWERED_CHARACTER <= VALUE_BYTES

    def _read(self, names: Iterable[str], lifecycle: Lifecycle, key: str) -> tuple[dict[str, Any], tuple[Problem, ...]]:
        if not self.attribute:
            return {}, ()
        if self.shape != "list":
            return self._each(names, lifecycle, key)
        value, left_out = _listed({name.lower() for name in names} if self.lower else set(names), key)
        return {self.attribute: value}, left_out

    def _each(self, names: Iterable[str], lifecycle: Lifecycle, key: str) -> tuple[dict[str, Any], tuple[Problem, ...]]:
        named = {self._target(name): name for name in sorted(names, reverse=True)}
        short = sorted(target for target in named if len(target.encode()) <= NAME_BYTES)
        problems = [_too_long(target, key) for target in sorted(named.keys() - set(short))]
        if len(short) > self.room:
            problems.append(_too_many(short[self.room :], key))
        fitting = {target: named[target] for target in short[: self.room]}
        return self._valued(fitting, lifecycle.entered_segments), tuple(problems)

    def _target(self, name: str) -> str:
        """Returns a segment's attribute: what is no letter, digit or underscore becomes "_", for the sake of Liquid."""
        own = _NO_WORD.sub("_", name.lower() if self.lower else name).strip("_")
        return f"{self.attribute}_{own}"

    def _valued(self, named: Mapping[str, str], times: Mapping[str, int]) -> dict[str, Any]:
        if self.shape == "booleans":
            return dict.fromkeys(named, True)
        return {target: times[name] for target, name in named.items() if name in times}


def _too_long(target: str, key: str) -> Problem:
    reason = f"the segment's attribute {target[:40]!r}... exceeds {NAME_BYTES} bytes: it is left out"
    return Problem("attribute", key, reason)


def _too_many(targets: Sequence[str], key: str) -> Problem:
    reason = f"{len(targets)} segments are left out: with them the person would have more than {ATTRIBUTES} attributes"
    return Problem("attribute", key, reason, list(targets))


def _listed(names: Iterable[str], key: str) -> tuple[list[str], tuple[Problem, ...]]:
    """Returns the names, each once, sorted, as many as fit into one value."""
    wanted = sorted(names)
    if sum(map(len, wanted)) * _JSON_BYTES_A_CHARACTER + 4 * len(wanted) <= VALUE_BYTES or _size(wanted) <= VALUE_BYTES:
        return wanted, ()
    fitting: list[str] = []
    size = len("[]")
    for name in wanted:
        size += _size(name) + 1
        if size - 1 > VALUE_BYTES:
            break
        fitting.append(name)
    left_out = len(wanted) - len(fitting)
    reason = f"the list of segments exceeds {VALUE_BYTES} bytes: {left_out} of {len(wanted)} names are left out"
    return fitting, (Problem("attribute", key, reason, wanted[len(fitting) :]),)


def _size(value: Any) -> int:
    return len(to_json(value))
