"""Embedded mode: the whole product in one process. A Celery worker on the in-process broker, the web doors, the sweep.

The in-process broker forgets what it holds, so it carries doorbells only: what comes in by HTTP goes to the store
before it is answered, and what a lost doorbell left due is found by the sweep.
"""

import fcntl
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import structlog
from celery import Celery
from uvicorn import Config

from connector import doorbell
from connector.runtime import AtHand
from connector.errors import ConnectorError, SettingsError
from connector.web.server import serving
from connector.settings.schema import Settings
from connector.store import claims, leases
from connector.web.app import create_app

log = structlog.get_logger(__name__)
_STOP_SECONDS = 20.0
_PERIODS = {
    "tasks.jobs.advance": 1.0,
    "tasks.sources.look": 5.0,
    "tasks.upkeep.forget": 3600.0,
    "tasks.upkeep.retain": 3600.0,
}
"""What beat rings for in a fleet, and how often in seconds; the sweep's period is a setting."""


def run(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Runs until SIGINT or SIGTERM; `on_ready` is told the URL of the web doors. Raises ConnectorError."""
    if settings.broker.url != "memory://":
        reason = "`connector run` is the embedded mode, with memory://; a fleet's workers are `celery -A tasks worker`"
        raise SettingsError(f"broker.url: {reason}")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    at_hand = AtHand.open(settings)
    at_hand.require_credentials()
    with _only_one(at_hand), _worker() as app:
        _prepare(at_hand)
        config = Config(create_app(at_hand, doorbell.ring(app)), log_config=None, access_log=False, lifespan="off")
        with serving(config, settings.web.host, settings.web.port) as url:
            log.info("ready", url=url, store=at_hand.store.place)
            on_ready(url)
            _tick(app, stop, settings.delivery.sweep_seconds)
    at_hand.close()


def _prepare(at_hand: AtHand) -> None:
    if at_hand.store.migrate():
        log.info("store migrated", store=at_hand.store.place)
    with at_hand.store.writing() as connection:
        released = claims.release_all(connection)
        leases.release_all(connection)
    if released:
        log.info("took over what an earlier run had begun to send", people=released)


def _tick(app: Celery, stop: threading.Event, sweep_seconds: float) -> None:
    """The embedded mode's beat: an in-process thread needs no schedule file."""
    periods = {"tasks.upkeep.sweep": sweep_seconds, **_PERIODS}
    next_at = dict.fromkeys(periods, monotonic())
    while not stop.wait(max(min(next_at.values()) - monotonic(), 0.0)):
        now = monotonic()
        for task in [task for task, at in next_at.items() if at <= now]:
            app.send_task(task)
            next_at[task] = now + periods[task]


@contextmanager
def _worker() -> Iterator[Celery]:
    """A Celery worker in a thread."""
    app = doorbell.application()
    worker = app.WorkController(
        pool="solo", hostname="embedded@localhost", without_gossip=True, without_mingle=True, without_heartbeat=True
    )
    thread = threading.Thread(target=worker.start, name="worker", daemon=True)
    thread.start()
    try:
        yield app
    finally:
        worker.stop()
        thread.join(_STOP_SECONDS)


@contextmanager
def _only_one(at_hand: AtHand) -> Iterator[None]:
    """Two programs that both believe to be alone would send for one person at the same time."""
    database = at_hand.store.url.database
    if not at_hand.store.on_sqlite or not database or database == ":memory:":
        yield
        return
    with Path(f"{database}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            place = at_hand.store.place
            reason = f"another `connector run` works on {place}: stop it, or give this one another [store] url"
            raise ConnectorError(reason) from error
        yield
