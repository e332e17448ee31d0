"""What the rules of alerts look at, at one moment of the store: plain values, read by `gather`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from connector.alerts.freshness import Promise


class ConnectionFacts(NamedTuple):
    """The state of the connection to a workspace.

    since: when the first failure came that no success followed, in unix seconds; None where there is none, or where a
    human has ended the pause. for_human: whether only a human or new credentials end the pause.
    """

    name: str
    reason: str = ""
    since: float | None = None
    paused: bool = False
    for_human: bool = False


class SourceFacts(NamedTuple):
    """The state of a source, with times in unix seconds.

    due_at: when its next run is, or was, due. failing_since: since when its runs fail. reason: why they fail.
    """

    name: str
    due_at: float | None = None
    running: bool = False
    failing_since: float | None = None
    reason: str = ""


class TargetFacts(NamedTuple):
    """A target of `[out]` that does not take what it is given, or an export that fails: since when, and why."""

    name: str
    since: float
    reason: str


class WebhookFacts(NamedTuple):
    """The times of the reports of a workspace by Customer.io, in unix seconds.

    heard_at: when it last reported something; None for never, or too long ago to be known. awaited_since: when anything
    was first counted here, of whatever kind; None where nothing was.
    """

    connection: str
    heard_at: float | None = None
    awaited_since: float | None = None


class Hourly(NamedTuple):
    """A count of the last full hour beside the mean of those before it. subject: a sync, or `SYNC: SEGMENT`."""

    subject: str
    number: int
    mean: float


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """Everything that the rules look at, at one moment (unix seconds).

    gone: the roles that no living process has, and when each was last seen, None for never. held: how many deletions
    are held, by sync. queues_held: why a queue is held, by queue. queues_unread: the queues that hold messages and that
    nobody reads. problems: how many came within the last hour, by sync, "" for those of none. heard_at: when upstream
    last said something. out, exports: those that fail. exports_due: since when an export is due that does not fail and
    that nobody runs, by export. out_refused: how many messages were put aside since a target refuses them, by target.
    unsigned: why webhooks are refused, by connection. drift: how many people the last audit of a sync found drifted and
    did not repair. dead_letters: how many there are. counts, segments: what was counted of syncs and of segments. open,
    recovered: the alerts that are open, and when others were over, by their keys.
    """

    now: float
    gone: Mapping[str, float | None] = field(default_factory=dict)
    connections: Sequence[ConnectionFacts] = ()
    queues_held: Mapping[str, str] = field(default_factory=dict)
    queues_unread: Sequence[str] = ()
    held: Mapping[str, int] = field(default_factory=dict)
    promises: Sequence[Promise] = ()
    problems: Mapping[str, int] = field(default_factory=dict)
    heard_at: float | None = None
    sources: Sequence[SourceFacts] = ()
    webhooks: Sequence[WebhookFacts] = ()
    out: Sequence[TargetFacts] = ()
    exports: Sequence[TargetFacts] = ()
    exports_due: Mapping[str, float] = field(default_factory=dict)
    out_refused: Mapping[str, int] = field(default_factory=dict)
    unsigned: Mapping[str, str] = field(default_factory=dict)
    drift: Mapping[str, int] = field(default_factory=dict)
    dead_letters: int = 0
    counts: Sequence[Hourly] = ()
    segments: Sequence[Hourly] = ()
    open: frozenset[str] = frozenset()
    recovered: Mapping[str, float] = field(default_factory=dict)
