"""Reads how the targets of `[out]` and the exports fare, as alerts look at it."""

from collections.abc import Collection

from sqlalchemy import Connection

from connector.alerts.facts import TargetFacts
from connector.store import alert_facts, exports, outgoing
from connector.store.outgoing import NOTHING_WAITS, TargetState


def out_failing(tx: Connection, names: Collection[str]) -> list[TargetFacts]:
    """Returns the targets that fail, each since when the first of what waits for it does."""
    if not names:
        return []
    states = outgoing.states(tx)
    failing = [name for name in names if states.get(name, TargetState()).failures]
    waiting = outgoing.backlogs(tx) if failing else {}
    found = ((name, waiting.get(name, NOTHING_WAITS)) for name in failing)
    return [TargetFacts(name, backlog.oldest, states[name].reason) for name, backlog in found if backlog.messages]


def exports_failing(tx: Connection, names: Collection[str]) -> list[TargetFacts]:
    """Returns the exports that fail, each since its first failure in a row."""
    found = [each for each in exports.load(tx).values() if each.name in names] if names else []
    return [TargetFacts(each.name, each.failing_since, each.error) for each in found if each.failing_since is not None]


def out_refused(tx: Connection, names: Collection[str]) -> dict[str, int]:
    """Returns how many messages were put aside since a target refuses them, by target."""
    found = alert_facts.problems_of(tx, "out refused") if names else {}
    return {name: count for name, count in found.items() if name in names}
