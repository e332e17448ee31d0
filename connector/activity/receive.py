"""Keeps reporting webhooks as they come: one transaction for however many there are, all of it or nothing.

What cannot be used is kept as a problem and answered like the rest: any other answer to Customer.io would hold back
whatever it reports after it, for days.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import structlog

from connector import formats
from connector.activity import unsigned, webhook
from connector.activity.unsigned import tally_name
from connector.activity.webhook import Activity, Unusable
from connector.errors import UnreadableError
from connector.formats import size
from connector.model.problem import EVERY_SYNC, Problem
from connector.store import problems, tallies, webhooks
from connector.store.engine import Store
from connector.store.webhooks import KeptWebhook

log = structlog.get_logger(__name__)
_AHEAD_SECONDS = 24 * 3600.0
"""How far a timestamp may be ahead of our clock; one further ahead would stay the latest for ever."""
_KEPT_CHARACTERS = 10_000


class Posted(NamedTuple):
    """A webhook whose signature fits: the name of the connection that it came by, and its body.

    fits: the digest of the connection's signing keys, where the store is to note that a signature fits: with the first
    such webhook, and then once a minute. "" otherwise.
    """

    connection: str
    body: bytes
    fits: str = ""


def receive(store: Store, posted: Sequence[Posted]) -> None:
    """Keeps webhooks. Raises StoreError where the store cannot take them now; then none of them is kept."""
    with store.writing() as tx:
        now = store.now(tx)
        kept, unusable, partly = _sorted_out(posted, now + _AHEAD_SECONDS)
        webhooks.add(tx, kept, now)
        problems.add(tx, EVERY_SYNC, unusable + partly, now)
        tallies.tally(tx, _counted(posted, unusable), now)
        for connection, keys in {(each.connection, each.fits) for each in posted if each.fits}:
            unsigned.fits(tx, connection, keys, now)
    log.info("webhooks received", webhooks=len(posted), unusable=len(unusable))


def _sorted_out(posted: Sequence[Posted], latest: float) -> tuple[list[KeptWebhook], list[Problem], list[Problem]]:
    """Returns the webhooks to keep, the problems of unusable ones, and those of what is left out of kept ones."""
    kept: list[KeptWebhook] = []
    unusable: list[Problem] = []
    partly: list[Problem] = []
    for each in posted:
        found = _read(each.body, latest)
        if isinstance(found, Activity):
            kept.append(KeptWebhook(found.event_id, each.connection, webhook.as_text(found)))
            partly += [_problem(each, reason) for reason in found.left_out]
        else:
            unusable.append(_problem(each, f"it is of no use: {found.reason}"))
    return kept, unusable, partly


def _read(body: bytes, latest: float) -> Activity | Unusable:
    try:
        size.check_values(body)
        return webhook.parse(formats.decode(body), latest)
    except UnreadableError as error:
        return Unusable(str(error))


def _problem(posted: Posted, reason: str) -> Problem:
    return Problem("webhook", posted.connection, f"a reporting webhook: {reason}", _shown(posted.body))


def _shown(body: bytes) -> str:
    return body.decode(errors="replace")[:_KEPT_CHARACTERS]


def _counted(posted: Sequence[Posted], unusable: Sequence[Problem]) -> Mapping[str, Mapping[str, int]]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for each in posted:
        counts[tally_name(each.connection)]["received"] += 1
    for problem in unusable:
        counts[tally_name(problem.subject)]["unusable"] += 1
    return counts
