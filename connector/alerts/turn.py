"""One turn of alerts, which beat asks for once a minute: it looks, keeps what changed, sends notices and a heartbeat.

Any process may take a turn, one at a time. A message counts as told only once the channel has taken it: if a process
dies in between, the next turn sends the same message under the same id.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from uuid import uuid4

import structlog

from connector.alerts import channels
from connector.alerts.channels import Opened, Way
from connector.alerts.gather import gather
from connector.alerts.lifecycle import advance, routes
from connector.alerts.rules import findings
from connector.alerts.wording import AlertMessage, message
from connector.model.alert import Notice
from connector.settings.alerts import Channel
from connector.settings.schema import Settings
from connector.store import alerts, exports, heartbeats, named_leases
from connector.store.engine import Store

log = structlog.get_logger(__name__)
LEASE = "alerts"
LEASE_SECONDS = 120.0
LATE_SECONDS = 10.0
"""A step that takes longer has waited for a store that was away, or that has only just come back."""
_CHANNEL_SECONDS = 120.0
"""Longer than a channel may take over all messages of a turn."""
_MOST_AT_ONCE = 500
_MOST_SINGLE = 5
_FIRST_PAUSE, _LONGEST_PAUSE = 30.0, 3600.0
_MOST_DOUBLINGS = 10


@dataclass(slots=True)
class AlertTurn:
    """The turns of alerts that one process takes.

    opened: opens a channel. ways: the opened channels, by name. in_doubt_until: the time by the monotonic clock from
    which on missing heartbeats are believed again. ahead: by how many seconds the store's clock was ahead of the
    monotonic one at the last look.
    """

    settings: Settings
    store: Store
    opened: Opened = channels.opened
    ways: dict[str, Way] = field(default_factory=dict)
    in_doubt_until: float = 0.0
    ahead: float | None = None

    def doubt(self) -> None:
        """Opens no alert about missing roles for a while: the store was away, so no heartbeat could be recorded."""
        self.in_doubt_until = monotonic() + heartbeats.GONE_SECONDS

    def take(self, until: Callable[[], bool] = lambda: False) -> bool:
        """Takes a turn. Returns False if another process takes one, or took the lease over meanwhile.

        `until` says when to tell no more channels. Raises StoreError.
        """
        holder, began = uuid4().hex, monotonic()
        with self.store.writing() as tx:
            if not named_leases.take(tx, LEASE, holder, self.store.now(tx), LEASE_SECONDS):
                return False
        if monotonic() > began + LATE_SECONDS:
            self.doubt()
        kept = self.look(holder)
        if kept:
            for channel in self.settings.alerts.channels.values():
                if not until():
                    self.tell(channel)
            self._beat()
        with self.store.writing() as tx:
            named_leases.give_back(tx, LEASE, holder)
        return kept

    def look(self, holder: str = "") -> bool:
        """Records which alerts are open and which notices to send. Returns False if the lease has been lost."""
        settings = self.settings.alerts
        with self.store.reading(patient=True) as tx:
            facts = gather(self.settings, tx, self.store.now(tx), alerts.known(tx))
        found = findings(facts, settings)
        self._doubt_after_sleep(facts.now)
        if monotonic() < self.in_doubt_until:
            found = [each for each in found if each.kind != "fleet gone" or each.key in facts.open]
        with self.store.writing() as tx:
            if holder and not named_leases.renew(tx, LEASE, holder, self.store.now(tx), LEASE_SECONDS):
                return False
            exports.see(tx, self.settings.export, facts.now)  # from now on somebody is to run them
            moved = advance(alerts.known(tx), found, facts.now, settings)
            alerts.keep(tx, moved.states)
            alerts.tell(tx, routes(moved.notices, settings))
            alerts.forget_others(tx, settings.channels)
        for notice in moved.notices:
            log.warning("alert", alert=notice.alert, change=notice.change, sentence=notice.sentence)
        return True

    def _doubt_after_sleep(self, now: float) -> None:
        """Calls `doubt` if the store's clock ran ahead of the steady one: the machine slept, without heartbeats."""
        before, self.ahead = self.ahead, now - monotonic()
        if before is not None and self.ahead - before > LATE_SECONDS:
            self.doubt()

    def tell(self, channel: Channel) -> None:
        """Sends a channel's waiting notices: as one message or, by a way that is `singly`, as up to five, one each.

        Stops at the first failure. Sends nothing while another process sends by this channel. Raises StoreError.
        """
        holder = uuid4().hex
        with self.store.writing() as tx:
            if not alerts.claim(tx, channel.name, holder, self.store.now(tx), _CHANNEL_SECONDS):
                return
        way = self._way(channel)
        for _ in range(_MOST_SINGLE if way.singly else 1):
            next_ = self._next(channel.name, singly=way.singly)
            if next_ is None or not self._sent(channel.name, holder, way, next_):
                break
        with self.store.writing() as tx:
            alerts.give_back(tx, channel.name, holder)

    def _way(self, channel: Channel) -> Way:
        if channel.name not in self.ways:
            self.ways[channel.name] = self.opened(channel)
        return self.ways[channel.name]

    def _next(self, channel: str, *, singly: bool) -> AlertMessage | None:
        """Returns the next message for a channel: one that was begun but not accepted, unchanged, or all that waits."""
        with self.store.writing() as tx:
            waiting = alerts.waiting(tx, channel, self.store.now(tx), _MOST_AT_ONCE)
            if not waiting:
                return None
            begun = next((id for _, id in waiting if id is not None), None)
            id = begun or f"msg_{uuid4().hex}"
            notices = [notice for notice, given in waiting if given == begun]
            notices = notices[:1] if singly else notices
            alerts.begin(tx, channel, notices if begun is None else (), id)
        return self._worded(id, notices)

    def _worded(self, id: str, notices: list[Notice]) -> AlertMessage:
        return message(id, notices, self.settings.alerts.message_alerts)

    def _sent(self, channel: str, holder: str, way: Way, said: AlertMessage) -> bool:
        with self.store.reading() as tx:
            now = self.store.now(tx)
        reason = way.send(said, now)
        with self.store.writing() as tx:
            now = self.store.now(tx)
            if reason:
                (state,) = alerts.channels(tx, [channel])
                alerts.failed(tx, channel, holder, reason, now, pause_seconds(state.failures))
            else:
                alerts.told(tx, channel, holder, said.id, now)
        if reason:
            log.warning("alerts could not be told: tried again by itself", channel=channel, reason=reason)
        return not reason

    def _beat(self) -> None:
        """Asks for the heartbeat's address while the fleet works and every channel takes what it is given."""
        url = self.settings.alerts.heartbeat_url
        if url is None:
            return
        with self.store.reading() as tx:
            known, now = heartbeats.known(tx), self.store.now(tx)
            failing = [each.name for each in alerts.channels(tx, [*self.settings.alerts.channels]) if each.failures]
        gone = heartbeats.missing(known, now, durable=self.settings.broker.durable)
        if gone or failing:
            log.warning("no heartbeat", gone=sorted(gone), failing=failing)
        elif reason := channels.beat(url):
            log.warning("the heartbeat's address did not take it", reason=reason)


def pause_seconds(failures: int) -> float:
    """Returns for how many seconds a channel is left alone after a failure that follows so many failures in a row."""
    return min(_FIRST_PAUSE * 2.0 ** min(failures, _MOST_DOUBLINGS), _LONGEST_PAUSE)
