"""`manual_segments` of a sync: which upstream segments are mirrored into which manual segments of Customer.io."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from connector.settings.mistakes import listed, refuse, shown

Target = str | int
"""A manual segment: by its name, which is made where it is not there, or by its id in Customer.io."""


def mistakes(given: Mapping[str, Any]) -> list[str]:
    """What is wrong with each mirror, and where two would undo each other."""
    found = ["an empty name of an upstream segment is not accepted; leave it out"] if _blank(given) else []
    accepted = 'give the name of a manual segment, "" for the same name, or an id such as 7'
    for segment, target in given.items():
        if isinstance(target, bool) or not (isinstance(target, str) or (isinstance(target, int) and target >= 1)):
            found.append(f"{shown(target)} is not accepted for {shown(segment)}; {accepted}")
    return found or _shared(targets(given))


def _blank(given: Mapping[str, Any]) -> bool:
    return not all(segment.strip() for segment in given)


def _shared(by_segment: Mapping[str, Target]) -> list[str]:
    """Manual segments that several upstream segments are mirrored into: one would take out whom the other put in."""
    times = Counter(by_segment.values())
    return [
        f"{listed([shown(one) for one, to in by_segment.items() if to == target])} are all mirrored into "
        f"{shown(target)}; give each a manual segment of its own"
        for target, count in times.items()
        if count > 1
    ]


def targets(given: Mapping[str, Target]) -> dict[str, Target]:
    """The manual segment of each upstream segment: "" stands for the upstream segment's own name."""
    return {segment: target or segment for segment, target in given.items()}


def _a_table(given: Any) -> Any:
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        refuse([f'{shown(given)} is not accepted; give a table such as {{ "Paying" = "Paying (synced)" }}'])
    refuse(mistakes({key: value.strip() if isinstance(value, str) else value for key, value in given.items()}))
    return given


def _trimmed(given: dict[str, Target]) -> dict[str, Target]:
    return {segment: target.strip() if isinstance(target, str) else target for segment, target in given.items()}


ManualSegments = Annotated[
    dict[str, Target],
    BeforeValidator(_a_table),
    AfterValidator(_trimmed),
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"minLength": 1},
            "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 1}]},
        }
    ),
]
