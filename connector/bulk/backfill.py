"""Backfills: jobs that take in the rows of files, URLs or a source, at a pace, behind all live changes.

The process that takes a backfill further holds its lease, and writes the position after intake has committed. After a
crash the next process reads the rows behind that position once more, which changes nothing.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from socket import gethostname
from urllib.parse import urlsplit
from uuid import uuid4

import structlog

from connector.audience.rules import Rules
from connector.bulk import download
from connector.bulk.backfill_input import BackfillInput, Position
from connector.bulk.jobs import JobStoppedError, find, running
from connector.bulk.lease import Lease, LostError, leased
from connector.bulk.resync import Progress
from connector.bulk.tabular import reader, table, user_from_row
from connector.bulk.tabular.reader import Batch, TableReader
from connector.bulk.tabular.row_messages import ROWS_AT_ONCE
from connector.bulk.tabular.user_from_row import UserShape
from connector.bulk.tabular.wanted_columns import WantedColumns
from connector.bulk.warehouse import pages, scheduling
from connector.errors import ConnectorError, SettingsError, StoreError
from connector.formats import NAMES
from connector.intake.accept import accept
from connector.model.change import Unreadable
from connector.model.job import Job
from connector.model.problem import EVERY_SYNC, Problem, ProblemKind
from connector.runtime import Runtime
from connector.store import backfills, connection_health, everybody, jobs, named_leases, problems

log = structlog.get_logger(__name__)
KIND: ProblemKind = "backfill"
EVERYBODY = "*"
"""The value of `Job.sync` for a job that is for all syncs."""
_WAIT_SECONDS = 0.2
_COUNTED_AT_MOST = 100_000
_FORMATS = (*NAMES, *table.KINDS)


def lease_name(id: str) -> str:
    """Returns the name of the lease that a process holds while it takes the job further."""
    return f"backfill:{id}"


def start(runtime: Runtime, sync: str, origin: BackfillInput, per_second: float, by: str = "") -> Job:
    """Starts a backfill: checks what can be checked at once, and stores the job, which reads no row yet.

    Args:
        runtime: What this process has open.
        sync: The sync, by its name; `*` for all.
        origin: Where the rows come from.
        per_second: The most rows a second.
        by: Who starts it.

    Returns:
        The job.

    Raises:
        SettingsError: The sync, the source, the format or the columns of a file are not accepted.
        ConnectorError: A file is not there or cannot be read, or a URL is wrong.
    """
    origin = replace(origin, format=origin.format or runtime.settings.intake.format)
    _check(runtime, sync, origin)
    with runtime.store.writing() as tx:
        now = runtime.store.now(tx)
        job = Job(uuid4().hex[:8], sync, KIND, per_second=per_second, created_at=now, updated_at=now, started_by=by)
        jobs.add(tx, job)
        backfills.add(tx, job.id, origin.text())
    log.info("backfill started", job=job.id, sync=sync, files=len(origin.files), per_second=per_second)
    return job


def _check(runtime: Runtime, sync: str, origin: BackfillInput) -> None:
    if sync != EVERYBODY:
        runtime.rules(sync)
    if bool(origin.files) == bool(origin.source):
        raise SettingsError("say what to read: files or URLs, or --source NAME")
    if origin.source:
        scheduling.find(runtime, origin.source)
    if origin.format not in _FORMATS:
        raise SettingsError(f"--format: {origin.format!r} is not accepted; give one of {', '.join(_FORMATS)}")
    for file in origin.files:
        if download.is_url(file):
            download.check(file)
        else:
            syncs = runtime.syncs if sync == EVERYBODY else [runtime.rules(sync)]
            with _reader(runtime, origin, Path(file), file, syncs):
                pass


def waiting(runtime: Runtime) -> list[str]:
    """Returns the ids of the running backfills that no process is taking further."""
    with runtime.store.reading() as tx:
        running = [job.id for job in jobs.find(tx, kind=KIND, states=("running",))]
        if not running:
            return []
        now = runtime.store.now(tx)
        taken = named_leases.held(tx, [lease_name(id) for id in running], now)
    return [id for id in running if lease_name(id) not in taken]


def take_further(
    runtime: Runtime, id: str, until: Callable[[], bool] = lambda: False, rows_at_once: int = ROWS_AT_ONCE
) -> None:
    """Takes a job to its end, unless another process does, or it is paused or cancelled.

    An error of another kind than those below, such as a file that cannot be read, pauses the job with a problem that
    says why, unless `until` says to stop.

    Args:
        runtime: What this process has open.
        id: The job's id.
        until: Says when to stop before the end.
        rows_at_once: The most rows that one transaction takes in.

    Raises:
        StoreError: The store failed.
        LostError: Another process has taken the job over.
    """
    with leased(runtime.store, lease_name(id)) as lease:
        if lease is None:
            return
        try:
            _BackfillRun(runtime, id, lease, until, rows_at_once).go()
        except JobStoppedError:
            return
        except (StoreError, LostError):
            raise
        except ConnectorError as error:
            if not until():
                _pause(runtime, id, str(error))


def _pause(runtime: Runtime, id: str, reason: str) -> None:
    advice = f"`connector jobs resume {id}` lets it go on, `connector jobs cancel {id}` ends it"
    with runtime.store.writing() as tx:
        now = runtime.store.now(tx)
        if jobs.turn(tx, id, ("running",), "paused", now):
            problems.add(tx, EVERY_SYNC, [Problem(KIND, id, f"{reason}. It is paused: {advice}")], now)
    log.warning("backfill paused", job=id, reason=reason)


@dataclass(frozen=True, slots=True)
class _BackfillRun:
    """The work of this process on one backfill while it holds the lease."""

    runtime: Runtime
    id: str
    lease: Lease
    until: Callable[[], bool]
    rows_at_once: int

    def go(self) -> None:
        job = self._job()
        with self.runtime.store.reading() as tx:
            text = backfills.origin(tx, self.id)
        if text is None:
            raise ConnectorError("what it read is not known any more")
        origin, syncs = BackfillInput.of(text), self._syncs(job)
        if origin.source:
            self._source(origin, syncs)
        else:
            for number in range(Position.of(job.position).file, len(origin.files)):
                self._file(origin, number, syncs)
        self._end()

    def _syncs(self, job: Job) -> Sequence[Rules]:
        return self.runtime.syncs if job.sync == EVERYBODY else [self.runtime.rules(job.sync)]

    def _job(self) -> Job:
        return running(self.runtime.store, self.id, self.until)

    def _file(self, origin: BackfillInput, number: int, syncs: Sequence[Rules]) -> None:
        file = origin.files[number]
        with self._local(file) as path, _reader(self.runtime, origin, path, _name(file), syncs) as rows:
            done = Position.of(self._job().position).row
            rows.skip(done)
            while (batch := rows.batch(self._allowed())).rows:
                self._take(batch, syncs)
                done += batch.rows
                self._save(batch, Position(number, done), _rest(rows, done))
            self._save(Batch(0, []), Position(number + 1), 0)

    @contextmanager
    def _local(self, file: str) -> Iterator[Path]:
        if not download.is_url(file):
            yield Path(file)
            return
        most_bytes = self.runtime.settings.rows.max_file_bytes
        with download.fetched(file, most_bytes, until=self.until) as path:
            yield path

    def _source(self, origin: BackfillInput, syncs: Sequence[Rules]) -> None:
        source = scheduling.find(self.runtime, origin.source)
        limit = self.runtime.settings.intake.max_message_bytes
        after = Position.of(self._job().position).after
        while (page := pages.read(source, after, self._allowed(), limit, syncs)) is not None:
            after = page.after
            batch = Batch(page.rows, page.messages)
            self._take(batch, syncs)
            self._save(batch, Position(after=after), 0)

    def _allowed(self) -> int:
        """Waits until the pace allows some rows; returns how many, at most `rows_at_once`. Raises JobStoppedError."""
        while True:
            job = self._job()
            with self.runtime.store.reading() as tx:
                allowed = job.allowed(self.runtime.store.now(tx))
            if allowed:
                return min(allowed, self.rows_at_once)
            time.sleep(min(_WAIT_SECONDS, 1 / job.per_second))

    def _take(self, batch: Batch, syncs: Sequence[Rules]) -> None:
        with self.runtime.store.reading() as tx:
            self.lease.check(tx)
        accept(self.runtime.store, syncs, batch.messages, backfill=True)

    def _save(self, batch: Batch, position: Position, rest: int) -> None:
        with self.runtime.store.writing() as tx:
            self.lease.confirm(tx)
            job = jobs.take(tx, self.id)
            if job is None:
                raise JobStoppedError
            now = self.runtime.store.now(tx)
            read = Position.of(job.position).read or any(not isinstance(each, Unreadable) for each in batch.messages)
            job = job.advanced(now, replace(position, read=read).text(), batch.rows, _counts(batch))
            jobs.save(tx, replace(job, total=job.done + rest))

    def _end(self) -> None:
        with self.runtime.store.writing() as tx:
            self.lease.confirm(tx)
            job = jobs.take(tx, self.id)
            if job is not None:
                jobs.save(tx, job.ended(self.runtime.store.now(tx)))
                backfills.drop(tx, self.id)
                problems.clear(tx, KIND, self.id)
        log.info("backfill done", job=self.id)


def _counts(batch: Batch) -> dict[str, int]:
    unreadable = sum(1 for each in batch.messages if isinstance(each, Unreadable))
    return {"could not be read": unreadable} if unreadable else {}


def _rest(rows: TableReader, done: int) -> int:
    """Returns an estimate of how many rows of the file are left; 0 where its size or the position is not known."""
    position = rows.position()
    return int(done * (rows.size - position) / position) if rows.size and position else 0


@contextmanager
def _reader(
    runtime: Runtime, origin: BackfillInput, path: Path, name: str, syncs: Sequence[Rules]
) -> Iterator[TableReader]:
    kind = table.kind_of(Path(urlsplit(name).path if download.is_url(name) else name), origin.format)
    wanted = WantedColumns.of(syncs, may_lack=origin.allow_missing)
    shape = UserShape(origin.key, origin.segments, columns=runtime.settings.rows.columns, wanted=wanted)
    if kind is None:
        user_from_row.refuse_shape(shape, name)
    limit = runtime.settings.intake.max_message_bytes
    if not download.is_url(name) and not path.is_file():
        where = f"on {gethostname()}; whoever takes a backfill further must see its files under the same path"
        raise ConnectorError(f"{name}: there is no such file {where}")
    with reader.opened(path, kind, origin.format, shape, limit, name) as rows:
        yield rows


def _name(file: str) -> str:
    return download.shown(file) if download.is_url(file) else file


def read_nothing(job: Job) -> bool:
    """Says whether a job is a backfill that came to its end and had rows, none of which could be read."""
    return job.kind == KIND and job.state == "done" and job.done > 0 and not Position.of(job.position).read


def progress(runtime: Runtime, id: str) -> Progress:
    """Returns the progress of a job. id: the whole id.

    Raises ConnectorError where there is no such job, SettingsError where the settings do not name its sync.
    """
    job = find(runtime.store, id)
    syncs = runtime.syncs if job.sync == EVERYBODY else [runtime.rules(job.sync)]
    with runtime.store.reading() as tx:
        now = runtime.store.now(tx)
        mine = [rules for rules in syncs if rules.deliver]
        due = sum(everybody.due_behind(tx, rules.name, _COUNTED_AT_MOST) for rules in mine)
        paused = [
            f"{name}: {health.reason}"
            for name in sorted({rules.connection for rules in mine})
            if (health := connection_health.health(tx, name)).paused(now, runtime.track(name).credentials)
        ]
        busy = named_leases.held(tx, [lease_name(id)], now)
    silent = 0.0 if busy else max(now - job.updated_at, 0.0)
    return Progress(job, due, silent, "; ".join(paused))
