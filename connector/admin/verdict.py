"""Decides what one sentence says of the whole fleet, and whether somebody is needed. It reads no clock and no store."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from connector.model.spoken_times import clock, duration
from connector.store.heartbeats import WORDS


@dataclass(frozen=True, slots=True)
class PausedConnection:
    """A connection that nothing is sent to.

    since: since when it fails, in unix seconds, None where that is not known; for_human: it stays paused until somebody
    gives new credentials or resumes it, or Customer.io accepts the old ones again.


    """

    name: str
    reason: str
    since: float | None
    for_human: bool


@dataclass(frozen=True, slots=True)
class FleetState:
    """What the sentence is made from. Times are unix seconds.

    people, objects: how many are due in syncs that deliver. oldest: since when the first of them waits, None where none
    waits but for bulk loads. failing_since: since when a connection fails, None for none. held: held deletions.
    problems: how many wait for a human, beside held deletions. gone: the roles that no process has any more, and when
    one was last seen in each. nobody: whether no process is known at all, where there is no durable broker. queued:
    messages by queue, without the dead letters. queues_held: why each held queue is held. broken: the promises of
    freshness that are not kept, in words. broker_error: why the broker could not be asked, "" where it could.
    out_failing: targets that take nothing, in words. counted_to: the highest exact count: a higher one says only that
    there are more; 0 where all counts are exact.
    """

    now: float
    people: int = 0
    objects: int = 0
    oldest: float | None = None
    paused: Sequence[PausedConnection] = ()
    failing_since: float | None = None
    held: int = 0
    problems: int = 0
    gone: Mapping[str, float | None] = field(default_factory=dict)
    nobody: bool = False
    queued: Mapping[str, int] = field(default_factory=dict)
    queues_held: Mapping[str, str] = field(default_factory=dict)
    dead_letters: int = 0
    broken: Sequence[str] = ()
    broker_error: str = ""
    out_failing: Sequence[str] = ()
    counted_to: int = 0

    def many(self, number: int) -> str:
        """Returns a count in words: "1,234", or "more than 1,000" where it was not counted to its end."""
        return f"more than {self.counted_to:,}" if 0 < self.counted_to < number else f"{number:,}"

    def counted(self, number: int, one: str, more: str) -> str:
        """Returns a count in words and then `one` if it is 1, else `more`."""
        return f"{self.many(number)} {one if number == 1 else more}"

    @property
    def waiting(self) -> bool:
        """Says whether any person or object is due."""
        return self.people + self.objects > 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the state of the fleet comes to.

    state: one word or two for programs; sentence: the same for people; needs_somebody: it will not mend itself.
    """

    state: str
    sentence: str
    needs_somebody: bool


def verdict(found: FleetState, behind_seconds: float) -> Verdict:
    """Returns what the state of the fleet comes to. behind_seconds: the longest wait that needs nobody."""
    troubles = list(_troubles(found, behind_seconds))
    rest = list(_amounts(found))
    if troubles:
        parts = [words for _, words in troubles] + rest
        return Verdict(troubles[0][0], _capital("; ".join(parts)), needs_somebody=True)
    if found.paused:
        return Verdict("paused", _capital("; ".join([*map(_pause, found.paused), *rest])), needs_somebody=False)
    if found.nobody:
        return Verdict("not running", "Nothing waits, and nobody runs here", needs_somebody=False)
    sentence = f"Customer.io is up to date{_excepted(found)}; {_oldest(found)}"
    return Verdict("up to date", sentence, needs_somebody=False)


def _excepted(found: FleetState) -> str:
    """Returns the part of the sentence that excepts open problems; "" for none.

    What they are about did not reach Customer.io, or not whole.
    """
    if not found.problems:
        return ""
    return f", but for what {found.counted(found.problems, 'problem is', 'problems are')} about"


def _troubles(found: FleetState, behind_seconds: float) -> Iterator[tuple[str, str]]:
    """Yields the state and the words of everything that needs somebody, the worst first."""
    for role, seen_at in found.gone.items():
        last = "" if seen_at is None else f" (last seen {clock(seen_at, found.now)})"
        yield "gone", f"{WORDS.get(role, f'{role} is gone')}{last}"
    if found.nobody and found.waiting:
        yield "gone", "nobody delivers: start `connector run`"
    if found.broker_error:
        yield "broker away", found.broker_error
    for queue, why in found.queues_held.items():
        yield "queue held", f"the queue {queue} is held: {why}"
    for each in found.paused:
        if each.for_human:
            yield "paused", _pause(each)
    if found.held:
        held = found.counted(found.held, "deletion is", "deletions are")
        yield "held", f"{held} held: `connector approve` lets {'it' if found.held == 1 else 'them'} go"
    if found.dead_letters:
        letters = "dead letter" if found.dead_letters == 1 else "dead letters"
        yield "dead letters", f"{found.dead_letters:,} {letters}: see `connector dead-letters`"
    yield from (("out", each) for each in found.out_failing)
    yield from _late(found, behind_seconds)


def _late(found: FleetState, behind_seconds: float) -> Iterator[tuple[str, str]]:
    for promise in found.broken:
        yield "stale", promise
    late = _late_since(found)
    if found.waiting and late is not None and found.now - late > behind_seconds:
        yield "behind", f"behind: the oldest change waits for {duration(found.now - late)}"


def _late_since(found: FleetState) -> float | None:
    """Returns since when somebody waits, or since when Customer.io takes nothing, whichever is earlier; None for none.

    The second counts since each try that fails begins the wait of a person anew.
    """
    return min((each for each in (found.oldest, found.failing_since) if each is not None), default=None)


def _pause(each: PausedConnection) -> str:
    return f"paused: {each.name}: {each.reason}"


def _amounts(found: FleetState) -> Iterator[str]:
    """Yields what waits, in words: people, objects, and messages by their queue."""
    if found.people:
        yield found.counted(found.people, "person waits", "people wait")
    if found.objects:
        yield found.counted(found.objects, "object waits", "objects wait")
    for queue, count in found.queued.items():
        if count:
            yield f"{count:,} {'message waits' if count == 1 else 'messages wait'} in {queue}"


def _oldest(found: FleetState) -> str:
    if not found.waiting:
        return "; ".join(["nobody waits", *_amounts(found)])
    oldest = "all of a bulk load" if found.oldest is None else f"oldest change {duration(found.now - found.oldest)}"
    return "; ".join([oldest, *_amounts(found)])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
