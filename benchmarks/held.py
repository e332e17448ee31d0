"""What Customer.io must hold in the end, worked out from what was sent alone, and by no line of the product's.

A user's last turn counts, whatever came late or twice: inside the audience they are there, with these attributes and no
others; outside they are not. Events since they last were outside must be there, each once; older ones may be.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from benchmarks.notifications import Notifications, Step, segments, user

_FIELDS = {
    "email": "email",
    "first_name": "first_name",
    "last_name": "last_name",
    "traits_plan": "plan",
    "traits_turn": "turn",
    "traits_mrr": "mrr",
    "traits_seats": "seats",
    "traits_clearbit/employees": "employees",
    "sessions_count": "sessions_count",
}
_TIMES = ("created_at", "last_seen_at")
_AMONG_IDENTIFIERS = ("email",)
_SHOWN = 5


@dataclass(slots=True)
class Person:
    """One person as Customer.io must hold them. None of attributes: not at all."""

    last: Step
    attributes: Callable[[], dict[str, Any]] | None = None
    must: set[str] = field(default_factory=set)
    may: set[str] = field(default_factory=set)


def attributes(name: str, step: Step) -> dict[str, Any]:
    """Returns the person's attributes after a step, in Customer.io's words."""
    said = user(name, step)
    return {
        **{target: said[source] for source, target in _FIELDS.items()},
        **{moment: seconds(said[moment]) for moment in _TIMES},
        "account_name": f"Thistle Works {step.person % 500}",
        "hull_segment": sorted(each["name"].lower() for each in segments(step)),
    }


def seconds(text: str) -> int:
    """Returns the unix seconds of an ISO time."""
    return int(datetime.fromisoformat(text).timestamp())


def events(step: Step) -> set[str]:
    """Returns the numbers of a step's events."""
    return {f"{step.turn}-{place}" for place in range(step.events)}


def expected(given: Notifications) -> dict[str, Person]:
    """Returns everybody who was named, by id; who must not be there among them."""
    stories: dict[int, list[Step]] = {}
    for step in set(given.steps):
        stories.setdefault(step.person, []).append(step)
    return {identifier(given.name(person)): _person(given, steps) for person, steps in stories.items()}


def identifier(name: str) -> str:
    """Returns how Customer.io knows the user of this name."""
    return f"x{name[1:]}"


def _person(given: Notifications, steps: list[Step]) -> Person:
    story = sorted(steps, key=lambda step: step.turn)
    last = story[-1]
    if not last.inside:
        return Person(last)
    outside = max((step.turn for step in story if not step.inside), default=0)
    told = [step for step in story if step.inside]
    must = set().union(*(events(step) for step in told if step.turn > outside))
    may = set().union(*(events(step) for step in told if step.turn < outside))
    return Person(last, partial(attributes, given.name(last.person), last), must, may)


def differences(people: Mapping[str, Person], rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Returns what the simulator's people are not, but must be: a line each; empty where all is right."""
    left = {name for name, person in people.items() if person.attributes}
    found: list[str] = []
    for row in rows:
        name = row["identifiers"].get("id") or "?"
        left.discard(name)
        wrong = _wrong(people.get(name), row)
        found += [f"{name}: {wrong}"] if wrong else []
    return found + [f"{name}: is not there" for name in left]


def _wrong(person: Person | None, row: Mapping[str, Any]) -> str:
    if person is None or person.attributes is None:
        return "must not be there"
    own = {name: row["identifiers"][name] for name in _AMONG_IDENTIFIERS if row["identifiers"].get(name)}
    if {**own, **row["attributes"]} != person.attributes():
        return f"is not as last said, at turn {person.last.turn}"
    numbers = Counter(event["attributes"].get("number") for event in row["events"])
    if any(count > 1 for count in numbers.values()):
        return "has an event twice"
    if not person.must <= numbers.keys() <= person.must | person.may:
        return "has not the events that it must have"
    return ""


def shown(wrong: list[str]) -> str:
    """Returns the first of them, for an error."""
    return "; ".join(wrong[:_SHOWN])


def read(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    """Returns the simulator's list of people, one at a time."""
    return map(json.loads, lines)
