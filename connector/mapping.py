"""A user's attributes as Customer.io wants them: chosen, named, cast, within the limits.

The limits are Customer.io's and count UTF-8 bytes (reference: customerio-api, 3.2). They hold for one attribute, not
for the person: what exceeds them is left out and becomes a problem, everything else goes.
"""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, NamedTuple

from pydantic_core import to_json

from connector import moment, naming, transform
from connector.model.change import Change
from connector.model.problem import Problem
from connector.audience.rules import MISSING, Chosen, Rules, Transformed
from connector.model.transforms import Fault

IDENTIFIER_BYTES = 150
NAME_BYTES = 150
VALUE_BYTES = 1000
ATTRIBUTES = 300
_BYTES_A_CHARACTER = 4
_JSON_BYTES_A_CHARACTER = 6  # a control character is written \u00XX
_LONG_NUMBER = 10**VALUE_BYTES
_EMPTY_EMAILS = frozenset({"", "n/a"})


class Reading(NamedTuple):
    """What one change says, in a sync's terms: attributes by Customer.io name, identity by role."""

    attributes: dict[str, Any]
    identity: dict[str, str | None]
    problems: tuple[Problem, ...] = ()


def read(change: Change, rules: Rules) -> Reading:
    """What `change` says of the attributes and identifiers that the sync sends."""
    problems: list[Problem] = []
    attributes: dict[str, Any] = {}
    _take(attributes, rules.attributes, change.user, rules, change.key, problems)
    if rules.transformed:
        _transform(attributes, change, rules, problems)
    if change.account:
        _take(attributes, rules.account_attributes, change.account, rules, change.key, problems)
        if rules.whole_account:
            _take_account(attributes, change, rules, problems)
    return Reading(attributes, _identity(change, rules, problems), tuple(problems))


