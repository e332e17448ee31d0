"""Tells of webhooks whose signature does not fit: whoever sent them, it may be Customer.io, which now waits for hours.

The two functions are all that says so; nothing of such a body is kept.
"""

from sqlalchemy import Connection

from connector.model.problem import EVERY_SYNC, Problem
from connector.settings.mistakes import variable
from connector.store import problems, tallies
from connector.store.engine import Store


def tally_name(connection: str) -> str:
    """Under which name the webhooks of a connection are counted, beside the syncs, none of which can be called so."""
    return f"webhooks:{connection}"


def refused(store: Store, connection: str, reason: str, count: int, *, solved: bool = False) -> None:
    """Notes that webhooks of a connection were refused.

    Args:
        store: Where it is kept.
        connection: The connection, by its name.
        reason: Why, as the end of a sentence.
        count: How many since the last time.
        solved: Whether a signature has fitted since: they are counted, and are no problem any more.
    """
    key = variable(("connections", connection, "webhook_keys"))
    text = (
        f"webhooks are refused: {reason}. If Customer.io sent them it holds back all that it reports, and tries again "
        f"each hour: give the signing key of its reporting webhook as {key} (two keys while one replaces the other)"
    )
    with store.writing() as tx:
        now = store.now(tx)
        if not solved:
            problems.add(tx, EVERY_SYNC, [Problem("signature", connection, text)], now)
        tallies.tally(tx, {tally_name(connection): {"refused": count}}, now)


def fits_again(tx: Connection, connection: str) -> None:
    """Notes, in a writing transaction, that Customer.io's signature fits: the problem is solved."""
    problems.clear(tx, "signature", connection)
