"""A user's attributes as Customer.io wants them: chosen, named, cast, within the limits.

The limits are Customer.io's and count UTF-8 bytes (docs/customerio.md#sizes). They hold for one attribute, not
for the person: what exceeds them is left out and becomes a problem, everything else goes.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from connector.audience import dates
from connector.audience.attribute_limits import SURELY_FITS, choice_fault, name_fault, value_fault
from connector.audience.dates import dated
from connector.audience.rules import MISSING, ChosenAttributes, Rules, Transformed
from connector.model import attribute_names, bounds, identifiers, transforms
from connector.model.attribute_names import PREFERENCES
from connector.model.change import Change
from connector.model.limits import ATTRIBUTES, IDENTIFIER_BYTES
from connector.model.problem import Problem
from connector.model.times import MILLISECONDS_FROM
from connector.model.transforms import TransformFault

_BYTES_A_CHARACTER = 4
_NO_ID = "is neither a text nor a whole number"
_NO_PLACEHOLDERS: frozenset[str] = frozenset()


class MappedFields(NamedTuple):
    """What one change says, in a sync's terms: attributes by Customer.io name, identity by role."""

    attributes: dict[str, Any]
    identity: dict[str, str | None]
    problems: tuple[Problem, ...] = ()


def read(change: Change, rules: Rules) -> MappedFields:
    """Returns what `change` says about the attributes and identifiers that the sync sends."""
    problems: list[Problem] = []
    attributes: dict[str, Any] = {}
    _take(attributes, rules.attributes, change.user, rules, change.key, problems)
    if rules.transformed:
        _transform(attributes, change, rules, problems)
    if change.account:
        _take(attributes, rules.account_attributes, change.account, rules, change.key, problems)
        if rules.whole_account:
            _take_account(attributes, change, rules, problems)
    if rules.every_field:
        _take_all(attributes, "user", rules.every_field.of_user(change.user), rules, change.key, problems)
    _identifying(attributes, rules, change.key, problems)
    return MappedFields(attributes, _identity(change, rules, problems), tuple(problems))


