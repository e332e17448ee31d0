"""Opens the store that pages read from, with the bounds of pages and a replica where there is one; and that of acts."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from connector.runtime import Runtime
from connector.settings.schema import Settings
from connector.settings.sections import StoreSettings as Limits
from connector.store.engine import Store
from connector.store.replica import Replica

_ACT_SECONDS = 5.0
"""So long an act waits for whoever writes to SQLite: somebody looks at the page meanwhile."""


def acting_runtime(runtime: Runtime) -> Runtime:
    """Returns what visitors act by: the process's own, but they wait for a locked SQLite a moment only."""
    return replace(runtime, store=runtime.store.hurried(_ACT_SECONDS))


@contextmanager
def reading_runtime(runtime: Runtime) -> Iterator[Runtime]:
    """Yields what pages read by: connections of their own, so that none who delivers waits for a page.

    A store in memory is the process's own, as it has no other way to it.
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
