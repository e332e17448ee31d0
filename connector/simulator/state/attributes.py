"""Writing a person's attributes: null removes, a value that is not newer than the held one is dropped."""

from collections.abc import Mapping
from typing import Any

from connector.simulator.state.people import SimulatedPerson

_PREFERENCES = "cio_subscription_preferences"
_TOPIC = f"{_PREFERENCES}.topics."


def write(person: SimulatedPerson, changes: Mapping[str, Any], at: float, dated: bool) -> list[str]:
    """Applies changes to the attributes of a person. The last one wins (docs/customerio.md#order).

    Args:
        person: Who has the attributes.
        changes: Values by name; None removes the attribute.
        at: From when on they are true, in unix seconds.
        dated: Whether the request said so itself. Only then can a change lose; equal times go to the later call.

    Returns:
        The names of the attributes whose change lost.
    """
    stale = [name for name in changes if person.timestamps.get(name, at) > at] if dated and person.timestamps else []
    if stale:
        changes = {name: value for name, value in changes.items() if name not in stale}
    # One search through all names at once: this runs for every person of a fleet, and hardly any has topics.
    if _TOPIC in "\n".join(changes):
        changes = _with_topics(person, changes)
    person.attributes.update(changes)
    person.timestamps.update(dict.fromkeys(changes, at))
    if None in changes.values():
        _remove(person, [name for name, value in changes.items() if value is None])
    return stale


def _remove(person: SimulatedPerson, names: list[str]) -> None:
    for name in names:
        person.attributes.pop(name, None)
        person.timestamps.pop(name, None)


def _with_topics(person: SimulatedPerson, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the changes with their flat topic keys folded into the preferences, which keep their other topics (1.5).

    That null takes a topic away, as it does an attribute, is our reading: it is not documented.
    """
    folded = {name: value for name, value in changes.items() if not name.startswith(_TOPIC)}
    preferences = folded.get(_PREFERENCES, person.attributes.get(_PREFERENCES))
    held = preferences if isinstance(preferences, dict) else {}
    topics = held.get("topics") if isinstance(held.get("topics"), dict) else {}
    touched = {name.removeprefix(_TOPIC): value for name, value in changes.items() if name.startswith(_TOPIC)}
    merged = {name: value for name, value in {**(topics or {}), **touched}.items() if value is not None}
    folded[_PREFERENCES] = {**held, "topics": merged}
    return folded
