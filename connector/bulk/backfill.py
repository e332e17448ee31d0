"""Backfill: the users that exist already, from files, URLs or a source, at a pace, behind whatever is live.

A backfill is a job. Who takes it further holds its lease, and writes the position after intake has committed: whoever
goes on after a crash reads the last rows once more, which changes nothing.
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

from connector import fetch, intake
from connector.runtime import AtHand
from connector.model.change import Unreadable
from connector.errors import ConnectorError, SettingsError, StoreError
from connector.formats import NAMES
from connector.intake import EVERY_SYNC
from connector.model.job import Job
from connector.bulk.jobs import find
from connector.bulk.lease import Lease, LostError, leased
from connector.bulk.backfill_input import Origin, Position
from connector.model.problem import Kind, Problem
from connector.bulk.resync import Progress
from connector.bulk.tabular import reader, table
from connector.bulk.tabular.user_rows import Shape
from connector.bulk.tabular.reader import Batch, Reader
from connector.bulk.tabular.messages import ROWS_AT_ONCE
from connector.audience.rules import Rules
from connector.bulk.warehouse import pages, turns
from connector.store import backfills, connections, everybody, jobs, leases, problems

log = structlog.get_logger(__name__)
KIND: Kind = "backfill"
EVERYBODY = "*"
"""The sync of a backfill that is for all of them."""
_WAIT_SECONDS = 0.2
_COUNTED_AT_MOST = 100_000
_FORMATS = (*NAMES, *table.KINDS)


class _EndedError(Exception):
    """Somebody paused or cancelled the job, or the program is to end."""


def lease_name(id: str) -> str:
    """The name of the lease that who takes the job further holds."""
    return f"backfill:{id}"


def start(at_hand: AtHand, sync: str, origin: Origin, per_second: float) -> Job:
    """Starts a backfill of a sync, or of all (`*`), of so many rows a second at most.

    Raises ConnectorError where it is plain already that it cannot work: a file that is not there, a wrong URL.
    """
    _check(at_hand, sync, origin)
    with at_hand.store.writing() as connection:
        now = at_hand.store.now(connection)
        job = Job(uuid4().hex[:8], sync, KIND, per_second=per_second, created_at=now, updated_at=now)
        jobs.add(connection, job)
        backfills.add(connection, job.id, origin.text())
    log.info("backfill started", job=job.id, sync=sync, files=len(origin.files), per_second=per_second)
    return job


def _check(at_hand: AtHand, sync: str, origin: Origin) -> None:
    if sync != EVERYBODY:
        at_hand.rules(sync)
    if bool(origin.files) == bool(origin.source):
        raise SettingsError("say what to read: files or URLs, or --source NAME")
    if origin.source:
        turns.find(at_hand, origin.source)
    if origin.format not in _FORMATS:
        raise SettingsError(f"--format: {origin.format!r} is not accepted; give one of {', '.join(_FORMATS)}")
    for file in origin.files:
        if fetch.is_url(file):
            fetch.check(file)
        else:
            with _reader(at_hand, origin, Path(file), file):
                pass


def waiting(at_hand: AtHand) -> list[str]:
    """The backfills under way that nobody is at."""
    with at_hand.store.reading() as connection:
        running = [job.id for job in jobs.find(connection, kind=KIND, states=("running",))]
        if not running:
            return []
        now = at_hand.store.now(connection)
        taken = leases.held(connection, [lease_name(id) for id in running], now)
    return [id for id in running if lease_name(id) not in taken]


def take_further(
    at_hand: AtHand, id: str, until: Callable[[], bool] = lambda: False, rows_at_once: int = ROWS_AT_ONCE
) -> None:
    """Takes a job to its end, unless somebody else does, it is paused or cancelled, or `until` says to stop.

    What cannot be read pauses it, with a problem that says why. Raises StoreError, LostError.
    """
    with leased(at_hand.store, lease_name(id)) as lease:
        if lease is None:
            return
        try:
            _Work(at_hand, id, lease, until, rows_at_once).go()
        except _EndedError:
            return
        except (StoreError, LostError):
            raise
        except ConnectorError as error:
            if not until():
                _pause(at_hand, id, str(error))


def _pause(at_hand: AtHand, id: str, reason: str) -> None:
    advice = f"`connector jobs resume {id}` goes on, `connector jobs cancel {id}` ends it"
    with at_hand.store.writing() as connection:
        now = at_hand.store.now(connection)
        if jobs.turn(connection, id, ("running",), "paused", now):
            problems.add(connection, EVERY_SYNC, [Problem(KIND, id, f"{reason}. It is paused: {advice}")], now)
    log.warning("backfill paused", job=id, reason=reason)


@dataclass(frozen=True, slots=True)
class _Work:
    """A job under its lease."""

    at_hand: AtHand
    id: str
    lease: Lease
    until: Callable[[], bool]
    rows_at_once: int

    def go(self) -> None:
        job = self._job()
        with self.at_hand.store.reading() as connection:
            text = backfills.origin(connection, self.id)
        if text is None:
            raise ConnectorError("what it read is not known any more")
        origin, syncs = Origin.of(text), self._syncs(job)
        if origin.source:
            self._source(origin, syncs)
        else:
            for number in range(Position.of(job.position).file, len(origin.files)):
                self._file(origin, number, syncs)
        self._end()

    def _syncs(self, job: Job) -> Sequence[Rules]:
        return self.at_hand.syncs if job.sync == EVERYBODY else [self.at_hand.rules(job.sync)]

    def _job(self) -> Job:
        """The job as it is now. Raises _EndedError where it is not running any more."""
        with self.at_hand.store.reading() as connection:
            found = jobs.find(connection, id=self.id, states=("running",), limit=1)
        if not found or self.until():
            raise _EndedError
        return found[0]

    def _file(self, origin: Origin, number: int, syncs: Sequence[Rules]) -> None:
        file = origin.files[number]
        with self._local(file) as path, _reader(self.at_hand, origin, path, _name(file)) as rows:
            done = Position.of(self._job().position).row
            rows.skip(done)
            while (batch := rows.batch(self._allowed())).rows:
                self._take(batch, syncs)
                done += batch.rows
                self._save(batch, Position(number, done), _rest(rows, done))
            self._save(Batch(0, []), Position(number + 1), 0)

    @contextmanager
    def _local(self, file: str) -> Iterator[Path]:
        if not fetch.is_url(file):
            yield Path(file)
            return
        most_bytes = self.at_hand.settings.rows.max_file_bytes
        with fetch.fetched(file, most_bytes, until=self.until) as path:
            yield path

    def _source(self, origin: Origin, syncs: Sequence[Rules]) -> None:
        source = turns.find(self.at_hand, origin.source)
        limit = self.at_hand.settings.intake.max_message_bytes
        after = Position.of(self._job().position).after
        while (page := pages.read(source, after, self._allowed(), limit)) is not None:
            after = page.after
            batch = Batch(page.rows, page.messages)
            self._take(batch, syncs)
            self._save(batch, Position(after=after), 0)

    def _allowed(self) -> int:
        """How many rows may come now: waits until the pace allows some. Raises _EndedError."""
        while True:
            job = self._job()
            with self.at_hand.store.reading() as connection:
                allowed = job.allowed(self.at_hand.store.now(connection))
            if allowed:
                return min(allowed, self.rows_at_once)
            time.sleep(min(_WAIT_SECONDS, 1 / job.per_second))

    def _take(self, batch: Batch, syncs: Sequence[Rules]) -> None:
        with self.at_hand.store.reading() as connection:
            self.lease.check(connection)
        intake.accept(self.at_hand.store, syncs, batch.messages, backfill=True)

    def _save(self, batch: Batch, position: Position, rest: int) -> None:
        with self.at_hand.store.writing() as connection:
            self.lease.confirm(connection)
            job = jobs.take(connection, self.id)
            if job is None:
                raise _EndedError
            now = self.at_hand.store.now(connection)
            job = job.advanced(now, position.text(), batch.rows, _counts(batch))
            jobs.save(connection, replace(job, total=job.done + rest))

    def _end(self) -> None:
        with self.at_hand.store.writing() as connection:
            self.lease.confirm(connection)
            job = jobs.take(connection, self.id)
            if job is not None:
                jobs.save(connection, job.ended(self.at_hand.store.now(connection)))
                backfills.drop(connection, self.id)
                problems.clear(connection, KIND, self.id)
        log.info("backfill done", job=self.id)


def _counts(batch: Batch) -> dict[str, int]:
    unreadable = sum(1 for each in batch.messages if isinstance(each, Unreadable))
    return {"could not be read": unreadable} if unreadable else {}


def _rest(rows: Reader, done: int) -> int:
    """About how many rows of the file are left."""
    position = rows.position()
    return int(done * (rows.size - position) / position) if rows.size and position else 0


@contextmanager
def _reader(at_hand: AtHand, origin: Origin, path: Path, name: str) -> Iterator[Reader]:
    kind = table.kind_of(Path(urlsplit(name).path if fetch.is_url(name) else name), origin.format)
    shape = Shape(origin.key, origin.segments, columns=at_hand.settings.rows.columns)
    if kind is None and (origin.key, origin.segments) != (None, ()):
        raise SettingsError(f"--key and --segment are for tables of users: {name} is not CSV or Parquet")
    limit = at_hand.settings.intake.max_message_bytes
    if not fetch.is_url(name) and not path.is_file():
        where = f"on {gethostname()}; whoever takes a backfill further must see its files under the same path"
        raise ConnectorError(f"{name}: there is no such file {where}")
    with reader.opened(path, kind, origin.format, shape, limit, name) as rows:
        yield rows


def _name(file: str) -> str:
    return fetch.shown(file) if fetch.is_url(file) else file


def progress(at_hand: AtHand, id: str) -> Progress:
    """How the job is doing. Raises ConnectorError where it is gone, SettingsError where its sync is."""
    job = find(at_hand.store, id)
    syncs = at_hand.syncs if job.sync == EVERYBODY else [at_hand.rules(job.sync)]
    with at_hand.store.reading() as connection:
        now = at_hand.store.now(connection)
        mine = [rules for rules in syncs if rules.deliver]
        due = sum(everybody.due_behind(connection, rules.name, _COUNTED_AT_MOST) for rules in mine)
        paused = [
            f"{name}: {health.reason}"
            for name in sorted({rules.connection for rules in mine})
            if (health := connections.health(connection, name)).paused(now, at_hand.track(name).credentials)
        ]
        busy = leases.held(connection, [lease_name(id)], now)
    silent = 0.0 if busy else max(now - job.updated_at, 0.0)
    return Progress(job, due, silent, "; ".join(paused))
