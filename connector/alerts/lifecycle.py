"""The lifecycle of an alert: it opens, is reminded of, and recovers, with one notice for each change of state. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from connector.alerts.rules import OpenAlert
from connector.model.alert import AlertState, Notice, Routed, StateChange
from connector.settings.alerts import AlertsSettings, quiet_minutes

_FLAP_SECONDS = 3600.0
_MOST_DOUBLINGS = 5
_MINUTES_A_DAY = 1440


class Advance(NamedTuple):
    """The result of one step: the states that changed, and the notices about the changes."""

    states: list[AlertState]
    notices: list[Notice]


def advance(
    before: Mapping[str, AlertState], found: Iterable[OpenAlert], now: float, settings: AlertsSettings
) -> Advance:
    """Returns the new state of the alerts, and the notices to send.

    Args:
        before: The alerts that are known, by their keys.
        found: What needs somebody now.
        now: The time, in unix seconds.
        settings: How long all must be well, how urgent which kind is, and what is told again.
    """
    by_key = {each.key: each for each in found}
    moved = [_found(before.get(key), each, now, settings) for key, each in by_key.items()]
    missing = [each for key, each in before.items() if key not in by_key and each.is_open]
    moved += [_missed(each, now, settings) for each in missing]
    states = [state for state, _ in moved if state != before.get(state.key)]
    return Advance(states, [_notice(state, change, now) for state, change in moved if change is not None])


Moved = tuple[AlertState, StateChange | None]


def _found(state: AlertState | None, found: OpenAlert, now: float, settings: AlertsSettings) -> Moved:
    if state is None or state.recovered_at is not None:
        return _opened(state, found, now, settings), "opened"
    severity = settings.severity(found.kind)
    same = replace(state, sentence=found.sentence, severity=severity, clear_since=None)
    due = now - state.told_at >= settings.repeat_seconds
    if settings.repeat == "every" and due and state.acknowledged_at is None:
        return replace(same, told=state.told + 1, told_at=now), "still open"
    return same, None


def _opened(state: AlertState | None, found: OpenAlert, now: float, settings: AlertsSettings) -> AlertState:
    over = None if state is None else state.recovered_at
    again = over is not None and now - over < _FLAP_SECONDS
    return AlertState(
        key=found.key,
        kind=found.kind,
        subject=found.subject,
        severity=settings.severity(found.kind),
        sentence=found.sentence,
        episode=1 if state is None else state.episode + 1,
        opened_at=now,
        told_at=now,
        flaps=state.flaps + 1 if state is not None and again else 0,
    )


def _missed(state: AlertState, now: float, settings: AlertsSettings) -> Moved:
    """Handles an open alert whose condition is not met now: it recovers once that has lasted long enough."""
    since = now if state.clear_since is None else state.clear_since
    if now - since < settings.recover_seconds * 2 ** min(state.flaps, _MOST_DOUBLINGS):
        return replace(state, clear_since=since), None
    return replace(state, clear_since=since, recovered_at=now, told=state.told + 1, told_at=now), "recovered"


def _notice(state: AlertState, change: StateChange, now: float) -> Notice:
    return Notice(
        state.key, state.episode, state.told, change, state.kind, state.subject, state.severity, state.sentence, now,
        state.opened_at,
    )  # fmt: skip


def told_at(notice: Notice, quiet_hours: str) -> float:
    """Returns when a channel with such quiet hours (UTC) is to send a notice, in unix seconds.

    It is the end of the quiet hours for a notice within them; any other notice, and every page, is sent at once.
    """
    quiet = quiet_minutes(quiet_hours)
    if quiet is None or notice.severity == "page":
        return notice.at
    minute = notice.at / 60 % _MINUTES_A_DAY
    begin, end = quiet
    length = (end - begin) % _MINUTES_A_DAY
    into = (minute - begin) % _MINUTES_A_DAY
    return notice.at if into >= length else notice.at + (length - into) * 60


def routes(notices: Iterable[Notice], settings: AlertsSettings) -> Iterator[Routed]:
    """Yields for each notice the channels that tell of it, and when."""
    for notice in notices:
        for name, channel in settings.channels.items():
            if notice.severity in channel.severities:
                yield Routed(name, notice, told_at(notice, channel.quiet_hours))
