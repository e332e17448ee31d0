"""What Customer.io should hold of a person beside what it was confirmed to hold, and what it holds now."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connector.admin.person.as_json import side_by_side
from connector.admin.person.late_drops import LateDrop
from connector.planning.step import same


class ComparedField(NamedTuple):
    """One thing that is held, or should be; None for nothing. now: by Customer.io's own word, None where not asked.

    dropped: the problem that says that Customer.io dropped it later, although it was confirmed; "" for none.
    """

    name: str
    should: Any
    confirmed: Any
    now: Any
    differs: bool
    dropped: str = ""


def compared(person: Mapping[str, Any], drops: Sequence[LateDrop] = ()) -> list[ComparedField]:
    """Returns everything beside each other: what differs comes first.

    Args:
        person: A sync's part of what `as_json` returns.
        drops: What Customer.io dropped of this person later, in any sync.
    """
    mine = [each for each in drops if each.sync == person["sync"]]
    found = [_marked(each, mine) for each in (*_besides(person), *_attributes(person))]
    return sorted(found, key=lambda each: not each.differs)


def _marked(field: ComparedField, drops: Iterable[LateDrop]) -> ComparedField:
    """Returns a field that was dropped later as one that differs. What is held by Customer.io's word now is held."""
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
    """Whether Customer.io holds something else; what it has that was never sent is none of ours."""
    return confirmed is not None and str(confirmed) != str(now)


def _besides(person: Mapping[str, Any]) -> Iterator[ComparedField]:
    should, confirmed = person["should"] or {}, person["confirmed"] or {}
    for name, word in (("identifier", "identifier"), ("devices", "devices"), ("relationships", "related objects")):
        one, other = _plain(should.get(name)), _plain(confirmed.get(name))
        if one or other:
            yield ComparedField(word, one, other, None, one != other)


def _plain(found: Any) -> Any:
    """Returns an identifier, or a list, in words; None for nothing."""
    if not found:
        return None
    words = (f"{type} {value}" for type, value in found.items()) if isinstance(found, dict) else map(str, found)
    return ", ".join(words)
