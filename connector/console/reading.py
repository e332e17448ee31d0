"""Opens the store that pages read from: with the bounds of pages, and a replica where there is one."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from connector.runtime import Runtime
from connector.store.engine import Store


@contextmanager
def reading_runtime(runtime: Runtime) -> Iterator[Runtime]:
    """Yields what pages read by. With SQLite that is the process's own: its readers wait for nobody."""
    settings = runtime.settings
    if runtime.store.on_sqlite:
        yield runtime
        return
    replica = settings.console.read_url
    url = replica.get_secret_value() if replica else runtime.store.url.render_as_string(hide_password=False)
    bounds = settings.store.model_copy(update={"statement_seconds": settings.console.statement_seconds})
    with closing(Runtime(settings, Store(url, bounds, never_patient=True), runtime.syncs)) as reads:
        yield reads
