"""Decides which alerts are open, by the facts alone. Pure.

What only follows from another alert opens none of its own: the syncs of a paused connection are late, and one alert
says so. Lateness counts from the end of its cause, so one outage is one alert, however long it takes to catch up.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from connector.alerts.facts import AlertFacts, ConnectionFacts, Hourly
from connector.alerts.freshness import Promise
from connector.model.alert import AlertKind
from connector.model.spoken_times import clock, duration, moment
from connector.settings.alerts import AlertsSettings
from connector.store.heartbeats import WORDS

_LEAST_MEAN = 20.0
"""A mean below this says nothing: of three people, two more are a crowd."""


class OpenAlert(NamedTuple):
    """Something that needs somebody. subject: what it is about, which tells two of a kind apart."""

    kind: AlertKind
    subject: str
    sentence: str

    @property
    def key(self) -> str:
        """Returns the key of the alert: its kind and its subject."""
        return key(self.kind, self.subject)


def key(kind: AlertKind, subject: str) -> str:
    """Returns the key of an alert: its kind and its subject."""
    return f"{kind}: {subject}" if subject else kind


_NOBODY_WORKS = tuple(key("fleet gone", role) for role in WORDS if role != "web")
"""The keys of the alerts from which it follows that nothing goes on."""


def findings(facts: AlertFacts, settings: AlertsSettings) -> list[OpenAlert]:
    """Returns the alerts that are open by these facts, each key once, without the kinds that are switched off."""
    found = {each.key: each for rule in _RULES for each in rule(facts, settings) if each.kind not in settings.off}
    return list(found.values())


AlertRule = Callable[[AlertFacts, AlertsSettings], Iterator[OpenAlert]]


def _gone(facts: AlertFacts, _: AlertsSettings) -> Iterator[OpenAlert]:
    for role, seen_at in facts.gone.items():
        last = "" if seen_at is None else f" (last seen {clock(seen_at, facts.now)})"
        said = WORDS.get(role, f"{role} is gone")
        yield OpenAlert("fleet gone", role, f"{said[:1].upper()}{said[1:]}{last}")


def _connections(facts: AlertFacts, settings: AlertsSettings) -> Iterator[OpenAlert]:
    for each in facts.connections:
        if each.paused and each.for_human:
            at = "" if each.since is None else f" {clock(each.since, facts.now)}"
            said = f"Customer.io refuses the credentials of {each.name}: {each.reason}{at}. Nothing is lost"
            yield OpenAlert("credentials refused", each.name, said)
        elif _is_paused(each, facts, settings):
            took = duration(facts.now - (each.since or facts.now))
            said = f"{each.name} is paused: Customer.io takes nothing for {took}: {each.reason}. Nothing is lost"
            yield OpenAlert("connection paused", each.name, said)


def _is_paused(each: ConnectionFacts, facts: AlertFacts, settings: AlertsSettings) -> bool:
    """Says whether a connection has failed long enough for an alert, or until one of its syncs was late."""
    if each.since is None:
        return False
    if key("connection paused", each.name) in facts.open or facts.now - each.since > settings.paused_seconds:
        return True
    late = (*_promises(facts, settings), *_backlogs(facts, settings))
    return any(promise.connection == each.name for promise in late)


def _freshness(facts: AlertFacts, settings: AlertsSettings) -> Iterator[OpenAlert]:
    for each in _promises(facts, settings):
        if not _caused(each, facts):
            subject = f"{each.sync}: {each.segment}" if each.segment else each.sync
            yield OpenAlert("freshness broken", subject, each.sentence)


def _promises(facts: AlertFacts, _: AlertsSettings) -> Iterator[Promise]:
    """Yields the broken promises. After an outage, each has as long as it promises to catch up."""
    for each in facts.promises:
        if each.within_seconds and _lateness(each, facts) > each.within_seconds:
            yield each


def _backlog(facts: AlertFacts, settings: AlertsSettings) -> Iterator[OpenAlert]:
    for each in _backlogs(facts, settings):
        if not _caused(each, facts):
            said = f"The oldest change of {each.sync} waits for {duration(each.seconds)}"
            yield OpenAlert("backlog", each.sync, f"{said}: {each.cause}" if each.cause else said)


def _backlogs(facts: AlertFacts, settings: AlertsSettings) -> Iterator[Promise]:
    for each in facts.promises:
        if not each.segment and 0 < settings.backlog_seconds < _lateness(each, facts):
            yield each


def _lateness(promise: Promise, facts: AlertFacts) -> float:
    """Returns how many seconds it is late by itself, counted from the end of its causes; 0 while one is an alert."""
    return _seconds_since(promise.until, _causes(promise, facts), facts)


def _seconds_since(at: float, causes: Iterable[str], facts: AlertFacts) -> float:
    """Returns for how many seconds it has waited since its causes (alert keys) were over; 0 while one is an alert."""
    known = set(causes)
    return 0.0 if known & facts.open else facts.now - max(at, *(facts.recovered.get(each, 0.0) for each in known))


def _causes(promise: Promise, facts: AlertFacts) -> Iterator[str]:
    """Yields the keys of the alerts from which it follows that a sync is late."""
    yield key("connection paused", promise.connection)
    yield key("credentials refused", promise.connection)
    yield from _NOBODY_WORKS
    yield from (each for each in (*facts.open, *facts.recovered) if each.startswith(key("queue held", "")))


def _caused(promise: Promise, facts: AlertFacts) -> bool:
    """Says whether the delay follows from something that is an alert of its own, or will become one if it lasts."""
    failing = any(each.name == promise.connection and each.since is not None for each in facts.connections)
    return failing or _nobody_works(facts) or bool(facts.queues_held)


def _nobody_works(facts: AlertFacts) -> bool:
    return bool(set(facts.gone) - {"web"})


def _queues(facts: AlertFacts, _: AlertsSettings) -> Iterator[OpenAlert]:
    for queue, why in facts.queues_held.items():
        yield OpenAlert("queue held", queue, f"Nothing can be taken in from {queue}, nothing is lost: {why}")


def _unread(facts: AlertFacts, _: AlertsSettings) -> Iterator[OpenAlert]:
    for queue in facts.queues_unread:
        said = f"Messages wait in {queue}, which the settings name no more: name it in [intake] former_queues"
        yield OpenAlert("queue unread", queue, said)


def _held(facts: AlertFacts, _: AlertsSettings) -> Iterator[OpenAlert]:
    for sync, count in facts.held.items():
        if count:
            said = f"The guard holds {count:,} deletions of {sync}: `connector approve {sync}` lets them go"
            yield OpenAlert("deletions held", sync, said)


def _problems(facts: AlertFacts, settings: AlertsSettings) -> Iterator[OpenAlert]:
    for sync, count in facts.problems.items():
        if 0 < settings.problems_an_hour < count:
            where = f"of {sync}" if sync else "of messages"
            said = f"{count:,} problems {where} came within an hour: `connector problems --group` has their causes"
            yield OpenAlert("problems", sync, said)


def _upstream(facts: AlertFacts, settings: AlertsSettings) -> Iterator[OpenAlert]:
    if _is_silent("nothing from upstream", "", facts.heard_at, settings.nothing_from_upstream_seconds, facts):
        yield OpenAlert("nothing from upstream", "", f"Upstream says nothing {_since(facts.heard_at, facts.now)}")


def _is_silent(kind: AlertKind, subject: str, heard_at: float | None, allowed: float, facts: AlertFacts) -> bool:
    """Says whether nothing was heard for too long.

    The store forgets an old `heard_at`: an alert that is open then stays open, as the silence has not ended.
    """
    if heard_at is None:
        return allowed > 0 and key(kind, subject) in facts.open
    return 0 < allowed < facts.now - heard_at


def _since(heard_at: float | None, now: float) -> str:
    return "for as long as is known" if heard_at is None else f"since {moment(heard_at, now)}"


def _sources(facts: AlertFacts, settings: AlertsSettings) -> Iterator[OpenAlert]:
    allowed = settings.source_late_seconds
    for each in facts.sources:
        if not allowed:
            continue
        if each.failing_since is not None and facts.now - each.failing_since > allowed:
            since = moment(each.failing_since, facts.now)
            yield OpenAlert("source late", each.name, f"The source {each.name} fails since {since}: {each.reason}")
        elif each.due_at is not None and not each.running and facts.now - each.due_at > allowed:
            since = moment(each.due_at, facts.now)
            yield OpenAlert("source late", each.name, f"The source {each.name} is due since {since}")


def _targets(facts: AlertFacts, settings: AlertsSettings) -> Iterator[OpenAlert]:
    allowed = settings.target_failing_seconds
    for each in facts.out:
        if 0 < allowed < facts.now - each.since:
            since = moment(each.since, facts.now)
            yield OpenAlert("out failing", each.name, f"Nothing goes on to {each.name} since {since}: {each.reason}")
    for each in facts.exports:
        if 0 < allowed < facts.now - each.since:
            said = f"The export {each.name} fails since {moment(each.since, facts.now)}: {each.reason}"
            yield OpenAlert("export failing", each.name, said)
    for name, due in facts.exports_due.items():
        if 0 < allowed < _seconds_since(due, _NOBODY_WORKS, facts) and not _nobody_works(facts):
            said = f"The export {name} is due since {moment(due, facts.now)}, and nobody runs it"
            yield OpenAlert("export failing", name, said)
    for name, count in facts.out_refused.items():
        said = f"{name} has refused {count:,} messages, which were put aside: `connector problems` has them"
        yield OpenAlert("out refused", name, said)


def _webhooks(facts: AlertFacts, settings: AlertsSettings) -> Iterator[OpenAlert]:
    for connection, why in facts.unsigned.items():
        yield OpenAlert("webhooks badly signed", connection, f"{connection}: {why}")
    allowed = settings.webhooks_silent_seconds
    for each in facts.webhooks:
        last = each.awaited_since if each.heard_at is None else each.heard_at
        if _is_silent("webhooks silent", each.connection, last, allowed, facts):
            since = _since(each.heard_at, facts.now)
            said = f"Customer.io reports nothing of {each.connection} {since}"
            how = "" if each.heard_at else f": `connector webhooks check {each.connection}` says what is missing"
            yield OpenAlert("webhooks silent", each.connection, said + how)


def _drift(facts: AlertFacts, _: AlertsSettings) -> Iterator[OpenAlert]:
    for sync, count in facts.drift.items():
        if count:
            said = f"The last audit of {sync} found {count:,} people who are not as delivered, and did not repair them"
            yield OpenAlert("drift found", sync, said)


def _dead_letters(facts: AlertFacts, _: AlertsSettings) -> Iterator[OpenAlert]:
    if facts.dead_letters:
        yield OpenAlert("dead letters", "", f"{facts.dead_letters:,} dead letters: `connector dead-letters` shows them")


def _counts(facts: AlertFacts, settings: AlertsSettings) -> Iterator[OpenAlert]:
    for each in _off(facts.counts, settings.count_off_mean):
        said = f"{each.subject} had {each.number:,} changes in the last hour, {each.mean:,.0f} in the mean of that hour"
        yield OpenAlert("count off its mean", each.subject, said)
    for each in _off(facts.segments, settings.segment_off_mean):
        said = f"{each.subject} has {each.number:,} people, {each.mean:,.0f} in the mean of the week"
        yield OpenAlert("segment off its mean", each.subject, said)


def _off(counted: Iterable[Hourly], share: float) -> Iterator[Hourly]:
    for each in counted:
        if share and each.mean >= _LEAST_MEAN and abs(each.number - each.mean) > share * each.mean:
            yield each


_RULES: tuple[AlertRule, ...] = (
    _gone, _connections, _queues, _unread, _held, _freshness, _backlog, _targets, _webhooks, _dead_letters, _problems,
    _sources, _upstream, _counts, _drift,
)  # fmt: skip
