"""What must be looked after from time to time."""

from collections.abc import Iterable

from connector.rules import Rules
from connector.store import claims, entities
from connector.store.opening import Store

OUTSIDER_SECONDS = 24 * 3600.0
"""How long a user who never was in the audience is remembered, so that an older message cannot bring them in."""


def overdue(store: Store, syncs: Iterable[Rules]) -> list[str]:
    """The syncs that have something due which nobody is sending."""
    with store.reading() as connection:
        now = store.now(connection)
        return [rules.name for rules in syncs if rules.deliver and claims.any_due(connection, rules.name, now)]


def forget_outsiders(store: Store) -> int:
    """Drops the rows of users who never were in the audience and were not heard of for a day; how many."""
    with store.writing() as connection:
        return entities.forget_outsiders(connection, store.now(connection) - OUTSIDER_SECONDS)
