"""People who are in a simulated Customer.io before a command is run."""

from connector.intake import bodies
from connector.runtime import Runtime
from connector.settings.schema import load
from connector.store.migrate import migrate
from tests.processes import SHIPPED_SETTINGS


def deliver(environ: dict[str, str], *messages: bytes) -> None:
    """Takes messages in and delivers everything that is due, as `connector run` would."""
    runtime = Runtime.open(load(SHIPPED_SETTINGS, environ))
    migrate(runtime.store)
    bodies.take(runtime.store, runtime.syncs, "hull", messages, 1_000_000)
    runtime.courier("main").deliver()
    runtime.close()
