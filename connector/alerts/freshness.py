"""A promise of freshness: who entered before which time is in Customer.io, and whether that is as soon as promised."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from connector.customerio.credentials import fingerprint
from connector.model.spoken_times import duration, moment
from connector.settings.schema import Settings, Sync
from connector.store import connection_health, encoding, freshness, heartbeats, problems
from connector.store.freshness import DueRow, DueRows

_TAKES_IN = ("worker", "run")


class Halt(NamedTuple):
    """A stage that has stood still since then (unix seconds), and why.

    of_intake: whether the stage is before the store, where it is unknown who waits.
    """

    since: float
    cause: str
    of_intake: bool = False


class Promise(NamedTuple):
    """The freshness of a sync, or of a segment of it ("" for all of the sync). Times are unix seconds.

    until: what came before then is in Customer.io; equal to now where nobody waits. within_seconds: the longest delay
    that is promised; 0 where nothing is promised. cause: why it is late, where that is known.
    """

    sync: str
    segment: str
    connection: str
    within_seconds: float
    until: float
    now: float
    cause: str = ""

    @property
    def seconds(self) -> float:
        """Returns how far behind Customer.io is, in seconds."""
        return max(self.now - self.until, 0.0)

    @property
    def broken(self) -> bool:
        """Says whether the delay is longer than promised; never where nothing is promised."""
        return 0 < self.within_seconds < self.seconds

    @property
    def sentence(self) -> str:
        """Returns the promise and its state as a sentence."""
        who = "everybody who entered" if not self.segment else f"everybody who entered or left {self.segment}"
        said = f"{self.sync}: {who} before {moment(self.until, self.now)} is in Customer.io"
        if not self.within_seconds:
            return said
        kept = "broken" if self.broken else "kept"
        why = f" ({self.cause})" if self.cause and self.broken else ""
        return f"{said}; promised within {duration(self.within_seconds)}: {kept}{why}"


def promises(settings: Settings, tx: Connection, now: float) -> list[Promise]:
    """Returns the freshness of every sync that delivers, and of each of its segments that has a promise.

    It reads the index once for each sync, and once more where segments have a promise.

    Args:
        settings: The settings.
        tx: A transaction that may only read.
        now: The store's time, in unix seconds.
    """
    intake = _of_intake(tx, now)
    found: list[Promise] = []
    for name, sync in settings.syncs.items():
        if sync.deliver:
            credentials = fingerprint(settings.connections[sync.connection])
            found += _of_sync(tx, name, sync, now, [*intake, *_of_connection(tx, sync.connection, credentials, now)])
    return found


def _of_sync(tx: Connection, name: str, sync: Sync, now: float, halts: Sequence[Halt]) -> Iterator[Promise]:
    promised, due = sync.freshness, None
    until, cause = fresh_until(freshness.oldest(tx, name), now, halts)
    yield Promise(name, "", sync.connection, promised.within_seconds, until, now, cause)
    for segment, seconds in promised.segments.items():
        due = due or freshness.longest_due(tx, name)
        until, cause = fresh_until(oldest_of(segment, due), now, halts)
        yield Promise(name, segment, sync.connection, seconds, until, now, cause)


def _of_connection(tx: Connection, name: str, credentials: str, now: float) -> list[Halt]:
    """Returns the halt of a failing connection: each retry moves `due_at`, which so does not tell how long it lasts."""
    health = connection_health.health(tx, name)
    if health.since is None:
        return []
    return [Halt(health.since, f"{name} is paused: {health.reason}" if health.paused(now, credentials) else "")]


def _of_intake(tx: Connection, now: float) -> list[Halt]:
    """Returns the halts of intake: messages then wait in a queue, where their time of arrival is unknown."""
    held = [
        Halt(each.first_at, f"the queue {each.problem.subject} is held", of_intake=True)
        for each in problems.of_every_sync(tx, "queue")
    ]
    readers = [each for each in heartbeats.known(tx) if each.role in _TAKES_IN]
    if not readers or any(each.lives(now) for each in readers):
        return held
    return [*held, Halt(readers[0].seen_at, heartbeats.WORDS[readers[0].role], of_intake=True)]


def fresh_until(oldest: float | None, now: float, halts: Iterable[Halt]) -> tuple[float, str]:
    """Returns the time (unix seconds) before which everything is in Customer.io, and why it is late. Pure.

    Args:
        oldest: The time since which the longest waiting person waits, in unix seconds; None if nobody is known to wait.
        now: The time, in unix seconds.
        halts: The stages that stand still. One that is not of intake counts only if somebody waits.
    """
    counted = [each for each in halts if oldest is not None or each.of_intake]
    until = min([each.since for each in counted] + [now if oldest is None else oldest])
    return until, "; ".join(each.cause for each in counted if each.cause)


def oldest_of(segment: str, due: DueRows) -> float | None:
    """Returns since when people of a segment wait, in unix seconds; None if none of them waits. Pure.

    Where too many people are due to look at each, those who were not looked at count as people of the segment.
    """
    waits = [each.since for each in due.rows if _concerns(segment, each)]
    if due.complete_until is not None:
        waits.append(due.complete_until)
    return min(waits, default=None)


def _concerns(segment: str, row: DueRow) -> bool:
    """Says whether a person is, was or may have been in the segment. One too many only makes a promise stricter."""
    if row.leaves:
        return True
    try:
        names: Mapping[str, str | None] = encoding.facts_of(row.facts, row.entered).segments.values
    except encoding.CorruptError:
        return True
    if any(name is None or segment in (key, name) for key, name in names.items()):
        return True
    return any(_bare(segment) in _bare(text) for text in (row.delivered, row.memberships) if text)


def _bare(text: str) -> str:
    """Returns a text's letters and digits in lower case: JSON and the naming of attributes may change the rest."""
    return "".join(each for each in text.casefold() if each.isalnum())
