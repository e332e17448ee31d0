"""Jobs that replay or discard many problems, at a pace, until they are done or somebody stops them.

A problem that is done is gone from the list. So a process that takes a job over goes on with the problems that are left
behind the job's position, and repeats nothing that was done. A problem that comes again after the job has begun is not
tried twice. The caller says how one problem is replayed or discarded (`Remedies`).
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args
from uuid import uuid4

import structlog
from pydantic_core import from_json, to_json

from connector.bulk.backfill import EVERYBODY
from connector.bulk.jobs import JobStoppedError, find, running
from connector.bulk.lease import Lease, leased
from connector.bulk.resync import Progress
from connector.errors import ConnectorError, NothingLeftError, StoreError
from connector.model.job import UNDER_WAY, Job
from connector.model.problem import REPLAYED, ProblemKind
from connector.model.problem_filter import ProblemFilter
from connector.runtime import Runtime
from connector.store import jobs, named_leases, problems
from connector.store.engine import Store
from connector.store.problems import Kept

log = structlog.get_logger(__name__)
ProblemAct = Literal["replay", "discard"]
ACTS: tuple[ProblemAct, ...] = get_args(ProblemAct)
"""The kinds of these jobs."""
DONE, NOT_DONE, GONE = "done", "not done", "gone meanwhile"
AT_ONCE = 20
"""The most problems that a job tries before it writes how far it has come."""
_WAIT_SECONDS = 0.2
_BY_HAND = "held"
"""The kind of problem of held deletions: an operator lets them go by hand, and no job does."""
_LEFT_OUT: Mapping[str, frozenset[str]] = {
    "replay": frozenset(get_args(ProblemKind)) - REPLAYED,
    "discard": frozenset({_BY_HAND}),
}
"""The kinds of problem that a job leaves out, by its act."""
Remedy = Callable[[Kept], object]
Remedies = Callable[[Runtime, str], Mapping[str, Remedy]]
"""A function that returns the remedies by the names of the acts; its text is the format to read messages in."""


class Meant(NamedTuple):
    """The problems that a job is for. which: what they match; total: how many of them the job replays or discards.

    held: how many are left out since held deletions are let go by hand alone. others: how many are left out, by kind,
    since a replay does not mend that kind.
    """

    which: ProblemFilter
    total: int
    held: int
    others: Mapping[str, int]


def lease_name(id: str) -> str:
    """Returns the name of the lease that a process holds while it takes the job further."""
    return f"problems:{id}"


def which(store: Store, act: ProblemAct, asked: ProblemFilter, lately: float = 0.0) -> Meant:
    """Returns which problems a job would be for, and how many they are. Those that come later than now are not meant.

    Args:
        store: The store.
        act: What is to be done with each.
        asked: Which were asked for.
        lately: Only those that came in the last so many seconds; 0 for no such bound.
    """
    with store.reading(patient=True) as tx:
        now = store.now(tx)
        until = now if asked.until is None else min(asked.until, now)
        meant = replace(asked, since=max(asked.since, now - lately if lately else 0.0), until=until)
        found = problems.by_kind(tx, meant)
    others = {kind: count for kind, count in sorted(found.items()) if kind in _LEFT_OUT[act]}
    held = others.pop(_BY_HAND, 0)
    return Meant(meant, sum(found.values()) - held - sum(others.values()), held, others)


def start(runtime: Runtime, act: ProblemAct, meant: ProblemFilter, per_second: float, by: str, format: str = "") -> Job:
    """Starts a job that replays or discards each of the problems.

    Args:
        runtime: What this process has open.
        act: What is done with each.
        meant: Which problems.
        per_second: The most problems a second.
        by: Who starts it.
        format: The format that unreadable messages are read in; "" for the one that refused them.

    Returns:
        The job.

    Raises:
        ConnectorError: A job over problems is running or paused already, of whichever act.
    """
    meant, total, *_ = which(runtime.store, act, meant)
    asked = to_json({"which": meant.text(), "format": format}).decode()
    with runtime.store.writing() as tx:
        jobs.begin_alone(tx)
        for each in ACTS:
            for job in jobs.find(tx, kind=each, states=UNDER_WAY, limit=1):
                advice = f"`connector jobs follow|resume|cancel {job.id}`"
                raise ConnectorError(f"the {job.kind} {job.id} is {job.state}, one at a time is enough: {advice}")
        now = runtime.store.now(tx)
        job = Job(
            uuid4().hex[:8], meant.sync or EVERYBODY, act, total=total, per_second=per_second, created_at=now,
            updated_at=now, started_by=by, asked=asked,
        )  # fmt: skip
        jobs.add(tx, job)
    log.info("job over problems started", job=job.id, act=act, problems=total, per_second=per_second)
    return job


def waiting(runtime: Runtime) -> list[str]:
    """Returns the ids of the running jobs over problems that no process is taking further."""
    with runtime.store.reading() as tx:
        running = [job.id for act in ACTS for job in jobs.find(tx, kind=act, states=("running",))]
        taken = named_leases.held(tx, [lease_name(id) for id in running], runtime.store.now(tx)) if running else set()
    return [id for id in running if lease_name(id) not in taken]


def take_further(runtime: Runtime, id: str, remedies: Remedies, until: Callable[[], bool] = lambda: False) -> None:
    """Takes a job to its end, unless another process does, or it is paused or cancelled.

    Args:
        runtime: What this process has open.
        id: The job's id.
        remedies: Returns what is done with a problem. Where that raises a ConnectorError, the problem stays in the
            list, and the job goes on with the next one.
        until: Says when to stop before the end.

    Raises:
        StoreError: The store failed: the next process that looks for waiting jobs goes on.
        LostError: Another process has taken the job over.
    """
    with leased(runtime.store, lease_name(id)) as lease:
        if lease is None:
            return
        try:
            _ProblemJobRun(runtime, id, lease, remedies, until).go()
        except JobStoppedError:
            return


@dataclass(frozen=True, slots=True)
class _ProblemJobRun:
    """The work of this process on one job over problems while it holds the lease."""

    runtime: Runtime
    id: str
    lease: Lease
    remedies: Remedies
    until: Callable[[], bool]

    def go(self) -> None:
        job = self._job()
        asked = from_json(job.asked)
        meant = ProblemFilter.of(asked["which"])
        remedy = self.remedies(self.runtime, asked["format"])[job.kind]
        while page := self._page(meant, _LEFT_OUT[job.kind]):
            came_to = Counter(self._tried(remedy, kept) for kept in page)
            self._save(page[-1].id, came_to)
        self._end()

    def _job(self) -> Job:
        return running(self.runtime.store, self.id, self.until)

    def _page(self, meant: ProblemFilter, left_out: Collection[str]) -> list[Kept]:
        """Waits until the pace allows some problems, and returns the next ones, at most AT_ONCE, none at the end.

        Raises JobStoppedError where the job must not go on, LostError where another process has taken it over.
        """
        while True:
            job = self._job()
            with self.runtime.store.reading() as tx:
                self.lease.check(tx)
                if allowed := job.allowed(self.runtime.store.now(tx)):
                    return problems.page(tx, meant, job.position, min(allowed, AT_ONCE), left_out)
            time.sleep(min(_WAIT_SECONDS, 1 / job.per_second))

    def _tried(self, remedy: Remedy, kept: Kept) -> str:
        try:
            remedy(kept)
        except StoreError:
            raise
        except NothingLeftError:
            return GONE
        except ConnectorError:
            return f"{NOT_DONE}: {kept.problem.kind}"
        return DONE

    def _save(self, position: str, came_to: Mapping[str, int]) -> None:
        with self.runtime.store.writing() as tx:
            self.lease.confirm(tx)
            job = jobs.take(tx, self.id)
            if job is None:
                raise JobStoppedError
            now = self.runtime.store.now(tx)
            jobs.save(tx, job.advanced(now, position, sum(came_to.values()), came_to))

    def _end(self) -> None:
        with self.runtime.store.writing() as tx:
            self.lease.confirm(tx)
            job = jobs.take(tx, self.id)
            if job is None:
                return
            # These were solved by others, or by a process that was killed before it wrote how far it had come.
            gone = max(job.total - job.done, 0)
            counts = {**job.counts, GONE: job.counts.get(GONE, 0) + gone} if gone else job.counts
            jobs.save(tx, replace(job, counts=counts).ended(self.runtime.store.now(tx)))
        log.info("job over problems done", job=self.id)


def not_done(job: Job) -> int:
    """Returns how many problems of a job stay in the list because the act failed for them."""
    return sum(count for name, count in job.counts.items() if name.startswith(NOT_DONE))


def progress(runtime: Runtime, id: str) -> Progress:
    """Returns the progress of a job, by its whole id. Raises ConnectorError where there is no such job."""
    job = find(runtime.store, id)
    with runtime.store.reading() as tx:
        now = runtime.store.now(tx)
        busy = named_leases.held(tx, [lease_name(id)], now)
    return Progress(job, 0, 0.0 if busy else max(now - job.updated_at, 0.0), "")
