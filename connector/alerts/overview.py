"""What a human sees of alerts: those that are open or were, the rules in effect, the channels, and what was told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from connector.alerts import channels
from connector.errors import NothingLeftError, SettingsError
from connector.model.alert import ALERT_KINDS, AlertKind, AlertState, ChannelState, Severity, Told
from connector.model.spoken_times import duration
from connector.settings.alerts import AlertsSettings, Channel
from connector.store import alerts
from connector.store.engine import Store

_NEVER = "off: its setting is 0"
_AT_ONCE: Mapping[AlertKind, str] = {
    "fleet gone": "a part of the fleet has not been seen for 30 s",
    "credentials refused": "Customer.io refuses the credentials",
    "queue held": "nothing can be taken in from a queue",
    "queue unread": "messages wait in a queue that the settings name no more",
    "deletions held": "the guard holds deletions",
    "freshness broken": "a promise of freshness is not kept",
    "webhooks badly signed": "reporting webhooks were refused within the last two hours",
    "drift found": "the last audit found people who are not as delivered",
    "out refused": "messages were put aside, since a target refuses them for good",
    "dead letters": "there are messages that no worker could finish",
}


class RuleInEffect(NamedTuple):
    """A rule as the settings have it; when: in words; is_on: whether anybody is told."""

    kind: AlertKind
    when: str
    severity: Severity
    is_on: bool


class ChannelStanding(NamedTuple):
    """A channel as the settings have it, without its address, and how it fares."""

    name: str
    label: str
    severities: Sequence[Severity]
    quiet_hours: str
    state: ChannelState


@dataclass(frozen=True, slots=True)
class AlertsOverview:
    """Everything that the page of alerts shows, at one moment. told: the notices, the latest first."""

    open: Sequence[AlertState]
    past: Sequence[AlertState]
    rules: Sequence[RuleInEffect]
    channels: Sequence[ChannelStanding]
    told: Sequence[Told]


def overview(settings: AlertsSettings, store: Store, most: int) -> AlertsOverview:
    """Returns the overview of alerts, with at most `most` past alerts and `most` notices. Raises StoreError."""
    with store.reading() as tx:
        known, told = [*alerts.known(tx).values()], alerts.latest_notices(tx, most)
        states = alerts.channels(tx, [*settings.channels])
    ways = [_channel(settings.channels[each.name], each) for each in states]
    past = [each for each in known if not each.is_open][:most]
    return AlertsOverview([each for each in known if each.is_open], past, rules_in_effect(settings), ways, told)


def _channel(channel: Channel, state: ChannelState) -> ChannelStanding:
    return ChannelStanding(channel.name, channel.label, channel.severities, channel.quiet_hours, state)


def rules_in_effect(settings: AlertsSettings) -> list[RuleInEffect]:
    """Returns each rule with its bound as the settings have it."""
    bounds = _bounds(settings)
    return [
        RuleInEffect(
            kind,
            "off: `[alerts] off` names it" if kind in settings.off else bounds[kind],
            settings.severity(kind),
            kind not in settings.off and bounds[kind] != _NEVER,
        )
        for kind in ALERT_KINDS
    ]


def _bounds(settings: AlertsSettings) -> dict[AlertKind, str]:
    failing, an_hour = settings.target_failing_seconds, settings.problems_an_hour
    return {
        **_AT_ONCE,
        "connection paused": _longer("Customer.io fails", settings.paused_seconds),
        "backlog": _longer("the oldest change of a sync waits", settings.backlog_seconds),
        "problems": f"more than {an_hour:,} problems of a sync come within an hour" if an_hour else _NEVER,
        "nothing from upstream": _longer("nothing comes from upstream", settings.nothing_from_upstream_seconds),
        "source late": _longer("a source is due, or fails,", settings.source_late_seconds),
        "webhooks silent": _longer("Customer.io reports nothing", settings.webhooks_silent_seconds),
        "out failing": _longer("a target does not take what waits for it", failing),
        "export failing": _longer("an export fails, or is due and nobody runs it,", failing),
        "count off its mean": _off("the changes of a sync within an hour are", settings.count_off_mean),
        "segment off its mean": _off("the size of a segment is", settings.segment_off_mean),
    }


def _longer(what: str, seconds: float) -> str:
    return f"{what} for longer than {duration(seconds)}" if seconds else _NEVER


def _off(what: str, share: float) -> str:
    return f"{what} off the mean by more than {share:.0%}" if share else _NEVER


def acknowledge(store: Store, keys: Sequence[str], by: str) -> list[str]:
    """Takes alerts on: nobody is reminded of them while they are open; their recovery is still told.

    Args:
        store: The store.
        keys: The alerts, by their keys; none for all that are open.
        by: The name of the person who takes them on.

    Returns:
        The keys of those that were open, and not taken on before.

    Raises:
        NothingLeftError: There is no such alert.
    """
    with store.writing() as tx:
        wanted = keys or [key for key, each in alerts.known(tx).items() if each.is_open]
        taken = alerts.acknowledge(tx, wanted, store.now(tx), by)
    if not taken:
        raise NothingLeftError("nothing was left to do: no such alert is open, or it is taken on already")
    return taken


def try_channel(settings: AlertsSettings, store: Store, name: str) -> str:
    """Sends a test message by a channel. Returns why it was not taken, "" if it was.

    Raises SettingsError where the settings name no such channel.
    """
    channel = settings.channels.get(name)
    if channel is None:
        raise SettingsError(f"there is no channel {name!r}: the settings name {', '.join(settings.channels) or 'none'}")
    with store.reading() as tx:
        now = store.now(tx)
    return channels.tried(channel, now)
