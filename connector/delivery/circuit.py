"""Breaks the circuit of a connection: failures pause it for every worker, successes bring it back in steps."""

from math import inf

import structlog

from connector.customerio import backoff
from connector.customerio.responses import Pause
from connector.model.problem import Problem
from connector.settings.sections import DeliverySettings
from connector.store import connection_health, named_leases, problems
from connector.store.connection_health import Health
from connector.store.engine import Store

log = structlog.get_logger(__name__)
PROBE_SECONDS = 60.0
"""The seconds between two tries of refused credentials, with a request that names the workspace, changing nothing."""


def pause(
    store: Store,
    name: str,
    credentials: str,
    pause: Pause,
    limits: DeliverySettings,
    jitter: float,
    most_seconds: float,
) -> None:
    """Pauses the connection `name` for every worker.

    Args:
        store: where its state is kept.
        name: the connection.
        credentials: the digest of those that the request was sent with.
        pause: the reason, and the seconds if the reply said how long.
        limits: the first and the longest pause.
        jitter: a random number from 0 to 1, so that a fleet does not come back in one instant.
        most_seconds: the longest pause now, in seconds, if the reply does not say how long.
    """
    longest = min(limits.backoff_max_seconds, most_seconds)
    with store.writing() as tx:
        before, now = connection_health.health(tx, name), store.now(tx)
        failures = before.failures + (0 if _side_by_side(before, now) else 1)
        seconds = pause.seconds
        if seconds is None:
            seconds = backoff.delay(failures, limits.backoff_seconds, longest, jitter)
        if pause.until == "human":
            named_leases.take(tx, _probes(name), credentials, now, PROBE_SECONDS)
        if pause.until == "human" or pause.cause == "foreign":
            problems.instead(tx, Problem("connection", name, pause.reason), now)
        connection_health.pause(tx, name, _paused(pause, before, now, failures, seconds, credentials))
    log.warning("connection paused", connection=name, reason=pause.reason, until=pause.until)


def recover(store: Store, name: str, credentials: str, *, backlog: bool) -> None:
    """Lowers the count of failures after a success, unless somebody has paused the connection meanwhile.

    Args:
        store: Where the connection's state is kept.
        name: The connection, by its name.
        credentials: A digest of those that were used.
        backlog: Whether many people wait: then the way back to full speed is taken in steps.
    """
    with store.writing() as tx:
        health = connection_health.usable(tx, name, credentials, store.now(tx))
        if health is None:
            return
        problems.clear(tx, "connection", name)
        failures = backoff.after_success(health.failures) if backlog and not health.for_human else 0
        if failures:
            connection_health.pause(tx, name, Health(None, health.reason, failures))
        else:
            connection_health.resume(tx, name)
    if not failures:
        log.info("connection recovered", connection=name)


def trial(name: str) -> str:
    """Returns the name of the lease by which one claim at a time sends to a connection whose last request failed.

    The circuit is half open then. Where Customer.io does not answer, each request holds a process until its time-out,
    and those of all the fleet would wait for one workspace.
    """
    return f"trial:{name}"


def may_probe(store: Store, name: str, credentials: str) -> bool:
    """Says whether to try refused credentials again now: one worker does so, once a minute."""
    with store.writing() as tx:
        now = store.now(tx)
        health = connection_health.health(tx, name)
        refused = health.for_human and health.paused(now, credentials)
        return refused and named_leases.take(tx, _probes(name), credentials, now, PROBE_SECONDS)


def reopen(store: Store, name: str) -> None:
    """Ends a pause of refused credentials that were accepted. The connection begins slowly, as after any failure."""
    with store.writing() as tx:
        health = connection_health.health(tx, name)
        if health.for_human:
            connection_health.pause(tx, name, Health(None, health.reason, max(health.failures, 1)))
    log.info("credentials taken again", connection=name)


def _probes(name: str) -> str:
    return f"probe:{name}"


def _side_by_side(health: Health, now: float) -> bool:
    """Says whether a request failed beside another that has paused the connection: together they are one failure."""
    return now < (health.paused_until or 0.0) < inf


def _paused(pause: Pause, before: Health, now: float, failures: int, seconds: float, credentials: str) -> Health:
    """Returns the pause; of requests that failed side by side the longest counts."""
    if before.for_human and before.paused(now, credentials):
        return before
    since = now if before.since is None else before.since
    if pause.until == "human":
        return Health(inf, pause.reason, failures, credentials, since)
    until = (before.paused_until or 0.0) if _side_by_side(before, now) else 0.0
    return Health(max(now + seconds, until), pause.reason, failures, since=since)
