"""The properties of events that go through steps before they are sent, as attributes do (`model.transforms`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.model import attribute_names, bounds, transforms
from connector.model.change import EventKind
from connector.model.transforms import TransformFault, TransformStep
from connector.settings import attribute_transforms
from connector.settings.schema import Sync

_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class PropertySteps:
    """The steps of one property. fills: whether they make something of nothing."""

    steps: tuple[TransformStep, ...]
    fills: bool
    stays_text: bool

    @classmethod
    def of(cls, steps: tuple[TransformStep, ...]) -> "PropertySteps":
        """Returns the steps as they are applied."""
        names = {step.name for step in steps}
        return cls(steps, transforms.DEFAULT in names, bool(names & transforms.TEXTUAL))


@dataclass(frozen=True, slots=True)
class EventTransforms:
    """The steps of properties, by the entry of the settings' `events`: an event's name, page or screen, or "*"."""

    by_entry: Mapping[str, Mapping[str, PropertySteps]]

    @classmethod
    def of(cls, sync: Sync) -> "EventTransforms | None":
        """Returns the steps as the settings give them; None where there are none."""
        by_entry = {
            each.name: {
                name: PropertySteps.of(attribute_transforms.compiled(steps)) for name, steps in each.transform.items()
            }
            for each in sync.events
            if each.transform
        }
        return cls(by_entry) if by_entry else None

    def of_event(self, kind: EventKind, name: str) -> Mapping[str, PropertySteps]:
        """Returns the steps of each property of an event: those for its name, else for its kind, else for "*"."""
        entries = (attribute_names.EVERYTHING, *((kind,) if kind != "event" else ()), name)
        return {property: steps for entry in entries for property, steps in self.by_entry.get(entry, {}).items()}


def transformed(
    properties: Mapping[str, Any], steps: Mapping[str, PropertySteps]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Puts an event's properties through their steps.

    Returns the properties, and by name why others were left out: an event says all of itself, so a default stands in
    for a property that it does not have.
    """
    made, faults = dict(properties), dict[str, str]()
    for name, each in steps.items():
        value = made.pop(name, None if each.fills else _ABSENT)
        if value is _ABSENT:
            continue
        value = transforms.apply(value, each.steps)
        fault = value.reason if isinstance(value, TransformFault) else bounds.fault(value)
        if fault is None:
            made[name] = value
        else:
            faults[name] = fault
    return made, faults
