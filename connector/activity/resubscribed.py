"""Sends people whole again who resubscribe, where a sync's feedback settings had kept something from them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from connector.audience.rules import Rules
from connector.model.reported import RESUBSCRIBED, ReportedWord, standing
from connector.store import identifier_holders, reported, resend


def send_again(
    tx: Connection, syncs: Sequence[Rules], connection: str, words: Iterable[ReportedWord], now: float
) -> None:
    """Makes people due who resubscribe, in each sync whose feedback settings have held them back until now.

    Args:
        tx: A writing transaction, before the words are kept in it.
        syncs: The syncs.
        connection: The connection, by its name.
        words: What is reported now.
        now: Unix seconds, by the store's clock.
    """
    names: defaultdict[str, set[str]] = defaultdict(set)
    for word in words:
        if word.mark == RESUBSCRIBED:
            names[word.owner].add(word.key)
    holding_back = [rules for rules in syncs if rules.connection == connection and rules.feedback.not_recreated]
    if not names or not holding_back:
        return
    found = reported.words(tx, connection, {key for mine in names.values() for key in mine})
    for rules in holding_back:
        kept = {*rules.feedback.not_recreated}
        marked = [mine for mine in names.values() if kept & standing(reported.of(found, mine), mine).keys()]
        keys = identifier_holders.holders(tx, rules.name, {key for mine in marked for key in mine})
        resend.send_whole(tx, rules.name, sorted({*keys.values()}), now)
