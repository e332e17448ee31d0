"""Keeps a problem for webhooks whose signature does not fit: Customer.io may have sent them, and then tries again.

The problem and a count are all that is kept of such webhooks; nothing of their bodies is.
"""

from collections.abc import Iterable
from hashlib import sha256

from sqlalchemy import Connection

from connector.model.problem import EVERY_SYNC, Problem
from connector.settings.mistakes import variable
from connector.store import problems, tallies
from connector.store.engine import Store

_DIGITS = 8
_SOLVED_SECONDS = 2 * 3600.0
"""Customer.io tries again each hour what was refused."""


def tally_name(connection: str) -> str:
    """Returns the name that a connection's webhooks are counted under. No sync can have this name."""
    return f"webhooks:{connection}"


def digest(keys: Iterable[str]) -> str:
    """Returns a short digest of the keys that changes when they are replaced and reveals nothing of them."""
    return sha256("\n".join(sorted(keys)).encode()).hexdigest()[:_DIGITS]


def refused(store: Store, connection: str, reason: str, count: int, keys: str = "") -> None:
    """Notes that webhooks of a connection were refused.

    Args:
        store: Where it is kept.
        connection: The connection, by its name.
        reason: Why, as the end of a sentence.
        count: How many since the last time.
        keys: The digest of the keys that are set.
    """
    key = variable(("connections", connection, "webhook_keys"))
    text = (
        f"webhooks are refused: {reason}. If Customer.io sent them it holds back all that it reports, and tries again "
        f"each hour: give the signing key of its reporting webhook as {key} (two keys while one replaces the other, or "
        "for two webhooks)"
    )
    with store.writing() as tx:
        now = store.now(tx)
        problems.add(tx, EVERY_SYNC, [Problem("signature", connection, text, {"keys": keys})], now)
        tallies.tally(tx, {tally_name(connection): {"refused": count}}, now)


def fits(tx: Connection, connection: str, keys: str, now: float) -> None:
    """Notes that a signature fits, and removes the connection's problem if it came while other keys were set.

    While the keys are the same the problem stays, since the signature may be of another webhook of Customer.io's. It is
    removed once the last refusal is two hours old: Customer.io would have tried again within that time.

    Args:
        tx: A writing transaction.
        connection: The connection, by its name.
        keys: The digest of the keys that are set.
        now: Unix seconds, by the store's clock.
    """
    for each in problems.of_subjects(tx, EVERY_SYNC, "signature", [connection]):
        if each.problem.payload != {"keys": keys} or now - each.last_at > _SOLVED_SECONDS:
            problems.remove(tx, each.id)
