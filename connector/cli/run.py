"""`connector run`, `connector web` and `connector migrate`: the processes, and the tables they need."""

import math
import threading
import time
from contextlib import closing

from connector.admin.heartbeat import HeartbeatThread
from connector.alerts.watch import AlertThread
from connector.broker.doorbell import Doorbell, application
from connector.cli import embedded
from connector.cli.opening import settings_of
from connector.cli.options import SETTINGS_TOML, SettingsFile, err, out
from connector.console.console import console_at
from connector.errors import StoreError
from connector.runtime import Runtime
from connector.stop_signal import StopSignal
from connector.store import migrate as tables
from connector.store.engine import Store
from connector.web.app import create_app, served
from connector.web.server import serving

_LOOK_SECONDS = 1.0
_SAY_SECONDS = 60.0


def run(settings: SettingsFile = SETTINGS_TOML) -> None:
    """Run the embedded mode: web doors, worker and sweep in one process, until stopped."""
    loaded = settings_of(settings, serves=True)
    embedded.run(loaded, on_ready=lambda url: err.print(f"Ready: {url} (stop with Ctrl-C)", highlight=False))


def web(settings: SettingsFile = SETTINGS_TOML) -> None:
    """Run the HTTP doors of a fleet, beside workers started with `celery -A tasks worker`, until stopped."""
    loaded = settings_of(settings, serves=True)
    stop = StopSignal()
    runtime = Runtime.open(loaded)
    ready = runtime.store.is_migrated()
    with (
        closing(Doorbell(application())) as ring,
        closing(HeartbeatThread(runtime.store, "web").start()),
        closing(AlertThread(loaded, runtime.store).start()),
    ):
        app = create_app(runtime, ring)
        with console_at(app, runtime), serving(served(app), loaded.web.host, loaded.web.port) as url:
            _listening(runtime.store, url, ready=ready)
            stop.wait()
    runtime.close()


def _listening(store: Store, url: str, *, ready: bool) -> None:
    if ready:
        err.print(f"Ready: {url}", highlight=False)
        return
    threading.Thread(target=_wait_for_tables, args=(store, url), daemon=True).start()


def _wait_for_tables(store: Store, url: str) -> None:
    """Says what is waited for, and when that is over. Until then the doors answer 503: senders send again."""
    waiting = f"Listening: {url}, and waiting for `connector migrate`: until then the doors answer 503"
    said_at = -math.inf
    while not _has_tables(store):
        if time.monotonic() - said_at >= _SAY_SECONDS:
            err.print(waiting, highlight=False, soft_wrap=True)
            said_at = time.monotonic()
        time.sleep(_LOOK_SECONDS)
    err.print(f"Ready: {url}", highlight=False)


def _has_tables(store: Store) -> bool:
    try:
        return store.is_migrated()
    except StoreError:
        return False  # it was there when we started: whoever migrates it may have it locked


def migrate(settings: SettingsFile = SETTINGS_TOML) -> None:
    """Bring the store's tables to this version."""
    runtime = Runtime.open(settings_of(settings))
    changed = tables.migrate(runtime.store)
    out.print(f"{runtime.store.place}: {'migrated' if changed else 'up to date'}", highlight=False)
    runtime.close()
