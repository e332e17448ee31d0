"""What Customer.io must hold after the sample, and how it differs from what it does hold."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

_KNOWN_BY = "id"
_PAGES = ("page", "screen")
_NOT_SENT = {"id", "cio_id", "anonymous_id"}  # how Customer.io names a person, not what was sent about one


def load() -> dict[str, Any]:
    """Returns the people, who must be absent and the number of problems, as scripts/make_sample.py wrote them."""
    text = resources.files(__package__).joinpath("expected.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def differences(expected: Mapping[str, Any], people: Iterable[Mapping[str, Any]]) -> list[str]:
    """Returns a line for each thing that `people` (rows of the simulator's read side) hold unlike `expected`."""
    held = [(str(row["identifiers"].get(_KNOWN_BY)), row) for row in people]
    wanted = expected["people"]
    lines = [_surplus(name, expected) for name, _ in held if name not in wanted]
    lines += [
        f"{name}: is there {count} times" for name, count in Counter(name for name, _ in held).items() if count > 1
    ]
    rows = dict(held)
    for name, person in wanted.items():
        lines += [f"{name}: {line}" for line in _of_person(person, rows.get(name))]
    return lines


def _surplus(name: str, expected: Mapping[str, Any]) -> str:
    return f"{name}: must be absent" if name in expected["absent"] else f"{name}: is not one of the sample's users"


def _of_person(wanted: Mapping[str, Any], row: Mapping[str, Any] | None) -> list[str]:
    if row is None:
        return ["is missing"]
    return _of_attributes(wanted["attributes"], _attributes(row)) + _of_events(wanted["events"], row["events"])


def _attributes(row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the person holds; the e-mail address may stand among the identifiers only."""
    everything = [*row["identifiers"].items(), *row["attributes"].items()]
    return {name: value for name, value in everything if name not in _NOT_SENT and value is not None}


def _of_attributes(wanted: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
    pairs = [(name, _shown(wanted, name), _shown(held, name)) for name in sorted(wanted.keys() | held.keys())]
    return [f"{name} must be {must}, is {found}" for name, must, found in pairs if must != found]


def _shown(attributes: Mapping[str, Any], name: str) -> str:
    return json.dumps(attributes[name], ensure_ascii=False, sort_keys=True) if name in attributes else "absent"


def _of_events(wanted: Mapping[str, Any], held: Iterable[Mapping[str, Any]]) -> list[str]:
    found = Counter((_event_name(event), event["timestamp"]) for event in held)
    must = Counter((name, at) for name, at in wanted["must"])
    may = Counter((name, at) for name, at in wanted["may"])
    lines = [f"event {name} of {at} is missing" for name, at in (must - found).elements()]
    return lines + [f"event {name} of {at} is not expected" for name, at in (found - must - may).elements()]


def _event_name(event: Mapping[str, Any]) -> str:
    """Returns the event's name; pages and screens go by their kind, since their names are addresses."""
    kind = event.get("type")
    return str(kind if kind in _PAGES else event["name"])
