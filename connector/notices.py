"""Notices: what a message says of a user as a whole, beside attributes and segments.

Suppressed, free again, the same person as another user. They stand among the traces, each with its version, so that
they end the same in whatever order they come; nothing but a newer notice takes one back.
"""

from collections.abc import Mapping
from typing import Any

from connector.model.change import Change
from connector.model.versioned import Register
from connector.audience.rules import MISSING, Rules

SUPPRESSED = "suppressed"
"""By message: False, True, or the identifier that the message named, where the user is known by no other."""
BY_RULE = "suppressed by rule"
"""Whether the settings' `suppress_when` held for what upstream last said."""
MERGED_INTO = "merged into"
"""The key of the user whom this one turned out to be."""
ABSORBED = "absorbed"
"""The attributes of the users who were merged into this one, by key: no word of upstream's, so without a version."""


def noted(traces: Register, change: Change, version: int, rules: Rules) -> Register:
    """The traces after what `change` says of the user as a whole."""
    if change.suppressed is not None:
        traces = traces.updated({SUPPRESSED: change.suppressed and (_identifier(change, rules) or True)}, version)
    if change.merged_into is not None:
        traces = traces.updated({MERGED_INTO: change.merged_into}, version)
    if rules.suppress_when is not None:
        traces = _by_rule(traces, change, version, rules)
    return traces


def _by_rule(traces: Register, change: Change, version: int, rules: Rules) -> Register:
    """The rule looks at what a message says. A whole message that is silent says no."""
    rule = rules.suppress_when
    value = rule.find(change) if rule else MISSING
    if rule is None or (value is MISSING and not change.whole):
        return traces
    return traces.updated({BY_RULE: rule.holds(value)}, version)


def _identifier(change: Change, rules: Rules) -> str | None:
    """The identifier that the message names, where it can be one."""
    value = rules.identifier.find(change.user)
    if rules.by_either and value is MISSING:
        value = rules.email.find(change.user)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value.strip() else None


def suppressed(traces: Mapping[str, Any], entered: bool, rules: Rules) -> bool:
    """Whether the user is to be suppressed: by message anybody, by rule who ever was in the audience."""
    if traces.get(SUPPRESSED):
        return True
    return bool(entered and rules.suppress_when is not None and traces.get(BY_RULE))


def named(traces: Mapping[str, Any]) -> str | None:
    """The identifier that the message named which asked to suppress the user."""
    value = traces.get(SUPPRESSED)
    return value if isinstance(value, str) else None


def with_absorbed(own: Register, traces: Mapping[str, Any]) -> Mapping[str, Any]:
    """A user's attributes, and below them those of the users who are the same person.

    Whoever has been described whole has no attributes but their own.
    """
    if ABSORBED not in traces or own.snapshot is not None:
        return own.values
    below: dict[str, Any] = {}
    for _, attributes in sorted(traces[ABSORBED].items()):
        below |= attributes
    return {**below, **own.values}
