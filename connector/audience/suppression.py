"""Notes what a message says about a user as a whole: that they are suppressed, no longer suppressed, or merged."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from connector.audience import mapping
from connector.audience.rules import MISSING, Rules
from connector.model import identifiers
from connector.model.change import Change
from connector.model.entity import Facts, Identifier
from connector.model.lifecycle import Lifecycle


def noted(
    lifecycle: Lifecycle, change: Change, version: int, rules: Rules, known: Mapping[str, Any] = MappingProxyType({})
) -> Lifecycle:
    """Returns the user's lifecycle after a change.

    Args:
        lifecycle: what was known before.
        change: one message about the user.
        version: the version of the change.
        rules: the settings of the sync.
        known: the identity of the user before.

    Returns:
        The lifecycle with what the change says of suppression and merging.
    """
    if change.suppressed:
        lifecycle = lifecycle.suppressed_at(version, _identifier(change, rules))
    elif change.suppressed is not None:
        lifecycle = lifecycle.freed_at(version, _named(change, rules, known))
    if change.merged_into is not None:
        lifecycle = lifecycle.merged(change.merged_into, version, _named(change, rules, known))
    if rules.suppress_when is not None:
        lifecycle = _by_rule(lifecycle, change, version, rules)
    return lifecycle


def _named(change: Change, rules: Rules, known: Mapping[str, Any]) -> tuple[Identifier, ...]:
    """Returns the identifiers by which upstream calls the user: in this message, else in what it said before."""
    return rules.addressing.all_named({**known, **mapping.identity(change, rules)})


def _by_rule(lifecycle: Lifecycle, change: Change, version: int, rules: Rules) -> Lifecycle:
    """Applies the rule `suppress_when` to what a message says. A whole message that does not mention it says no."""
    rule = rules.suppress_when
    value = rule.find(change) if rule else MISSING
    if rule is None or (value is MISSING and not change.whole):
        return lifecycle
    return lifecycle.judged_by_rule(version, suppressed=rule.holds(value))


def _identifier(change: Change, rules: Rules) -> str | None:
    """Returns the identifier that the message names, None if it names none or the value cannot be one."""
    value = rules.identifier.find(change.user)
    if rules.addressing.knows_leads and value is MISSING:
        value = rules.email.find(change.user)
    found = identifiers.text(value)
    return None if found is None or identifiers.is_placeholder(found, rules.placeholders) else found


def suppressed(facts: Facts, rules: Rules) -> bool:
    """Says whether to suppress the user. A message suppresses anybody, the rule only those who were in the audience."""
    if facts.lifecycle.suppressed:
        return True
    return facts.entered and rules.suppress_when is not None and facts.lifecycle.suppressed_by_rule


def attributes_with_absorbed(facts: Facts) -> Mapping[str, Any]:
    """Returns the user's attributes, completed by those of the users who were merged into them.

    The user's own values win. A user whom a message has described whole has only their own attributes.
    """
    own, absorbed = facts.attributes, facts.lifecycle.absorbed
    if not absorbed or own.snapshot is not None:
        return own.values
    below: dict[str, Any] = {}
    for _, attributes in sorted(absorbed.items()):
        below |= attributes
    return {**below, **own.values}
