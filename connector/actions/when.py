"""Tells which calls an action is for: by type, by the name of a tracked event, by what stands in a field."""

from dataclasses import dataclass
from typing import Any

from connector.actions.template import ABSENT, Constant, Path
from connector.model.change import Fields


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on a field. Absent and null are the same: not there.

    one_of: it is one of these; none_of: it is none of these, or not there; exists: whether it is there. None where
    that is not asked.
    """

    field: Path
    one_of: tuple[Any, ...] | None = None
    none_of: tuple[Any, ...] | None = None
    exists: bool | None = None

    def holds(self, call: Fields) -> bool:
        """Says whether it holds for a call."""
        value = self.field.find(call)
        there = value is not ABSENT and value is not None
        if self.exists is not None:
            return there is self.exists
        if self.one_of is not None:
            return there and any(same(value, each) for each in self.one_of)
        return not any(same(value, each) for each in self.none_of or ())

    def __str__(self) -> str:
        """Returns the condition as a sentence about the call that it holds for."""
        if self.exists is not None:
            return f"{self.field} is {'' if self.exists else 'not '}there"
        values = self.none_of if self.one_of is None else self.one_of
        choice = " or ".join(str(Constant(each)) for each in values or ())
        return f"{self.field} is {'not ' if self.one_of is None else ''}{choice}"


def same(value: Any, wanted: Any) -> bool:
    """Says whether a value of a call is the one wanted: 1 and 1.0 are the same, true and 1 are not."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return type(value) in (str, int, float) and isinstance(value, str) is isinstance(wanted, str) and value == wanted


@dataclass(frozen=True, slots=True)
class When:
    """The calls of these types, with these events, where all conditions hold; types and events: none given is all."""

    types: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    conditions: tuple[Condition, ...] = ()

    def fits(self, call: Fields) -> bool:
        """Says whether a call is meant."""
        if self.types and call["type"] not in self.types:
            return False
        if self.events and str(call.get("event")).strip() not in self.events:
            return False
        return all(each.holds(call) for each in self.conditions) if self.conditions else True

    def fault(self, call: Fields) -> str | None:
        """Returns why a call is not meant; None where it is."""
        if self.types and call["type"] not in self.types:
            return f"it is for {self._types()}"
        if self.events and str(call.get("event")).strip() not in self.events:
            return f"it is for the event {self._events()}"
        broken = next((each for each in self.conditions if not each.holds(call)), None)
        return None if broken is None else f"it is for calls where {broken}"

    def __str__(self) -> str:
        """Returns it as documents and explanations write it."""
        named = f"{self._types()}: {self._events()}" if self.events else self._types()
        return f"{named}, where {' and '.join(map(str, self.conditions))}" if self.conditions else named

    def _types(self) -> str:
        return ", ".join(sorted(self.types)) or "every call"

    def _events(self) -> str:
        return " or ".join(sorted(self.events))
