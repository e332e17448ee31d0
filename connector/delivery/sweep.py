"""Finds the syncs with people who are due and for whom nobody is sending."""

from collections.abc import Sequence

from sqlalchemy import Connection

from connector.audience.rules import Rules
from connector.delivery import other_syncs
from connector.store import claims, entities, workspace_holders
from connector.store.engine import Store


def overdue(store: Store, syncs: Sequence[Rules]) -> list[str]:
    """Returns the syncs with something due for which nobody is sending.

    Users who wait for an identifier that another sync had, and that is free now, become due.
    """
    delivering = [each for each in syncs if each.deliver]
    with store.reading() as tx:
        waiting = [each for each in delivering if workspace_holders.any_to_take_up(tx, each)]
        if not waiting:
            return _due(tx, delivering, store.now(tx))
    other_syncs.take_up(store, waiting)
    with store.reading() as tx:
        return _due(tx, delivering, store.now(tx))


def _due(tx: Connection, syncs: Sequence[Rules], now: float) -> list[str]:
    return [rules.name for rules in syncs if _any_due(tx, rules, now)]


def _any_due(tx: Connection, rules: Rules, now: float) -> bool:
    kinds = (entities.PERSON, entities.OBJECT) if rules.objects else (entities.PERSON,)
    return any(claims.any_due(tx, rules.name, now, kind) for kind in kinds)
