"""Writes a person's history entry for each batch of messages: how many there were, and what they led to."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Connection

from connector.audience.audience_status import NUMBERS
from connector.audience.rules import Rules
from connector.model.entity import PendingEvent
from connector.model.history import CameTo, SaidOf
from connector.store import history
from connector.store.entities import Written

_DUE, _NOTHING_NEW, _NOTHING_TO_SEND, _WAITS = map(int, CameTo)
_NEITHER = _NOTHING_NEW, None


def keep(
    tx: Connection,
    rules: Rules,
    messages: Mapping[str, int],
    events: Iterable[tuple[str, PendingEvent]],
    fresh: Collection[str],
    saved: Sequence[Written],
    now: float,
) -> None:
    """Adds the entries of a batch, if the settings keep a history.

    Args:
        tx: The transaction that takes the batch in.
        rules: The sync's rules.
        messages: How many messages are about each, by key.
        events: What they did, as the batch says it: each event with its user's key.
        fresh: The ids of those events that were not known before.
        saved: The people who were written; nothing new was said of the others.
        now: The store's time, in unix seconds.
    """
    if rules.keeps_history:
        came_to = {each.entity.key: _came_to(each) for each in saved}
        new = Counter(key for key, event in events if event.id in fresh) if fresh else {}
        history.add_said(tx, rules.name, _said(messages, came_to, new), now)


def _said(
    messages: Mapping[str, int], came_to: Mapping[str, tuple[int, int | None]], events: Mapping[str, int]
) -> list[SaidOf]:
    return [SaidOf(key, *came_to.get(key, _NEITHER), count, events.get(key, 0)) for key, count in messages.items()]


def _came_to(written: Written) -> tuple[int, int | None]:
    standing = NUMBERS.get(written.standing)
    if written.waits_for is not None:
        return _WAITS, standing
    return _DUE if written.due else _NOTHING_TO_SEND, standing
