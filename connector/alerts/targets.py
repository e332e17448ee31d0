"""Reads how the targets of `[out]` and the exports fare, as alerts look at it."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection

from connector.alerts.facts import TargetFacts
from connector.model.export_state import due_since
from connector.settings.export import Export
from connector.store import alert_facts, exports, named_leases, outgoing
from connector.store.named_leases import EXPORT
from connector.store.outgoing import NOTHING_WAITS, TargetState


def out_failing(tx: Connection, names: Collection[str]) -> list[TargetFacts]:
    """Returns the failing targets that messages wait for; the failure counts from the oldest waiting message."""
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


def exports_due(tx: Connection, configured: Mapping[str, Export], now: float) -> dict[str, float]:
    """Returns since when exports are due that nobody runs and that do not fail, by name.

    Args:
        tx: A transaction.
        configured: The exports that the settings name.
        now: The store's time, in unix seconds.
    """
    states = exports.load(tx) if configured else {}
    known = [states[name] for name in configured if name in states and states[name].failing_since is None]
    leases = named_leases.beginning_with(tx, EXPORT) if known else {}
    since = {each.name: due_since(each, configured[each.name].times) for each in known}
    # A lease that has ended and that nobody gave back is of somebody who ran it until then, and died.
    ran_until = {name: leases.get(f"{EXPORT}{name}", ("", 0.0))[1] for name in since}
    return {name: max(due, ran_until[name]) for name, due in since.items() if due is not None and ran_until[name] < now}


def out_refused(tx: Connection, names: Collection[str]) -> dict[str, int]:
    """Returns how many messages were put aside since a target refuses them, by target."""
    found = alert_facts.problems_of(tx, "out refused") if names else {}
    return {name: count for name, count in found.items() if name in names}
