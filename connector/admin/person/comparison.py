"""Compares what Customer.io should hold of a person with what it confirmed, and with what it holds now."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connector.admin.person.as_json import side_by_side
from connector.admin.person.late_drops import LateDrop
from connector.planning.step import same


class ComparedField(NamedTuple):
    """One thing that is held, or should be; None stands for no value.

    now: what the App API shows, None where it was not asked or has no value; differs: whether something is not as it
    should be; dropped: the id of the problem that says that Customer.io dropped it after confirming it, "" for none.
    """

    name: str
    should: Any
    confirmed: Any
    now: Any
    differs: bool
    dropped: str = ""


def compared(person: Mapping[str, Any], drops: Sequence[LateDrop] = ()) -> list[ComparedField]:
    """Returns each thing with its values side by side, what differs first.

    Args:
        person: A sync's part of what `as_json` returns.
        drops: What Customer.io dropped of this person later, in any sync.
    """
    mine = [each for each in drops if each.sync == person["sync"]]
    found = [_marked(each, mine) for each in (*_besides(person), *_attributes(person))]
    return sorted(found, key=lambda each: not each.differs)


def _marked(field: ComparedField, drops: Iterable[LateDrop]) -> ComparedField:
    """Marks a field that was dropped later as one that differs, unless the App API shows it as it should be."""
    problem = next((each.problem for each in drops if field.name in each.names), "")
    if not problem or (field.now is not None and str(field.now) == str(field.should)):
        return field
    return field._replace(dropped=problem, differs=True)


def _attributes(person: Mapping[str, Any]) -> Iterator[ComparedField]:
    asked = person["held"] is not None and person["held"]["state"] != "not known"
    for name, should, confirmed, now in side_by_side(person):
        differs = not same(should, confirmed) or (asked and _says_otherwise(confirmed, now))
        yield ComparedField(name, should, confirmed, now, differs)


def _says_otherwise(confirmed: Any, now: Any) -> bool:
    """Says whether Customer.io holds something other than was confirmed; what was never sent does not count."""
    return confirmed is not None and str(confirmed) != str(now)


def _besides(person: Mapping[str, Any]) -> Iterator[ComparedField]:
    should, confirmed = person["should"] or {}, person["confirmed"] or {}
    for name, word in (("identifier", "identifier"), ("devices", "devices"), ("relationships", "related objects")):
        one, other = _plain(should.get(name)), _plain(confirmed.get(name))
        if one or other:
            yield ComparedField(word, one, other, None, one != other)


def _plain(found: Any) -> Any:
    """Returns an identifier, or the entries of a list, in words; None where there are none."""
    if not found:
        return None
    words = (f"{type} {value}" for type, value in found.items()) if isinstance(found, dict) else map(str, found)
    return ", ".join(words)
