"""Alerts as they are kept: a trouble that needs somebody, from its beginning to its end, and the notices about it."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

AlertKind = Literal[
    "fleet gone", "connection paused", "credentials refused", "queue held", "deletions held", "freshness broken",
    "backlog", "problems", "nothing from upstream", "segment off its mean", "count off its mean", "source late",
    "drift found", "webhooks badly signed", "webhooks silent", "dead letters",
    "queue unread", "out failing", "out refused", "export failing",
]  # fmt: skip
Severity = Literal["page", "ticket"]
StateChange = Literal["opened", "still open", "recovered"]
ALERT_KINDS: tuple[AlertKind, ...] = get_args(AlertKind)


@dataclass(frozen=True, slots=True)
class AlertState:
    """An alert as it is kept. Times are unix seconds.

    episode: how often it has begun. opened_at, recovered_at: of this episode; recovered_at is None while it is open.
    clear_since: since when its cause is gone while it is still open. acknowledged_at, acknowledged_by: when it was
    taken on, and by whom. told: how many notices of this episode were made, the last one told_at. flaps: how often in a
    row it began again within an hour of its end.
    """

    key: str
    kind: AlertKind
    subject: str
    severity: Severity
    sentence: str
    episode: int
    opened_at: float
    recovered_at: float | None = None
    clear_since: float | None = None
    acknowledged_at: float | None = None
    told: int = 1
    told_at: float = 0.0
    flaps: int = 0
    acknowledged_by: str | None = None

    @property
    def is_open(self) -> bool:
        """Says whether the alert has not ended yet."""
        return self.recovered_at is None


class Notice(NamedTuple):
    """A notice of one change of an alert's state. number: its place among the notices of the episode, from 1."""

    alert: str
    episode: int
    number: int
    change: StateChange
    kind: AlertKind
    subject: str
    severity: Severity
    sentence: str
    at: float
    opened_at: float


class Told(NamedTuple):
    """A notice for a channel, due at due_at. told_at: when the channel took it, None until then; both unix seconds."""

    channel: str
    notice: Notice
    due_at: float
    told_at: float | None


class Routed(NamedTuple):
    """A notice, the channel that tells of it, and when that is to be, in unix seconds."""

    channel: str
    notice: Notice
    due_at: float


@dataclass(frozen=True, slots=True)
class ChannelState:
    """The state of a channel. Times are unix seconds.

    failures: how often in a row it did not take a message, the last time for this reason, the first failing_since.
    next_at: when it may be tried again. told_at: when it last took one. waiting: how many notices wait for it.
    """

    name: str
    failures: int = 0
    reason: str = ""
    failing_since: float | None = None
    next_at: float = 0.0
    told_at: float | None = None
    waiting: int = 0