def chosen(
    given: Mapping[str, Any], attributes: Chosen, rules: Rules, key: str, *, whole: bool
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """What `given` says of `attributes`, those of an object or a relationship; `whole`: it is all that there is."""
    problems: list[Problem] = []
    found: dict[str, Any] = {}
    _take(found, attributes.plain, given, rules, key, problems)
    for each in attributes.transformed:
        value = each.source.find(given)
        if value is MISSING and each.fills and whole:
            value = None
        if value is not MISSING:
            _put_transformed(found, each, value, rules, key, problems)
    return found, tuple(problems)


def segment_names(names: Iterable[str], key: str) -> tuple[list[str], tuple[Problem, ...]]:
    """The value of the segment attribute: lower case, unique, sorted, as many names as fit into 1000 bytes."""
    wanted = sorted({name.lower() for name in names})
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


def listed(names: Iterable[str]) -> list[str]:
    """The value of the segment attribute, without the problems."""
    return segment_names(names, "")[0]


def has_email(email: str | None) -> bool:
    """Whether there is an address to mail to; upstreams write "n/a" for none (reference: hull-behaviour, 4)."""
    return email is not None and email.strip().lower() not in _EMPTY_EMAILS


def _take(
    into: dict[str, Any],
    chosen: Iterable[tuple[str, Any]],
    attributes: Mapping[str, Any],
    rules: Rules,
    key: str,
    problems: list[Problem],
) -> None:
    for target, source in chosen:
        value = source.find(attributes)
        if value is not MISSING:
            _put(into, target, value, rules, key, problems)


def _transform(into: dict[str, Any], change: Change, rules: Rules, problems: list[Problem]) -> None:
    """The attributes that go through steps; a loop of their own, so that the others cost what they cost without."""
    for each in rules.transformed:
        value = each.source.find(change.account if each.of_account else change.user)
        if value is MISSING and each.fills and change.whole:
            value = None
        if value is not MISSING:
            _put_transformed(into, each, value, rules, change.key, problems)


def _put_transformed(
    into: dict[str, Any], each: Transformed, value: Any, rules: Rules, key: str, problems: list[Problem]
) -> None:
    made = transform.apply(value, each.steps)
    if rules.convert_dates and not each.stays_text:
        made = cast(made, each.target)
    fault = made.reason if isinstance(made, Fault) else _fault(made)
    if fault is None:
        into[each.target] = made
    else:
        problems.append(Problem("attribute", key, f"attribute {each.target!r} {fault}: it is left out"))


def _take_account(into: dict[str, Any], change: Change, rules: Rules, problems: list[Problem]) -> None:
    for name, value in _whole_account(change, rules):
        target = naming.account_target(naming.bare(name))
        if len(into) >= ATTRIBUTES - 1:
            reason = (
                f"the account has more attributes than the {ATTRIBUTES} that Customer.io takes: the rest is left out"
            )
            problems.append(Problem("attribute", change.key, reason))
            return
        if len(target.encode()) > NAME_BYTES:
            reason = f"the account attribute's name {target[:40]!r}... exceeds {NAME_BYTES} bytes: it is left out"
            problems.append(Problem("attribute", change.key, reason))
            continue
        _put(into, target, value, rules, change.key, problems)


def _whole_account(change: Change, rules: Rules) -> Iterable[tuple[str, Any]]:
    """All that the account has, but what the settings name with steps of its own."""
    if not rules.transformed:
        return change.account.items()
    named = {each.target for each in rules.transformed}
    account = change.account.items()
    return [(name, value) for name, value in account if naming.account_target(naming.bare(name)) not in named]


def _put(into: dict[str, Any], target: str, value: Any, rules: Rules, key: str, problems: list[Problem]) -> None:
    if rules.convert_dates:
        value = cast(value, target)
    fault = _fault(value)
    if fault is None:
        into[target] = value
    else:
        problems.append(Problem("attribute", key, f"attribute {target!r} {fault}: it is left out"))


def cast(value: Any, target: str) -> Any:
    """A full ISO date or date-time as unix seconds, and milliseconds where the name says that it is a time."""
    if isinstance(value, str):
        as_seconds = moment.seconds(value) if len(value) >= len("2026-01-31") and value[4] == "-" else None
        return value if as_seconds is None else as_seconds
    if isinstance(value, int | float) and value >= moment.MILLISECONDS_FROM and target.endswith(("_at", "_date")):
        as_seconds = moment.seconds(value)
        return value if as_seconds is None else as_seconds
    return value


def _fault(value: Any) -> str | None:
    """Why Customer.io would not take `value`, or None."""
    if isinstance(value, str):
        if len(value) * _BYTES_A_CHARACTER <= VALUE_BYTES or len(value.encode()) <= VALUE_BYTES:
            return None
        return f"exceeds {VALUE_BYTES} bytes"
    if isinstance(value, float):
        return None if isfinite(value) else "is not a number that JSON can carry"
    if isinstance(value, int) and abs(value) >= _LONG_NUMBER:
        return f"exceeds {VALUE_BYTES} bytes"
    if isinstance(value, dict | list) and _size(value) > VALUE_BYTES:
        return f"exceeds {VALUE_BYTES} bytes"
    return None


def _size(value: Any) -> int:
    return len(to_json(value))


def _identity(change: Change, rules: Rules, problems: list[Problem]) -> dict[str, str | None]:
    identity: dict[str, str | None] = {}
    value = rules.identifier.find(change.user)
    if value is not MISSING:
        identity["identifier"] = _identifier(value, change.key, problems)
    email = rules.email.find(change.user)
    if email is not MISSING:
        identity["email"] = email if isinstance(email, str) else None
        if rules.by_either and isinstance(email, str):
            identity["email"] = _identifier(email.strip(), change.key, problems)
    return identity


def _identifier(value: Any, key: str, problems: list[Problem]) -> str | None:
    found = text(value)
    if found is not None and "\0" in found:
        problems.append(Problem("identifier", key, "the identifier holds a NUL character: the person cannot be sent"))
        return None
    if found is None or len(found) * _BYTES_A_CHARACTER <= IDENTIFIER_BYTES or len(found.encode()) <= IDENTIFIER_BYTES:
        return found
    reason = f"the identifier exceeds {IDENTIFIER_BYTES} bytes: the person cannot be sent"
    problems.append(Problem("identifier", key, reason, found[:IDENTIFIER_BYTES]))
    return None


def text(value: Any) -> str | None:
    """An identifier as text; None for null, blanks, booleans and structures. 0 is an identifier, "" is none."""
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= _LONG_NUMBER:
        return None
    return str(value)
