"""Drift: where Customer.io holds something else than what it confirmed.

An audit compares what was delivered with what the App API shows. It shows every value as a string
(docs/customerio.md#app-api). Some things Customer.io writes in its own way or changes by itself: those are no drift.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import from_json, to_json

from connector.audience import desired as audience
from connector.audience.audience_status import AudienceStatus
from connector.audience.rules import Rules
from connector.model.entity import Entity, Identifier, Profile
from connector.planning.step import UNCERTAIN

DriftKind = Literal["missing", "should be absent", "attribute other", "attribute absent", "attribute surplus"]

_OF_CUSTOMERIO = ("_", "cio_")
"""The beginnings of the names that Customer.io keeps for itself (docs/customerio.md#reserved-names)."""
_NOT_COMPARED = frozenset({"anonymous_id", "unsubscribed", "timezone_valid"})
"""Attributes that change without us: a merge uses up the visitor's id, and people unsubscribe by themselves."""
_EMPTY = (None, "")
_LARGEST = 1e300
"""Integers from here on are not compared as floating-point numbers, as these could not hold them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was delivered.

    missing: the person is not there; should be absent: a person who was deleted is there; attribute other, absent,
    surplus: the attribute `name` has another value, is not there, is there although it was cleared.
    """

    kind: DriftKind
    name: str = ""
    delivered: Any = None
    held: Any = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What Customer.io should show for a user to whom nothing is owed.

    person: as delivered, None where nobody should be there; optional: it is as right that nobody is there.
    """

    key: str
    revision: int
    identifier: Identifier
    person: Profile | None
    optional: bool = False


def expected(entity: Entity, rules: Rules) -> Expected | None:
    """Returns what to expect of a user, None where nothing certain can be expected.

    That is so for users who left and were cleared, and for those who have no identifier (or e-mail) now: nothing more
    is sent for them, so nothing of theirs could be mended.
    """
    desired = audience.desired(entity.facts, rules)
    if entity.delivered is not None:
        if desired.person is None:
            return None
        # In mode "update" people may never have been there.
        return Expected(
            entity.key, entity.revision, entity.delivered.identifier, entity.delivered, optional=rules.update_only
        )
    last = rules.addressing.identifier(entity.facts.identity.values)
    if desired.standing is not AudienceStatus.DELETED or last is None:
        return None
    return Expected(entity.key, entity.revision, last, None)


def differences(expected: Expected, held: Mapping[str, Any] | None) -> tuple[Difference, ...]:
    """Returns what is not as expected. held: the attributes as the App API shows them, None where nobody is there."""
    if expected.person is None:
        return () if held is None else (Difference("should be absent"),)
    if held is None:
        return () if expected.optional else (Difference("missing"),)
    delivered = expected.person.attributes
    found = [_difference(name, delivered[name], held.get(name)) for name in sorted(delivered) if _compared(name)]
    return tuple(each for each in found if each is not None)


def _compared(name: str) -> bool:
    return not name.startswith(_OF_CUSTOMERIO) and name not in _NOT_COMPARED


def _difference(name: str, delivered: Any, held: Any) -> Difference | None:
    if delivered == UNCERTAIN:
        return None
    if delivered in _EMPTY:
        return None if held in _EMPTY else Difference("attribute surplus", name, delivered, held)
    if held in _EMPTY:
        return None if delivered in ([], {}) else Difference("attribute absent", name, delivered, held)
    return None if _alike(name, delivered, held) else Difference("attribute other", name, delivered, held)


def _alike(name: str, delivered: Any, held: Any) -> bool:
    if not isinstance(delivered, str):
        return _same(delivered, _parsed(held))
    if name == "email":
        return delivered.lower() == _text(held).lower()
    return delivered == _text(held)


def _parsed(held: Any) -> Any:
    """Returns a value read from the string that the App API shows it as; the string where it is no JSON."""
    if not isinstance(held, str):
        return held
    try:
        return from_json(held)
    except ValueError:
        return held


def _same(one: Any, other: Any) -> bool:
    """Says whether two JSON values are equal. Nulls in objects are ignored, and numbers may be equal as floats only."""
    if isinstance(one, dict) and isinstance(other, dict):
        one, other = _without_nulls(one), _without_nulls(other)
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if _is_number(one) and _is_number(other):
        return bool(one == other) or (max(abs(one), abs(other)) < _LARGEST and float(one) == float(other))
    return _text(one) == _text(other)


def _without_nulls(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: inner for name, inner in value.items() if inner is not None}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value).decode()