def chosen(
    given: Mapping[str, Any], attributes: ChosenAttributes, rules: Rules, key: str, *, whole: bool
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """Picks the attributes of an object or a relationship, under the names that Customer.io knows them by.

    Args:
        given: What upstream says, by its own names.
        attributes: Which of it is sent, and how it is transformed.
        rules: The sync's rules.
        key: Whose attributes they are, for the problems.
        whole: Whether `given` names all there is: what it leaves out is then filled with its default.

    Returns:
        The attributes by name, and a problem for each value that cannot be sent.
    """
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
        if value is MISSING:
            continue
        if _stays(value) and not target.startswith(PREFERENCES):
            into[target] = value
        else:
            _put(into, target, value, rules, key, problems)


def _stays(value: Any) -> bool:
    """Says whether a value is sent as it is, whatever the settings: no date, and within all limits. Most values are."""
    if type(value) is str:
        is_no_date = len(value) < dates.SHORTEST or value[4] != "-"
        return is_no_date and len(value) <= SURELY_FITS and value.isascii() and "\0" not in value
    return value is None or type(value) is bool or (type(value) is int and 0 <= value < MILLISECONDS_FROM)


def _transform(into: dict[str, Any], change: Change, rules: Rules, problems: list[Problem]) -> None:
    """Adds the attributes that go through steps, in a loop of their own, so that the others cost no more."""
    for each in rules.transformed:
        value = each.source.find(change.account if each.of_account else change.user)
        if value is MISSING and each.fills and change.whole:
            value = None
        if value is not MISSING:
            _put_transformed(into, each, value, rules, change.key, problems)


def _put_transformed(
    into: dict[str, Any], each: Transformed, value: Any, rules: Rules, key: str, problems: list[Problem]
) -> None:
    outside = bounds.fault(value)
    made = transforms.apply(value, each.steps) if outside is None else TransformFault(outside)
    if not each.stays_text:
        made = dated(made, each.target, rules)
    fault = made.reason if isinstance(made, TransformFault) else value_fault(made)
    if fault is None:
        into[each.target] = made
    else:
        problems.append(Problem("attribute", key, f"attribute {each.target!r} {fault}: it is left out"))


def _take_account(into: dict[str, Any], change: Change, rules: Rules, problems: list[Problem]) -> None:
    named = (
        (attribute_names.account_target(attribute_names.bare(name)), value)
        for name, value in _whole_account(change, rules)
    )
    _take_all(into, "account", named, rules, change.key, problems)


def _take_all(
    into: dict[str, Any],
    whose: str,
    named: Iterable[tuple[str, Any]],
    rules: Rules,
    key: str,
    problems: list[Problem],
) -> None:
    """Adds attributes that the settings do not name one by one: their names and their number are upstream's choice.

    Args:
        into: the attributes read so far; what is there already stays.
        whose: "user" or "account", for the words of a problem.
        named: names in Customer.io, and values.
        rules: the rules of the sync.
        key: the key of the user.
        problems: the problems so far; is added to.
    """
    for target, value in named:
        if target in into:
            continue
        if len(into) >= rules.segments_as.others:
            reason = (
                f"the {whose} has more attributes than the {ATTRIBUTES} that Customer.io takes: the rest is left out"
            )
            problems.append(Problem("attribute", key, reason))
            return
        fault = name_fault(target)
        if fault is None:
            _put(into, target, value, rules, key, problems)
        else:
            problems.append(Problem("attribute", key, f"the {whose} attribute's name {target[:40]!r}{fault}"))


def _whole_account(change: Change, rules: Rules) -> Iterable[tuple[str, Any]]:
    """Returns all that the account has, but what the settings name with steps of its own."""
    if not rules.transformed:
        return change.account.items()
    named = {each.target for each in rules.transformed}
    account = change.account.items()
    return [
        (name, value)
        for name, value in account
        if attribute_names.account_target(attribute_names.bare(name)) not in named
    ]


def _put(into: dict[str, Any], target: str, value: Any, rules: Rules, key: str, problems: list[Problem]) -> None:
    value = dated(value, target, rules)
    fault = value_fault(value)
    if fault is None and target.startswith(PREFERENCES):
        fault = choice_fault(target, value)
    if fault is None:
        into[target] = value
    else:
        problems.append(Problem("attribute", key, f"attribute {target!r} {fault}: it is left out"))


def identity(change: Change, rules: Rules) -> dict[str, str | None]:
    """Returns what `change` says about the identity of the user alone."""
    return _identity(change, rules, [])


def _identity(change: Change, rules: Rules, problems: list[Problem]) -> dict[str, str | None]:
    identity: dict[str, str | None] = {}
    value = rules.identifier.find(change.user)
    if value is not MISSING:
        address = rules.addressing.kind == "email"
        role = "presumed" if rules.identifier.flat[0] in change.presumed else "identifier"
        identity[role] = _identifier(value, rules, change.key, problems, address=address)
    email = rules.email.find(change.user)
    if email is not MISSING:
        identity["email"] = identifiers.stripped(email) if isinstance(email, str) else None
        if isinstance(email, str) and (rules.addressing.knows_leads or not bounds.storable(email)):
            identity["email"] = _address(email, change.key, problems)
    return identity


def _identifier(value: Any, rules: Rules, key: str, problems: list[Problem], *, address: bool = False) -> str | None:
    """Returns the identifier as text, None where it can be none; `address`: it is an e-mail address."""
    found = identifiers.text(value)
    fault = _identifier_fault(value, found, rules.placeholders) or (found and address and _address_fault(found)) or None
    if fault is not None:
        reason = f"the identifier {fault}: the person cannot be sent by it"
        problems.append(Problem("identifier", key, reason, found and found[:IDENTIFIER_BYTES]))
        return None
    return found


def _address(email: str, key: str, problems: list[Problem]) -> str | None:
    """Returns an e-mail address, None where it is none."""
    found = identifiers.text(email)
    fault = _identifier_fault(email, found, _NO_PLACEHOLDERS) or _address_fault(email)
    if fault is not None:
        problems.append(Problem("identifier", key, f"the e-mail address {fault}: the person cannot be sent by it"))
        return None
    return found


def _identifier_fault(value: Any, found: str | None, placeholders: frozenset[str]) -> str | None:
    """Returns why a value can be no identifier; None where it can, and where there is none."""
    if isinstance(value, str | float) and (outside := bounds.fault(value)) is not None:
        return outside
    if found is None:
        return None if value is None or isinstance(value, str) else _NO_ID
    if identifiers.is_placeholder(found, placeholders):
        return f"is {found!r}, a placeholder ([intake] placeholders)"
    return None if fits(found) else f"exceeds {IDENTIFIER_BYTES} bytes"


def _identifying(attributes: dict[str, Any], rules: Rules, key: str, problems: list[Problem]) -> None:
    """Reads the attributes that say who somebody is as identifiers are read."""
    email = attributes.get("email")
    fault = None if email is None else _address_fault(email)
    if fault is not None:
        del attributes["email"]
        problems.append(Problem("attribute", key, f"attribute 'email' {fault}: it is left out"))
    elif isinstance(email, str):
        attributes["email"] = identifiers.stripped(email)
    if attributes.get("id") is not None:
        found = _identifier(attributes["id"], rules, key, problems)
        attributes["id"] = found
        if found is None:
            del attributes["id"]


def _address_fault(email: Any) -> str | None:
    """Returns why a value is no e-mail address; None where it may be one, or is blank and says that there is none.

    In most workspaces an address names one person: "n/a" as that of two would make them one.
    """
    if not isinstance(email, str):
        return "is no text, so no address"
    if "@" in email or not identifiers.stripped(email):
        return None if fits(identifiers.stripped(email)) else f"exceeds {IDENTIFIER_BYTES} bytes"
    return 'has no "@", so it is no address'


def fits(identifier: str) -> bool:
    """Says whether Customer.io takes an identifier of that length."""
    return len(identifier) * _BYTES_A_CHARACTER <= IDENTIFIER_BYTES or len(identifier.encode()) <= IDENTIFIER_BYTES
