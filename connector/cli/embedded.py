"""Embedded mode: the whole product in one process. A Celery worker on the in-process broker, the web doors, the sweep.

The in-process broker forgets what it holds, so it carries doorbells only: what comes in by HTTP goes to the store
before it is answered, and what a lost doorbell left due is found by the sweep.
"""

import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic
from typing import TextIO

import structlog
from celery import Celery

from connector.admin.heartbeat import HeartbeatThread
from connector.broker import beat_schedule, doorbell
from connector.broker.doorbell import Doorbell
from connector.console.console import console_at
from connector.errors import ConnectorError, SettingsError, StoreError
from connector.runtime import Runtime
from connector.settings.schema import Settings
from connector.stop_signal import StopSignal
from connector.store import claims, heartbeats, named_leases, sqlite
from connector.store.migrate import migrate
from connector.web.app import create_app, served
from connector.web.server import serving

log = structlog.get_logger(__name__)
_STOP_SECONDS = 20.0


def run(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Runs until SIGINT or SIGTERM; `on_ready` is told the URL of the web doors. Raises ConnectorError."""
    if settings.broker.url != "memory://":
        reason = "`connector run` is the embedded mode, with memory://; a fleet's workers are `celery -A tasks worker`"
        raise SettingsError(f"broker.url: {reason}")
    stop = StopSignal()
    runtime = Runtime.open(settings)
    runtime.require_credentials()
    with _only_one(runtime):
        _prepare(runtime)
        _serve(runtime, stop, on_ready)
    runtime.close()


def _serve(runtime: Runtime, stop: StopSignal, on_ready: Callable[[str], None]) -> None:
    settings = runtime.settings
    with (
        _worker() as (worker, works),
        closing(Doorbell(worker)) as ring,
        closing(HeartbeatThread(runtime.store, "run").start()),
    ):
        app = create_app(runtime, ring, works=works)
        with console_at(app, runtime), serving(served(app), settings.web.host, settings.web.port) as url:
            log.info("ready", url=url, store=runtime.store.place)
            on_ready(url)
            _tick(worker, stop, beat_schedule.duties(settings.delivery.sweep_seconds))


def _prepare(runtime: Runtime) -> None:
    if migrate(runtime.store):
        log.info("store migrated", store=runtime.store.place)
    with runtime.store.writing() as tx:
        released = claims.release_all(tx)
        named_leases.release_all(tx)
        heartbeats.end_all(tx)
    if released:
        log.info("took over what an earlier run had begun to send", people=released)


def _tick(app: Celery, stop: StopSignal, periods: beat_schedule.Duties) -> None:
    """The embedded mode's beat: an in-process thread needs no schedule file."""
    next_at = dict.fromkeys(periods, monotonic())
    while not stop.wait(max(min(next_at.values()) - monotonic(), 0.0)):
        now = monotonic()
        for task in [task for task, at in next_at.items() if at <= now]:
            app.send_task(task)
            next_at[task] = now + periods[task]


@contextmanager
def _worker() -> Iterator[tuple[Celery, Callable[[], bool]]]:
    """A Celery worker in a thread: its application, and whether it goes on."""
    app = doorbell.application()
    worker = app.WorkController(
        pool="solo", hostname="embedded@localhost", without_gossip=True, without_mingle=True, without_heartbeat=True
    )
    thread = threading.Thread(target=worker.start, name="worker", daemon=True)
    thread.start()
    try:
        yield app, thread.is_alive
    finally:
        worker.stop()
        thread.join(_STOP_SECONDS)


@contextmanager
def _only_one(runtime: Runtime) -> Iterator[None]:
    """Two programs that both believe to be alone would send for one person at the same time."""
    database = runtime.store.url.database
    if not runtime.store.on_sqlite or not database or database == ":memory:":
        yield
        return
    with _lock_file(runtime, database) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            place = runtime.store.place
            reason = f"another `connector run` works on {place}: stop it, or give this one another [store] url"
            raise ConnectorError(reason) from error
        yield


def _lock_file(runtime: Runtime, database: str) -> TextIO:
    try:
        return Path(f"{database}.lock").open("w")
    except OSError as error:
        why = sqlite.hint(runtime.store.url)
        raise StoreError(f"the store {runtime.store.place} cannot be used: {error.strerror}{why}") from error
