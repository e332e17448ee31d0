"""Gathers the state of the whole fleet for `connector status`, from the store, and the queues' from the broker."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, replace
from math import isinf
from typing import Any

from sqlalchemy import Connection

from connector.admin.verdict import FleetState, PausedConnection, verdict
from connector.alerts import freshness
from connector.alerts.freshness import Promise
from connector.audience.rules import Rules
from connector.customerio.credentials import fingerprint
from connector.errors import ConnectorError
from connector.model.alert import AlertState, ChannelState
from connector.model.export_state import ExportState, due_at
from connector.model.problem import EVERY_SYNC
from connector.model.spoken_times import clock
from connector.settings.schema import Settings
from connector.store import (
    alerts,
    connection_health,
    exports,
    heartbeats,
    named_leases,
    outgoing,
    overview,
    problems,
    request_log,
)
from connector.store import tallies as counts
from connector.store.connection_health import Health
from connector.store.engine import Store
from connector.store.heartbeats import Heartbeat
from connector.store.outgoing import NOTHING_WAITS, TargetState
from connector.store.overview import Glance, Overview

Depths = Callable[[], Mapping[str, int]]
"""A function that asks the broker how many messages wait in each queue. It raises ConnectorError."""
DEAD_LETTERS = "dead-letters"
COUNTED_TO = overview.COUNTED_TO
"""The highest exact count at a glance: one more than that stands for any higher number."""
_MANY_FAILURES = 5
"""The number of failures in a row from which on a target needs somebody."""
Numbers = Callable[[Connection, str, Collection[str]], Overview | Glance]
Status = dict[str, Any]
"""The state of the fleet, or of a part of it, as `connector status --json` shows it."""


def gathered(
    settings: Settings, store: Store, depths: Depths | None, behind_seconds: float, *, at_a_glance: bool = False
) -> Status:
    """Returns the state of everything, as JSON, at one moment of the store.

    Args:
        settings: The settings.
        store: The store.
        depths: Asks the broker for the messages in each queue; None if the broker is this process's own.
        behind_seconds: The longest time that somebody may wait before a human is needed.
        at_a_glance: Whether only what a page shows of each sync is counted, and not far (`overview.Glance`).
    """
    queued, broker_error = _asked(depths)
    with store.reading(patient=True) as tx:
        now = store.now(tx)
        found = _from_store(settings, store, tx, now, _at_a_glance if at_a_glance else overview.of)
        found["problems"] = problems.by_kind_at_most(tx, COUNTED_TO) if at_a_glance else problems.by_kind(tx)
    found["queues"] = _with_depths(found["queues"], queued)
    state = _state(settings, found, broker_error, now)
    said = verdict(replace(state, counted_to=COUNTED_TO) if at_a_glance else state, behind_seconds)
    return {"state": said.state, "sentence": said.sentence, "needs_somebody": said.needs_somebody, **found}


def waiting_problems(found: Status) -> int:
    """Returns how many problems of a status there are, beside those of held deletions."""
    return sum(count for kind, count in found["problems"].items() if kind != "held")


def _asked(depths: Depths | None) -> tuple[Mapping[str, int], str]:
    if depths is None:
        return {}, ""
    try:
        return depths(), ""
    except ConnectorError as error:
        return {}, str(error)


def _from_store(settings: Settings, store: Store, tx: Connection, now: float, numbers: Numbers) -> Status:
    processes = heartbeats.known(tx)
    return {
        "store": store.place,
        "syncs": {name: _sync(numbers(tx, name, Rules.of(sync).mirrors), now) for name, sync in settings.syncs.items()},
        "messages": counts.tallies(tx, EVERY_SYNC),
        "connections": {
            name: _connection(tx, name, fingerprint(each), now) for name, each in settings.connections.items()
        },
        "queues": _queues(tx, now) if settings.broker.durable else {},
        "processes": [_process(each, now) for each in processes],
        "gone": heartbeats.missing(processes, now, durable=settings.broker.durable),
        "out": _targets(settings, tx, now),
        "exports": _exports(settings, tx),
        "alerts": [_alert(each) for each in alerts.known(tx).values() if each.is_open],
        "channels": [_channel(each) for each in alerts.channels(tx, [*settings.alerts.channels])],
        "freshness": [_promise(each) for each in freshness.promises(settings, tx, now)],
    }


def _at_a_glance(tx: Connection, sync: str, _: Collection[str]) -> Glance:
    return overview.at_a_glance(tx, sync)


def _sync(numbers: Overview | Glance, now: float) -> Status:
    found = asdict(numbers)
    oldest = found.pop("oldest_due_at")
    return {**found, "oldest_due_seconds": None if oldest is None else round(max(now - oldest, 0.0), 1)}


def _connection(tx: Connection, name: str, credentials: str, now: float) -> Status:
    success = request_log.last_success(tx, name)
    health = connection_health.health(tx, name)
    return {**_health(health, credentials, now), "failing_since": health.since, "last_success_at": success}


def _health(health: Health, credentials: str, now: float) -> Status:
    if not health.paused(now, credentials) or health.paused_until is None:
        return {"paused": False}
    for_human = isinf(health.paused_until)
    seconds = None if for_human else round(health.paused_until - now, 1)
    return {"paused": True, "reason": health.reason, "seconds_left": seconds, "needs_resume": for_human}


def _queues(tx: Connection, now: float) -> dict[str, Status]:
    """Returns for each queue its reader, why and for how many seconds it is held, and how its arguments differ."""
    readers = {
        name.removeprefix(named_leases.QUEUE): holder.rpartition("/")[0]
        for name, (holder, until) in named_leases.beginning_with(tx, named_leases.QUEUE).items()
        if until >= now
    }
    held = {each.problem.subject: each for each in problems.of_every_sync(tx, "queue")}
    otherwise = {each.problem.subject: each.problem.reason for each in problems.of_every_sync(tx, "queue arguments")}
    return {
        name: {
            "reader": readers.get(name),
            "held": held[name].problem.reason if name in held else None,
            "held_seconds": round(now - held[name].first_at, 1) if name in held else None,
            "otherwise": otherwise.get(name),
        }
        for name in sorted({*readers, *held, *otherwise})
    }


def _with_depths(queues: Mapping[str, Status], queued: Mapping[str, int]) -> dict[str, Status]:
    nobody: Status = {"reader": None, "held": None, "held_seconds": None, "otherwise": None}
    names = sorted({*queues, *queued})
    return {name: {**queues.get(name, nobody), "messages": queued.get(name)} for name in names}


def _targets(settings: Settings, tx: Connection, now: float) -> dict[str, Status]:
    """Returns for each target how many messages wait, the oldest for how many seconds, and how and why it fails."""
    backlogs, states = outgoing.backlogs(tx), outgoing.states(tx)
    return {
        name: {
            "waiting": waiting.messages,
            "oldest_seconds": round(max(now - waiting.oldest, 0.0), 1) if waiting.messages else None,
            "failures": state.failures,
            "reason": state.reason,
        }
        for name in sorted({*settings.out, *backlogs})
        for waiting, state in [(backlogs.get(name, NOTHING_WAITS), states.get(name, TargetState()))]
    }


def _exports(settings: Settings, tx: Connection) -> dict[str, Status]:
    """Returns for each export its last run, when the next one is due, and why runs fail."""
    states = exports.load(tx)
    return {
        name: {
            "started_at": state.started_at,
            "ended_at": state.ended_at,
            "next_at": due_at(state, export.times),
            "failures": state.failures,
            "failing_since": state.failing_since,
            "reason": state.error,
        }
        for name, export in settings.export.items()
        for state in [states.get(name) or ExportState(name, 0.0)]
    }


def _alert(each: AlertState) -> Status:
    return {
        "alert": each.key,
        "severity": each.severity,
        "sentence": each.sentence,
        "opened_at": each.opened_at,
        "acknowledged": each.acknowledged_at is not None,
    }


def _channel(each: ChannelState) -> Status:
    fails = {"failing_since": each.failing_since, "reason": each.reason} if each.failures else {}
    return {"channel": each.name, "waiting": each.waiting, "told_at": each.told_at, "fails": bool(fails), **fails}


def _promise(each: Promise) -> Status:
    return {
        "sync": each.sync,
        "segment": each.segment or None,
        "until": each.until,
        "behind_seconds": round(each.seconds, 1),
        "promised_seconds": each.within_seconds or None,
        "broken": each.broken,
        "sentence": each.sentence,
    }


def _process(each: Heartbeat, now: float) -> Status:
    seen = round(max(now - each.seen_at, 0.0), 1)
    return {
        "role": each.role,
        "name": each.name,
        "seen_at": each.seen_at,
        "seen_seconds": seen,
        "lives": each.lives(now),
    }


def _state(settings: Settings, found: Status, broker_error: str, now: float) -> FleetState:
    delivered = [found["syncs"][name] for name, sync in settings.syncs.items() if sync.deliver]
    waits = [each["oldest_due_seconds"] for each in delivered if each["oldest_due_seconds"] is not None]
    oldest = max(waits, default=None)
    failing = [each["failing_since"] for each in found["connections"].values() if each["failing_since"] is not None]
    queued = {name: each["messages"] for name, each in found["queues"].items() if each["messages"] is not None}
    return FleetState(
        now=now,
        people=sum(each["due"] for each in delivered),
        objects=sum(each["objects_due"] for each in delivered),
        oldest=None if oldest is None else now - oldest,
        paused=list(_paused(found["connections"], now)),
        failing_since=min(failing, default=None),
        held=sum(each["deletions_held"] for each in found["syncs"].values()),
        problems=waiting_problems(found),
        gone=found["gone"],
        nobody=not settings.broker.durable and {each["role"] for each in found["processes"]} <= {heartbeats.SWEEP},
        queued={name: count for name, count in queued.items() if name != DEAD_LETTERS},
        queues_held={name: each["held"] for name, each in found["queues"].items() if each["held"]},
        dead_letters=queued.get(DEAD_LETTERS, 0),
        broken=[each["sentence"] for each in found["freshness"] if each["broken"]],
        broker_error=broker_error,
        out_failing=list(_stuck(found["out"])),
    )


def _stuck(targets: Mapping[str, Status]) -> Iterator[str]:
    for name, each in targets.items():
        if each["failures"] >= _MANY_FAILURES and each["waiting"]:
            yield f"nothing goes on to {name}: {each['reason']}"


def _paused(connections: Mapping[str, Status], now: float) -> Iterator[PausedConnection]:
    for name, each in connections.items():
        if each["paused"]:
            since = each["failing_since"]
            at = f" {clock(since, now)}" if each["needs_resume"] and since is not None else ""
            left = "" if each["needs_resume"] else f", for {each['seconds_left']:.0f} s"
            yield PausedConnection(name, f"{each['reason']}{at}{left}", since, each["needs_resume"])
