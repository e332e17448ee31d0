"""Resyncs: jobs that deliver everybody of a sync whole again, at a pace, behind all live changes.

A job is a row that says how far it has come. `advance`, which is called again and again, takes it a little further: the
next people, in the order of their keys, become due in the same transaction that writes the new position. So the job
goes on from there after a crash, and two processes that advance it at once do no harm. Delivery sends who is due.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

import structlog

from connector.bulk.jobs import find
from connector.customerio.segments import text_of
from connector.errors import ConnectorError, SettingsError
from connector.model.job import UNDER_WAY, Job
from connector.runtime import Runtime
from connector.store import connection_health, everybody, jobs, manual_segments, resend
from connector.store.engine import Store
from connector.store.entities import OBJECT

log = structlog.get_logger(__name__)
KIND = "resync"
PEOPLE_AT_ONCE = 1000
"""The most people that one transaction makes due: intake of the same people waits until it has ended."""
CLAIMS_AHEAD = 5
"""The bound on the people who wait for delivery: as many as delivery claims in so many claims."""
LEFT_ALONE = "left alone"
"""The count of people who are not sent: another user holds their identifier, or their deletion is held."""
_COUNTED_AT_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a job of any kind, as an operator sees it.

    due: how many people are due behind live changes, counted up to 100,000 a sync. silent_seconds: for how many seconds
    no process has taken the job further. pause: why nothing is sent to Customer.io at the moment, "" where it is sent.
    """

    job: Job
    due: int
    silent_seconds: float
    pause: str


def start(runtime: Runtime, sync: str, per_second: float, by: str = "") -> Job:
    """Starts a resync. Objects become due at once; manual segments that could not be sent to are tried again.

    Args:
        runtime: What this process has open.
        sync: The sync, by its name.
        per_second: The most people a second.
        by: Who starts it.

    Returns:
        The job.

    Raises:
        SettingsError: The settings do not name the sync, or it has deliver = false.
        ConnectorError: A resync of the sync is running or paused already.
    """
    rules = runtime.rules(sync)
    if not rules.deliver:
        raise SettingsError(f"syncs.{sync}: deliver = false, so a resync would send nothing: set deliver = true first")
    store = runtime.store
    with store.reading(patient=True) as tx:
        total = everybody.count(tx, sync)
        objects = everybody.objects(tx, sync) if runtime.rules(sync).objects else []
    with store.writing() as tx:
        jobs.begin_alone(tx)
        _refuse_second(jobs.find(tx, sync=sync, kind=KIND, states=UNDER_WAY))
        now = store.now(tx)
        job = Job(
            uuid4().hex[:8], sync, KIND, total=total, per_second=per_second, created_at=now, updated_at=now,
            started_by=by,
        )  # fmt: skip
        # Objects are due at once: there are fewer of them, and people are related to them.
        resend.send_whole(tx, sync, objects, now, OBJECT)
        jobs.add(tx, job)
        targets = [text_of(target) for target in rules.mirrors.values()]
        manual_segments.look_again(tx, sync, rules.connection, targets)
    log.info("resync started", job=job.id, sync=sync, people=total, objects=len(objects), per_second=per_second)
    return job


def _refuse_second(under_way: Sequence[Job]) -> None:
    for job in under_way:
        advice = f"`connector jobs follow|resume|cancel {job.id}`"
        raise ConnectorError(f"the resync {job.id} of {job.sync} is {job.state}, one at a time is enough: {advice}")


def advance(
    runtime: Runtime, until: Callable[[], bool] = lambda: False, people_at_once: int = PEOPLE_AT_ONCE
) -> list[str]:
    """Takes every running resync as far as its pace allows, and returns the syncs in which one came further.

    No more people are due at a time than delivery claims in CLAIMS_AHEAD claims, so that an outage does not pile
    everybody up. until: says when to stop. people_at_once: the most people that one transaction makes due.
    """
    with runtime.store.reading() as tx:
        running = jobs.find(tx, kind=KIND, states=("running",))
    delivering = {rules.name for rules in runtime.syncs if rules.deliver}
    most_due = runtime.settings.delivery.people * CLAIMS_AHEAD
    mine = [job for job in running if job.sync in delivering]
    return sorted({job.sync for job in mine if _advance_job(runtime.store, job.id, most_due, until, people_at_once)})


def _advance_job(store: Store, id: str, most_due: int, until: Callable[[], bool], people_at_once: int) -> bool:
    """Takes one job further, with transactions as long as they are full, and says whether it passed any people."""
    total, people = 0, people_at_once
    while people == people_at_once and not until():
        people = _step(store, id, most_due, people_at_once)
        total += people
    return total > 0


def _step(store: Store, id: str, most_due: int, people_at_once: int) -> int:
    """Makes the next people due, writes the job's position, and returns how many it passed, with those left alone."""
    with store.writing() as tx:
        job = jobs.take(tx, id)
        if job is None:
            return 0
        now = store.now(tx)
        room = most_due - everybody.due_behind(tx, job.sync, most_due)
        if room <= 0:
            jobs.save(tx, job.waited(now))
            return 0
        allowed = min(job.allowed(now), room, people_at_once)
        if not allowed:
            return 0
        keys = everybody.after(tx, job.sync, job.position, allowed)
        marked = resend.send_whole(tx, job.sync, keys, now)
        job = job.advanced(now, keys[-1] if keys else job.position, len(keys), {LEFT_ALONE: len(keys) - marked})
        jobs.save(tx, job if len(keys) == allowed else job.ended(now))
        return len(keys)


def progress(runtime: Runtime, id: str) -> Progress:
    """Returns the progress of a job of one sync; `due` is 0 for a job of another kind than a resync.

    Raises ConnectorError where there is no such job, SettingsError where the settings do not name its sync.
    """
    job = find(runtime.store, id)
    name = runtime.rules(job.sync).connection
    with runtime.store.reading() as tx:
        now = runtime.store.now(tx)
        health = connection_health.health(tx, name)
        due = everybody.due_behind(tx, job.sync, _COUNTED_AT_MOST) if job.kind == KIND else 0
    paused = health.paused(now, runtime.track(name).credentials)
    return Progress(job, due, max(now - job.updated_at, 0.0), f"{name}: {health.reason}" if paused else "")
