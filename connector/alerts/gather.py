"""Reads the facts that the rules of alerts look at, at one moment of the store. Nothing looks through the people."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection

from connector.alerts import freshness
from connector.alerts import targets as alert_targets
from connector.alerts.facts import AlertFacts, ConnectionFacts, Hourly, SourceFacts, WebhookFacts
from connector.alerts.measure import means_of_counts, means_of_segments
from connector.customerio.credentials import fingerprint
from connector.model.alert import AlertState
from connector.model.source_state import due_since
from connector.settings.schema import Settings
from connector.store import (
    alert_facts,
    connection_health,
    deletion_guard,
    heartbeats,
    jobs,
    named_leases,
    problems,
    sources,
)

_HOUR_SECONDS = 3600.0
_UNSIGNED_SECONDS = 2 * _HOUR_SECONDS
"""Customer.io tries again each hour: after this time without a badly signed webhook, the sender has stopped."""


def gather(settings: Settings, tx: Connection, now: float, known: Mapping[str, AlertState]) -> AlertFacts:
    """Reads the facts.

    Args:
        settings: The settings.
        tx: A transaction that may only read.
        now: The store's time, in unix seconds.
        known: The alerts that are open, or were, by their keys.
    """
    delivering = [name for name, sync in settings.syncs.items() if sync.deliver]
    return AlertFacts(
        now=now,
        gone=heartbeats.missing(heartbeats.known(tx), now, durable=settings.broker.durable),
        connections=list(_connections(settings, tx, now)),
        queues_held={each.problem.subject: each.problem.reason for each in problems.of_every_sync(tx, "queue")},
        queues_unread=[each.problem.subject for each in problems.of_every_sync(tx, "queue unread")],
        held={name: deletion_guard.held(tx, name) for name in delivering},
        promises=freshness.promises(settings, tx, now),
        problems=alert_facts.problems_since(tx, [*settings.syncs], now - _HOUR_SECONDS),
        heard_at=alert_facts.heard_at(tx),
        sources=list(_sources(settings, tx, now)),
        webhooks=list(_webhooks(settings, tx)),
        out=alert_targets.out_failing(tx, settings.out),
        exports=alert_targets.exports_failing(tx, settings.export),
        exports_due=alert_targets.exports_due(tx, settings.export, now),
        out_refused=alert_targets.out_refused(tx, settings.out),
        unsigned=_unsigned(settings, tx, now),
        drift={name: _drift(tx, name) for name in delivering},
        dead_letters=_dead_letters(tx),
        counts=_counts(settings, tx, now),
        segments=_segments(settings, tx, now),
        open=frozenset(key for key, each in known.items() if each.is_open),
        recovered={key: each.recovered_at for key, each in known.items() if each.recovered_at is not None},
    )


def _connections(settings: Settings, tx: Connection, now: float) -> Iterator[ConnectionFacts]:
    used = {sync.connection for sync in settings.syncs.values() if sync.deliver}
    for name in sorted(used):
        health = connection_health.health(tx, name)
        paused = health.paused(now, fingerprint(settings.connections[name]))
        resumed = health.paused_until is None  # by a human: the next request shows whether it still fails
        yield ConnectionFacts(name, health.reason, None if resumed else health.since, paused, health.for_human)


def _sources(settings: Settings, tx: Connection, now: float) -> Iterator[SourceFacts]:
    if not settings.sources:
        return
    states, failing = sources.load(tx), {each.problem.subject: each for each in problems.kept(tx, kind="source")}
    running = named_leases.held(tx, [f"source:{name}" for name in settings.sources], now)
    for name, source in settings.sources.items():
        if name in states:
            fails = failing.get(name)
            yield SourceFacts(
                name,
                due_since(states[name], source.times),
                f"source:{name}" in running,
                None if fails is None else fails.first_at,
                "" if fails is None else fails.problem.reason,
            )


def _webhooks(settings: Settings, tx: Connection) -> Iterator[WebhookFacts]:
    if not settings.alerts.webhooks_silent_seconds:
        return
    awaited_since = alert_facts.counted_since(tx)
    for name, connection in settings.connections.items():
        if connection.webhook_keys:
            yield WebhookFacts(name, alert_facts.reported_at(tx, name), awaited_since)


def _unsigned(settings: Settings, tx: Connection, now: float) -> dict[str, str]:
    return {
        each.problem.subject: each.problem.reason
        for each in problems.kept(tx, kind="signature")
        if each.problem.subject in settings.connections and now - each.last_at < _UNSIGNED_SECONDS
    }


def _drift(tx: Connection, sync: str) -> int:
    """Returns how many people the last audit of the sync found drifted and did not repair."""
    last = jobs.find(tx, sync=sync, kind="audit", states=("done",), limit=1)
    return sum(each.counts.get("drifted", 0) - each.counts.get("repaired", 0) for each in last)


def _dead_letters(tx: Connection) -> int:
    """Returns how many dead letters there are, by the problem that a watch of the queue keeps once a minute."""
    counted = [each.problem.payload for each in problems.kept(tx, kind="dead letters")]
    return max((int(each["messages"]) for each in counted if isinstance(each, dict)), default=0)


def _counts(settings: Settings, tx: Connection, now: float) -> list[Hourly]:
    return means_of_counts(settings, tx, now) if settings.alerts.count_off_mean else []


def _segments(settings: Settings, tx: Connection, now: float) -> list[Hourly]:
    return means_of_segments(settings, tx, now) if settings.alerts.segment_off_mean else []
