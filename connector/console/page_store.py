"""Opens the stores of the console: that which pages read from, a replica where there is one, and that of acts."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from connector.runtime import Runtime
from connector.settings.schema import Settings
from connector.settings.sections import StoreSettings as Limits
from connector.store.engine import Store
from connector.store.replica import Replica

_ACT_SECONDS = 5.0
"""The seconds that an act waits for SQLite's lock. They are few, since somebody waits for the page meanwhile."""


def acting_runtime(runtime: Runtime) -> Runtime:
    """Returns the process's runtime for the acts of visitors: they wait no more than 5 seconds for a locked SQLite."""
    return replace(runtime, store=runtime.store.hurried(_ACT_SECONDS))


@contextmanager
def reading_runtime(runtime: Runtime) -> Iterator[Runtime]:
    """Yields the runtime that pages read by. Its store has connections of its own, so that no delivery waits for pages.

    It reads a replica where the settings name one and the store is not SQLite. A store in memory cannot be opened a
    second time: for that the process's own runtime is yielded.
    """
    if runtime.store.in_memory:
        yield runtime
        return
    url = runtime.store.url.render_as_string(hide_password=False)
    bounds = _bounds(runtime.settings)
    store = Store(url, bounds, never_patient=True)
    replica = runtime.settings.console.read_url
    if replica is not None and not store.on_sqlite:
        store = Replica(replica.get_secret_value(), bounds, store)
    with closing(Runtime(runtime.settings, store, runtime.syncs)) as reads:
        yield reads


def _bounds(settings: Settings) -> Limits:
    """Returns the store's settings with the time bounds of pages, so that a visitor never waits long for a page."""
    given, seconds = settings.store, settings.console.statement_seconds
    shortened = {
        "statement_seconds": seconds,
        "silence_seconds": min(given.silence_seconds, seconds),
        "connect_seconds": min(given.connect_seconds, seconds),
    }
    return given.model_copy(update=shortened)
